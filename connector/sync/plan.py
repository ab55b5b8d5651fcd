"""Plan: what would change in the CRM, field by field, before -> after; nothing is sent here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import Connection

from connector.domain.outward import Group
from connector.domain.record import Fields, Scalar
from connector.mapping.compile import WriteTarget
from connector.mapping.outbound import same, to_remote
from connector.store.outgoing import outbox, plans, questions, written
from connector.store.outgoing.flapping import TURNS
from connector.store.outgoing.outbox import Changes, Planned
from connector.store.outgoing.plans import PlanRow
from connector.store.persons import people
from connector.store.persons.people import PersonRecord
from connector.sync.context import Loop, Source
from connector.sync.diff import Base, Do, settle
from connector.sync.planning.basis import basis_of
from connector.sync.planning.desire import Person, desired
from connector.sync.planning.guard import Hold, Limits, exceeded
from connector.sync.planning.known import Known
from connector.sync.planning.quiet import Worth, worth_writing
from connector.sync.planning.scope import within
from connector.sync.planning.wishes import Turn, against_live

PAGE = 1000


def plan(loop: Loop, *, hold: Hold) -> PlanRow:
    """Plan every pending person; gives the plan, which is stored unless it holds nothing new.

    `hold` says what waits for a person's approval, whatever its size.
    """
    plan_id = f"plan-{loop.run}"
    counts: Counter[str] = Counter()
    row = PlanRow(plan_id, loop.run, "write", "open", basis_of(loop), loop.now, None, {}, [])
    with loop.store.write() as tx:
        loop.lease.check(tx)
        last = plans.newest_plan(tx)
        _ask_anew(loop, tx, changed=last is None or last.basis != row.basis)
        outbox.cancel_excluded(tx, loop.now)
    for page in _pending(loop):
        with loop.store.write() as tx:
            loop.lease.check(tx)
            _plan_page(loop, tx, plan_id, page, counts)
        loop.tell("plan", counts)
    return _close(loop, row, counts, hold=hold, save=last is None or last.basis != row.basis)


def _ask_anew(loop: Loop, tx: Connection, *, changed: bool) -> None:
    """Plan everybody after a change of what plans rest on, and people whose edit had its time."""
    if changed:
        people.mark_all(tx, pending=True)
        return
    for source in loop.sources:
        for one in source.objects.values():
            for target in one.writes.values():
                if target.keep_for is not None:
                    before = loop.now - target.keep_for
                    found = written.edited_before(tx, source.name, one.name, target.to, before)
                    people.mark(tx, found, pending=True)


def _pending(loop: Loop) -> Iterator[list[str]]:
    after = ""
    while True:
        with loop.store.read() as tx:
            page = people.pending(tx, after, PAGE)
        if not page:
            return
        yield page
        after = page[-1]


def _plan_page(
    loop: Loop, tx: Connection, plan_id: str, page: Sequence[str], counts: Counter[str]
) -> None:
    known = Known(loop, tx, page)
    turn = Turn()
    for person in known.people:
        wishes = list(_wishes(loop, known, person, counts))
        against_live(turn, known, person.id, wishes, counts)
    turn.save(tx, plan_id, loop.now)
    questions.ask(tx, plan_id, known.asked, loop.now)
    written.save_edits(tx, known.edits_seen, loop.now, loop.run)
    people.mark(tx, [one for one in page if one not in turn.later], pending=False)
    counts["asked"] += len(known.asked)


def _wishes(loop: Loop, known: Known, person: Person, counts: Counter[str]) -> Iterator[Planned]:
    primary = known.primaries.get(person.id)
    for record in known.records.get(person.id, []):
        source = known.sources.get(record.connection)
        if record.gone or source is None or record.object not in source.objects:
            continue
        if record.doc.get("frozen") is True:
            continue  # the CRM takes no more writes to it, as to a converted lead
        if not within(known.facts.get(person.id, {}), known.scopes[source.name]):
            continue
        is_primary = primary is not None and primary.record.key == record.key
        for group in known.groups:
            if group is not Group.SCORE and not is_primary:
                continue
            changes, worth = _group_changes(loop, known, person, record, source, group, counts)
            if changes and worth is not Worth.NOTHING:
                yield Planned(
                    connection=record.connection,
                    object=record.object,
                    record=record.id,
                    grp=group.value,
                    person=person.id,
                    state="planned",
                    changes=changes,
                    quiet=group is not Group.OWNER,
                    refresh=worth is Worth.REFRESH,
                )


def _group_changes(
    loop: Loop,
    known: Known,
    person: Person,
    record: PersonRecord,
    source: Source,
    group: Group,
    counts: Counter[str],
) -> tuple[Changes, Worth]:
    wish = desired(person, group, run=loop.run, routing=loop.allows("route"))
    targets = known.targets(source, record.object, group)
    key = (record.connection, record.object, record.id)
    changes: dict[str, tuple[Scalar, Scalar]] = {}
    changed: list[str] = []
    for name, target in targets.items():
        after = to_remote(target, wish[name])
        if group is Group.OWNER and (after is None or after in known.inactive):
            counts["owner inactive"] += after is not None
            continue
        held = record.remote.get(target.to)
        if same(held, after):
            continue  # as most fields are: the CRM holds our wish
        match _settle(loop, known, record, target, after):
            case Do.WRITE:
                changes[target.to] = (held, after)
                changed.append(name)
            case Do.STOP:
                counts["flapping"] += 1
                loop.warn(
                    f"`{target.to}` of {record.object}/{record.id} in {source.name} is set back "
                    "by somebody each time: it is left alone; leadloop runs retry tries again"
                )
            case Do.ASK:
                if known.asks(key, target.to, held, after):
                    question = (*key, target.to)
                    known.asked.append((question, group.value, person.id, held, after))
    if group is not Group.SCORE:
        return changes, Worth.WRITE
    base = known.bases.get(key, {})
    return changes, _worth(loop, targets, wish, record, base, changed)


def _settle(
    loop: Loop, known: Known, record: PersonRecord, target: WriteTarget, after: Scalar
) -> Do:
    key = (record.connection, record.object, record.id)
    remote = record.remote.get(target.to)
    last = known.bases.get(key, {}).get(target.to)
    base = Base(*last) if last else None
    seen = known.edits.get(key, {}).get(target.to)
    edited_at = seen[1] if seen and same(seen[0], remote) else None
    held = remote
    if target.field == "owner" and remote != after:
        # In a queue, or with somebody who left, it is nobody's: no word stands against a hand-off.
        held = None if remote in known.queues or remote in known.inactive else remote
    do = settle(
        target, after, base, held, edited_at=edited_at, changed_at=record.changed, now=loop.now
    )
    if do is Do.KEEP and edited_at is None and (base is not None or not same(remote, None)):
        known.edits_seen.append((*key, target.to, remote))
    if do is Do.ASK and known.decided(key, target.to, remote, after) == questions.OURS:
        return Do.WRITE
    contested = base is not None and not same(base.value, remote)
    if do is Do.WRITE and contested and known.turns.get(key, {}).get(target.to, 0) >= TURNS:
        return Do.STOP
    return do


def _worth(
    loop: Loop,
    targets: Mapping[str, WriteTarget],
    wish: Fields,
    record: PersonRecord,
    base: dict[str, tuple[Scalar, int]],
    changed: Sequence[str],
) -> Worth:
    target = targets.get("score")
    last = base.get(target.to) if target else None
    return worth_writing(
        changed,
        record=record.key,
        desired=wish["score"],
        remote=record.remote.get(target.to) if target else None,
        written_at=last[1] if last else None,
        now=loop.now,
        min_change=loop.settings.write.min_change,
        max_age=loop.settings.write.max_age,
    )


def _close(loop: Loop, row: PlanRow, counts: Counter[str], *, hold: Hold, save: bool) -> PlanRow:
    with loop.store.write() as tx:
        loop.lease.check(tx)
        limits = loop.settings.write.limits
        planned = any(counts[group.value] for group in Group)
        total = people.count_records(tx, "person") if planned else 0
        limit = Limits(limits.records, limits.owners, limits.clears)
        held = exceeded(tx, row.id, limit, total, refreshed=counts["refreshed"], hold=hold)
        state = "needs_approval" if held else "open" if planned else "applied"
        row = row._replace(state=state, counts=dict(+counts), held=held)
        if planned or save:
            plans.save_plan(tx, row)
        plans.supersede_plans(tx)
    return row
