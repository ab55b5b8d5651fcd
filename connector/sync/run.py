"""Run: the whole loop once, in order, and what it came to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from connector.domain.moment import Micros
from connector.errors import BusyError, LeadloopError, UsageError
from connector.store import cycles, plans, runs
from connector.store.plans import PlanRow
from connector.sync import apply as sending
from connector.sync import hand_off
from connector.sync.collect import collect
from connector.sync.context import Loop, Source
from connector.sync.decide import decide
from connector.sync.plan import plan
from connector.sync.pull import pull
from connector.sync.resolve import resolve_people
from connector.sync.score import score
from connector.sync.troubles import Troubles

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
    with _booked(loop, result, clock):
        _read(loop, result, troubles)
        with loop.lease.held():
            _plan(loop, result)
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
    except LeadloopError as error:
        status = "incomplete" if error.retryable else "failed"
        _finish(loop, result, clock, status, error)
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
            result.count("recover", sending.recover(loop, source))
            result.count("pull", pull(loop, source))

        if troubles.attempt(source, step):
            troubles.well(source)
    if len(troubles.out) == len(loop.sources):
        troubles.raise_first()
        raise BusyError("other runs are at work on every connection", hint="Let them end")


def _plan(loop: Loop, result: Result) -> None:
    result.count("resolve", resolve_people(loop))
    result.count("collect", collect(loop))
    counts, result.everybody = score(loop)
    result.count("score", counts)
    with loop.store.read() as tx:
        first = "model" not in plans.approvals(tx)
        day_one = first and not cycles.any_opened(tx, before=loop.now)
    day_one = day_one or loop.handoff.name in loop.filling
    result.count("decide", decide(loop, day_one=day_one))
    result.count("decide", hand_off.confirm(loop))
    result.plan = plan(loop, first=first)
    result.count("plan", Counter(result.plan.counts))


def _send(loop: Loop, result: Result, troubles: Troubles) -> None:
    result.counts.setdefault("apply", Counter())
    for source in loop.sources:
        counts: Counter[str] = Counter()
        troubles.attempt(source, partial(sending.apply, loop, source, counts))
        result.count("apply", counts)
    with loop.lease.held():
        result.count("apply", hand_off.confirm(loop))
        _close_plan(loop, result)


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
    with _booked(loop, result, clock):
        for source in loop.sources:
            if source.lease is None or not source.lease.take():
                raise BusyError(
                    f"another run is at work on {source.name}", hint="Wait for it to end"
                )
            _check_organisation(loop, source)
            result.count("recover", sending.recover(loop, source))
        with loop.lease.held():
            sending.approve(loop, plan_row, approved=approved)
        result.count("apply", sending.leave_out_moved(loop, plan_row.id))
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
    with loop.store.write() as tx:
        runs.finish(
            tx,
            loop.run,
            status=status,
            ended=clock(),
            counts={
                **{s: dict(c) for s, c in result.counts.items()},
                "scored_all": result.everybody,
            },
            model=loop.models.hash,
            plan=result.plan.id if result.plan else None,
            error=type(error).code if error else None,
        )
