"""Plan: what would change in the CRM, field by field, before -> after; nothing is sent here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection

from connector.domain.outward import OUTWARD, Group
from connector.domain.record import Fields, Scalar
from connector.mapping.compile import WriteTarget
from connector.mapping.outbound import same, to_remote
from connector.store import audit, cycles, outbox, people, plans, runs, scores, written
from connector.store.outbox import Changes, Planned, Row
from connector.store.people import PersonRecord
from connector.store.plans import PlanRow
from connector.sync.basis import basis_of
from connector.sync.context import Loop, Source
from connector.sync.desire import Person, desired
from connector.sync.diff import Base, Do, settle
from connector.sync.guard import Limits, exceeded
from connector.sync.primary import Primary, primaries
from connector.sync.quiet import worth_writing

PAGE = 500
_STAGE = {Group.SCORE: "score", Group.NURTURE: "nurture", Group.OWNER: "route"}
_LIVE_UNSENT = ("planned", "approved", "retry")


def plan(loop: Loop, *, hold: str | None) -> PlanRow:
    """Plan every pending person and store the plan; a plan without rows is stored as applied.

    `hold` says in words why everything waits for a person's approval; None where nothing must.
    """
    plan_id = f"plan-{loop.run}"
    counts: Counter[str] = Counter()
    row = PlanRow(plan_id, loop.run, "write", "open", basis_of(loop), loop.now, None, {}, [])
    with loop.store.write() as tx:
        loop.lease.check(tx)
        _ask_anew(loop, tx, row.basis)
        plans.save_plan(tx, row)
    for page in _pending(loop):
        with loop.store.write() as tx:
            _plan_page(loop, tx, plan_id, page, counts)
        loop.tell("plan", counts)
    return _close(loop, row, counts, hold=hold)


def _ask_anew(loop: Loop, tx: Connection, basis: str) -> None:
    """Plan everybody after a change of what plans rest on, and people whose edit had its time."""
    last = plans.newest_plan(tx)
    if last is None or last.basis != basis:
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
    known = _Known(loop, tx, page)
    fresh: list[Planned] = []
    quiet_people = []
    for person in known.people:
        wishes = list(_wishes(loop, known, person))
        rows = _reconcile(tx, loop, plan_id, known, person.id, wishes, counts)
        fresh.extend(rows)
        if not wishes and not known.waiting(person.id):
            quiet_people.append(person.id)
    outbox.add(tx, plan_id, fresh)
    written.save_edits(tx, known.edits_seen, loop.now, loop.run)
    people.mark(tx, [*quiet_people, *known.unplannable], pending=False)


class _Known:
    """What the store knows about one page of people, read once."""

    def __init__(self, loop: Loop, tx: Connection, page: Sequence[str]) -> None:
        published = scores.published(tx, page)
        current = cycles.current(tx, page)
        self.people = [
            Person(one, published[one], current[one])
            for one in page
            if one in published and one in current
        ]
        ready = {person.id for person in self.people}
        self.unplannable = [one for one in page if one not in ready]
        self.records = people.records_of(tx, page)
        self.primaries: dict[str, Primary] = primaries(tx, loop, page)
        keys = [
            (r.connection, r.object, r.id) for records in self.records.values() for r in records
        ]
        self.bases = written.bases(tx, keys)
        self.edits = written.edits(tx, keys)
        self.live = outbox.live(tx, page)
        self.dead = outbox.dead_same(tx, page)
        self.edits_seen: list[tuple[str, str, str, str, Scalar]] = []

    def waiting(self, person: str) -> bool:
        """Whether rows of the person are on their way already."""
        return any(row.person == person for row in self.live.values())


def _wishes(loop: Loop, known: _Known, person: Person) -> Iterator[Planned]:
    primary = known.primaries.get(person.id)
    for record in known.records.get(person.id, []):
        source = next((s for s in loop.sources if s.name == record.connection), None)
        if record.gone or source is None or record.object not in source.objects:
            continue
        for group in Group:
            if not loop.allows(_STAGE[group]):
                continue
            is_primary = primary is not None and primary.record.key == record.key
            if group is not Group.SCORE and not is_primary:
                continue
            changes = _group_changes(loop, known, person, record, source, group)
            if changes:
                yield Planned(
                    connection=record.connection,
                    object=record.object,
                    record=record.id,
                    grp=group.value,
                    person=person.id,
                    state="planned",
                    changes=changes,
                    quiet=group is not Group.OWNER,
                )


def _group_changes(
    loop: Loop,
    known: _Known,
    person: Person,
    record: PersonRecord,
    source: Source,
    group: Group,
) -> Changes:
    wish = desired(person, group, run=loop.run, routing=loop.allows("route"))
    targets = {
        name: target
        for name, target in source.objects[record.object].writes.items()
        if OUTWARD[name].group is group
    }
    key = (record.connection, record.object, record.id)
    changes: dict[str, tuple[Scalar, Scalar]] = {}
    changed: list[str] = []
    for name, target in targets.items():
        after = to_remote(target, wish[name])
        if group is Group.OWNER and wish[name] is None:
            continue
        if _settle(loop, known, record, target, after) is Do.WRITE:
            changes[target.to] = (record.remote.get(target.to), after)
            changed.append(name)
    if group is not Group.SCORE:
        return changes
    base = known.bases.get(key, {})
    return changes if _is_worth(loop, targets, wish, record, base, changed) else {}


def _settle(
    loop: Loop, known: _Known, record: PersonRecord, target: WriteTarget, after: Scalar
) -> Do:
    key = (record.connection, record.object, record.id)
    remote = record.remote.get(target.to)
    last = known.bases.get(key, {}).get(target.to)
    base = Base(*last) if last else None
    seen = known.edits.get(key, {}).get(target.to)
    edited_at = seen[1] if seen and same(seen[0], remote) else None
    do = settle(
        target, after, base, remote, edited_at=edited_at, changed_at=record.changed, now=loop.now
    )
    if do is Do.KEEP and edited_at is None and (base is not None or not same(remote, None)):
        known.edits_seen.append((*key, target.to, remote))
    return do


def _is_worth(
    loop: Loop,
    targets: dict[str, WriteTarget],
    wish: Fields,
    record: PersonRecord,
    base: dict[str, tuple[Scalar, int]],
    changed: Sequence[str],
) -> bool:
    target = targets.get("score")
    last = base.get(target.to) if target else None
    return worth_writing(
        changed,
        desired=wish["score"],
        remote=record.remote.get(target.to) if target else None,
        written_at=last[1] if last else None,
        now=loop.now,
        min_change=loop.settings.write.min_change,
        max_age=loop.settings.write.max_age,
    )


def _reconcile(
    tx: Connection,
    loop: Loop,
    plan_id: str,
    known: _Known,
    person: str,
    wishes: Sequence[Planned],
    counts: Counter[str],
) -> Iterable[Planned]:
    """Set new wishes against rows that wait already: one live row per record and group."""
    fresh = []
    wanted = {(w.connection, w.object, w.record, w.grp): w for w in wishes}
    for key, wish in wanted.items():
        row = known.live.get(key)
        if row is None and _was_refused(known.dead.get(key), wish):
            counts["refused before"] += 1
        elif row is None:
            fresh.append(wish)
            counts[wish.grp] += 1
        elif row.state not in _LIVE_UNSENT:
            continue  # on its way: settled first, planned again by the next run
        elif _same_wish(row, wish):
            outbox.adopt(tx, [row.id], plan_id, "planned")
            counts[wish.grp] += 1
        else:
            outbox.settle(tx, [row.id], "superseded", loop.now)
            fresh.append(wish)
            counts[wish.grp] += 1
    idle = [
        row.id
        for key, row in known.live.items()
        if row.person == person and key not in wanted and row.state in _LIVE_UNSENT
    ]
    outbox.settle(tx, idle, "superseded", loop.now)
    for key in [k for k, row in known.live.items() if row.id in set(idle)]:
        del known.live[key]
    return fresh


def _was_refused(row: Row | None, wish: Planned) -> bool:
    """Whether the CRM refused these very values for good: only newer ones are worth a try."""
    return row is not None and _values(row.changes) == _values(wish.changes)


def _same_wish(row: Row, wish: Planned) -> bool:
    return _values(row.changes) == _values(wish.changes) and row.quiet == wish.quiet


def _values(changes: Changes) -> dict[str, Scalar]:
    """What would stand there afterwards, leaving out the run's own name."""
    return {n: after for n, (_, after) in changes.items() if not _names_run(n)}


def _names_run(remote_name: str) -> bool:
    return remote_name.casefold().rstrip("_c").endswith("_run")


def _close(loop: Loop, row: PlanRow, counts: Counter[str], *, hold: str | None) -> PlanRow:
    with loop.store.write() as tx:
        limits = loop.settings.write.limits
        total = people.count_records(tx, "person")
        held = exceeded(
            tx, row.id, Limits(limits.records, limits.owners, limits.clears), total, hold=hold
        )
        state = "applied" if not counts else "needs_approval" if held else "open"
        plans.set_plan(tx, row.id, state=state, counts=dict(counts))
        plans.set_plan(tx, row.id, held=people.dumps(held))
        plans.supersede_plans(tx)
    return row._replace(state=state, counts=dict(counts), held=held)


def undo(loop: Loop, run: str) -> PlanRow:
    """Plan the way back of a run: each field it changed, where its value still stands."""
    row = PlanRow(
        f"plan-{loop.run}",
        loop.run,
        "undo",
        "needs_approval",
        basis_of(loop),
        loop.now,
        None,
        {},
        [],
    )
    counts: Counter[str] = Counter()
    with loop.store.write() as tx:
        entries = written.journal_of_run(tx, run)
        rows = _way_back(tx, entries, counts)
        plans.save_plan(tx, row)
        audit.append(tx, "undo planned", {"plan": row.id, "of": run}, loop.now)
        outbox.add(tx, row.id, rows)
        plans.set_plan(tx, row.id, counts=dict(counts))
        runs.finish(tx, loop.run, status="needs_approval", ended=loop.now, counts={}, plan=row.id)
    return row._replace(counts=dict(counts))


def _way_back(
    tx: Connection, entries: Sequence[dict[str, Any]], counts: Counter[str]
) -> list[Planned]:
    grouped: dict[tuple[str, str, str, str], dict[str, Any]] = {}
    for entry in entries:
        key = (entry["connection"], entry["object"], entry["record"], entry["grp"])
        group = grouped.setdefault(key, {"person": entry["person"], "fields": {}})
        first = group["fields"].get(entry["field"], entry)
        group["fields"][entry["field"]] = {"before": first["before"], "after": entry["after"]}
    rows = []
    live = outbox.live(tx, (g["person"] for g in grouped.values()))
    for (connection, obj, ident, grp), group in grouped.items():
        held = people.record_remote(tx, connection, obj, ident)
        changes = {
            name: (change["after"], change["before"])
            for name, change in group["fields"].items()
            if held is not None and same(held.get(name), change["after"])
        }
        if changes and (connection, obj, ident, grp) not in live:
            counts[grp] += 1
            rows.append(
                Planned(
                    connection, obj, ident, grp, group["person"], "planned", changes, quiet=True
                )
            )
        else:
            counts["changed since"] += 1
    return rows
