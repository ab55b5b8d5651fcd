"""Run: the whole loop once, in order, and what it came to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from connector.documents import canonical_hash
from connector.domain.moment import Micros
from connector.engine.run import Scorer
from connector.errors import (
    BusyError,
    LeadloopError,
    LeaseHeldError,
    LeaseLostError,
    UsageError,
)
from connector.store.outgoing import plans
from connector.store.outgoing.plans import PlanRow
from connector.store.running import audit, notes, runs
from connector.sync import apply as sending
from connector.sync.collect import collect
from connector.sync.context import Loop, Source
from connector.sync.decide import decide, deliver_offers
from connector.sync.handing_off import hand_off
from connector.sync.handing_off.alerting import send_alerts
from connector.sync.handing_off.notes import give_notes
from connector.sync.handing_off.tasks import give_tasks
from connector.sync.handing_off.watching import watch
from connector.sync.plan import plan
from connector.sync.planning.basis import files_of
from connector.sync.planning.guard import Hold
from connector.sync.pull import pull
from connector.sync.reading import intake
from connector.sync.recall import OLDER, is_rebuilt, recall
from connector.sync.resolve import resolve_people
from connector.sync.score import score, scorer_ready
from connector.sync.troubles import Troubles
from connector.sync.upkeep.retain import retain
from connector.sync.writing import reacting

Counts = dict[str, Counter[str]]


@dataclass
class Result:
    """What a run did, step by step, its plan if it made one, and the envelope's status."""

    run: str
    status: str = "ok"
    counts: Counts = field(default_factory=dict)
    plan: PlanRow | None = None
    everybody: bool = False
    """Whether everybody was scored anew."""

    def count(self, step: str, counts: Counter[str]) -> None:
        """Add what a step did."""
        self.counts.setdefault(step, Counter()).update(+counts)


def run(loop: Loop, clock: Callable[[], Micros], *, send: bool) -> Result:
    """Go through every step; with `send`, what the guard lets pass is written.

    A connection in trouble is left out, and its error raised at the end.
    """
    result = Result(loop.run)
    troubles = Troubles(loop, clock)
    loop.note("run.started", run=loop.run)
    with _booked(loop, result, clock):
        if send:
            _note_files(loop)
        with scorer_ready(loop) as scorer:
            _read(loop, result, troubles)
            with loop.lease.held():
                _plan(loop, result, scorer)
        if send:
            _send(loop, result, troubles)
        result.status = _status(result, send=send)
        troubles.raise_first()
    return result


@contextmanager
def _booked(loop: Loop, result: Result, clock: Callable[[], Micros]) -> Iterator[None]:
    """Close the run's line in the book, however it ends."""
    try:
        yield
    except LeaseLostError:
        raise  # our line is closed by the run that took over, or the next one
    except LeadloopError as error:
        _finish(loop, result, clock, error.status, error)
        raise
    except KeyboardInterrupt:
        _finish(loop, result, clock, "interrupted", None)
        raise
    _finish(loop, result, clock, result.status, None)


def _read(loop: Loop, result: Result, troubles: Troubles) -> None:
    for source in loop.sources:
        if not troubles.gate(source):
            continue

        def step(source: Source = source) -> None:
            _check_organisation(loop, source)
            _done(loop, result, "recover", sending.recover(loop, source))
            _done(loop, result, "pull", pull(loop, source))

        if troubles.attempt(source, step):
            troubles.well(source)
    if len(troubles.out) == len(loop.sources):
        troubles.raise_first()
        raise _busy("other runs are at work on every connection", loop.sources[0])


def _busy(said: str, source: Source) -> BusyError:
    holder = source.lease.taken_by if source.lease is not None else ""
    return LeaseHeldError(said, holder=holder, hint="Wait for it to end, or see leadloop status")


def _plan(loop: Loop, result: Result, scorer: Scorer | None) -> None:
    reacting.look(loop)
    _done(loop, result, "resolve", resolve_people(loop))
    _done(loop, result, "recall", recall(loop))
    _done(loop, result, "retain", retain(loop))
    _done(loop, result, "collect", collect(loop))
    counts, result.everybody = score(loop, scorer)
    _done(loop, result, "score", counts)
    _done(loop, result, "decide", decide(loop, day_one=_is_day_one(loop)))
    _done(loop, result, "decide", hand_off.confirm(loop))
    _done(loop, result, "decide", watch(loop))
    result.plan = plan(loop, hold=_hold(loop))
    _done(loop, result, "plan", Counter(result.plan.counts))


def _done(loop: Loop, result: Result, step: str, counts: Counter[str]) -> None:
    result.count(step, counts)
    loop.note("step.done", run=loop.run, step=step, counts=dict(+counts))


def _note_files(loop: Loop) -> None:
    """Write into the audit log when the settings or files in force are others than last time."""
    files = {kind: digest for kind, (digest, _) in files_of(loop).items()}
    files["settings"] = canonical_hash(loop.settings.model_dump(mode="json"))
    with loop.store.write() as tx:
        known = notes.get(tx, "files") or {}
        changed = {k: [known.get(k), files[k]] for k in files if known.get(k) != files[k]}
        if changed:
            notes.put(tx, "files", files)
            audit.append(tx, "files in force changed", {"run": loop.run, **changed}, loop.now)


def _is_day_one(loop: Loop) -> bool:
    """Whether the loop meets these people for the first time, so that nobody is handed off yet.

    Not where it was at work before: then the CRM itself says how far each person is.
    """
    if loop.handoff.name in loop.filling:
        return True
    with loop.store.read() as tx:
        first = "model" not in plans.approvals(tx)
        return first and not runs.any_done(tx) and not is_rebuilt(tx)


def _hold(loop: Loop) -> Hold:
    """What may not be written before a person has looked; nothing in everyday life."""
    with loop.store.read() as tx:
        if "model" not in plans.approvals(tx):
            return Hold("the first plan of this store: somebody has to look at it")
        older = notes.get(tx, OLDER)
        small = intake.unusual(loop, tx)
        reaction = reacting.said(tx)
    for one in small:
        loop.warn(f"unusually little came: {one.said}")
    if older is not None:
        return Hold(
            f"the store was older than the CRM ({older['people']} people stood further there, "
            f"run {older['run']}): somebody has to look at it"
        )
    whole, days = ("; ".join(s.said for s in small if s.whole is w) for w in (True, False))
    if reaction is not None:
        loop.warn(reaction)
    return Hold(whole or None, reaction or days or None)


def _send(loop: Loop, result: Result, troubles: Troubles) -> None:
    result.counts.setdefault("apply", Counter())
    for source in loop.sources:
        counts: Counter[str] = Counter()
        troubles.attempt(source, partial(sending.apply, loop, source, counts))
        _done(loop, result, "apply", counts)
    with loop.lease.held():
        _done(loop, result, "apply", hand_off.confirm(loop))
        _close_plan(loop, result)
    source = loop.handoff
    if source.lease is not None and source.lease.lease is not None:
        troubles.attempt(source, lambda: _done(loop, result, "handover", give_tasks(loop, source)))
        troubles.attempt(source, lambda: _done(loop, result, "handover", give_notes(loop, source)))
    with loop.lease.held():
        _done(loop, result, "handover", send_alerts(loop))
        _done(loop, result, "handover", deliver_offers(loop))


def _close_plan(loop: Loop, result: Result) -> None:
    with loop.store.write() as tx:
        plans.close_applied(tx)
        if result.plan is not None:
            result.plan = plans.get_plan(tx, result.plan.id) or result.plan


def approve_and_apply(
    loop: Loop, plan_row: PlanRow, clock: Callable[[], Micros], *, approved: bool
) -> Result:
    """Send one stored plan; what the guard held needs `approved`."""
    result = Result(loop.run, plan=plan_row)
    troubles = Troubles(loop, clock)
    loop.note("run.started", run=loop.run)
    with _booked(loop, result, clock):
        for source in loop.sources:
            if source.lease is None or not source.lease.take():
                raise _busy(f"another run is at work on {source.name}", source)
            _check_organisation(loop, source)
            _done(loop, result, "recover", sending.recover(loop, source))
        with loop.lease.held():
            sending.approve(loop, plan_row, approved=approved)
            with loop.store.write() as tx:
                notes.drop(tx, OLDER)
                notes.drop(tx, reacting.REACTION)
                intake.accept(loop, tx)
        _done(loop, result, "apply", sending.leave_out_moved(loop, plan_row.id))
        _send(loop, result, troubles)
        result.status = _status(result, send=True)
        troubles.raise_first()
    return result


def _status(result: Result, *, send: bool) -> str:
    refused = result.counts.get("apply", Counter())["refused"]
    kept_aside = result.counts.get("pull", Counter())["newly rejected"]
    held = result.plan is not None and result.plan.state == "needs_approval"
    if held and (send or result.plan is not None) and not _was_approved(result):
        return "needs_approval"
    return "partial" if refused or kept_aside else "ok"


def _was_approved(result: Result) -> bool:
    return "pull" not in result.counts


def _check_organisation(loop: Loop, source: Source) -> None:
    """A connection stays with the organisation it first reached: a sandbox is not production."""
    there = source.adapter.check()
    kind = source.adapter.capabilities.kind
    for note in there.notes:
        loop.warn(f"{source.name}: {note}")
    with loop.store.write() as tx:
        other = runs.pin_organisation(tx, source.name, kind, there.organisation, loop.now)
    if other is not None:
        raise UsageError(
            f"connection `{source.name}` reaches {there.organisation}, but this store was "
            f"filled from {other}",
            hint="Use a store of its own for each organisation",
        )


def _finish(
    loop: Loop,
    result: Result,
    clock: Callable[[], Micros],
    status: str,
    error: LeadloopError | None,
) -> None:
    counts: dict[str, Any] = {step: dict(c) for step, c in result.counts.items()}
    sent = +result.counts.get("apply", Counter())
    with loop.store.write() as tx:
        if sent:
            audit.append(tx, "apply", {"run": loop.run, "counts": dict(sent)}, loop.now)
        head = audit.head(tx)
        runs.finish(
            tx,
            loop.run,
            status=status,
            ended=clock(),
            counts={**counts, "scored_all": result.everybody, "audit_head": head},
            model=loop.models.hash,
            plan=result.plan.id if result.plan else None,
            error=type(error).code if error else None,
        )
    loop.note("run.ended", run=loop.run, status=status, audit_head=head)
