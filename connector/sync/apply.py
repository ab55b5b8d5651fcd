"""Apply: send what is approved, batch by batch, and note what became of every record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from connector.domain.change import Outcome, Result, Write
from connector.domain.outward import Group
from connector.domain.record import Scalar
from connector.errors import ApprovalError, TryLaterError
from connector.mapping.outbound import same
from connector.store import audit, outbox, people, plans
from connector.store.outbox import Row
from connector.store.plans import PlanRow
from connector.store.schema import LIVE
from connector.sync.basis import basis_of, files_of
from connector.sync.context import Loop, Source

MOVED_LIMIT = 0.05
"""A plan of which more than this share moved in the CRM is refused whole."""
MAX_ATTEMPTS = 5
"""A row the CRM puts off this often is a dead letter: a person has to look."""
_READ_BACK = ("sending", "unknown")
_PAGE = 1000


def approve(loop: Loop, plan: PlanRow, *, approved: bool) -> None:
    """Accept a plan as it stands.

    Raises ApprovalError when what it rests on has changed, or when the guard held some of it and
    nobody said `approved`.
    """
    if plan.state not in {"open", "needs_approval", "approved"}:
        raise ApprovalError(
            f"{plan.id} is {plan.state}, so there is nothing to apply",
            hint="leadloop plan makes a new one",
        )
    if plan.kind == "write" and plan.basis != basis_of(loop):
        raise ApprovalError(
            f"{plan.id} is stale: model, mapping, routing, scope or limits changed since",
            hint="leadloop plan makes a new one",
        )
    if plan.state == "needs_approval" and not approved:
        raise ApprovalError(
            f"{plan.id} waits for approval: {'; '.join(plan.held) or 'somebody has to look at it'}",
            hint=f"Look at it, then: leadloop apply {plan.id} --approve",
        )
    with loop.store.write() as tx:
        outbox.approve(tx, plan.id)
        plans.set_plan(tx, plan.id, state="approved", approved_at=loop.now)
        audit.append(tx, "approve", {"plan": plan.id, "basis": plan.basis}, loop.now)
        if plan.kind == "write":
            plans.save_approvals(tx, files_of(loop), plan.id, loop.now)


def recover(loop: Loop) -> Counter[str]:
    """Settle what an earlier run sent without learning the answer, by reading it back."""
    counts: Counter[str] = Counter()
    for source in loop.sources:
        while rows := _next(loop, source, _READ_BACK):
            _settle_by_reading(loop, source, rows, counts)
    return counts


def apply(loop: Loop, *, check_moved: str | None = None) -> Counter[str]:
    """Send every approved row; gives how many were applied, refused, and so on.

    `check_moved` names an approved plan to hold against the CRM first: it is refused whole with
    ApprovalError when more than 5% of its rows moved since; fewer are left out.
    """
    counts: Counter[str] = Counter()
    if check_moved is not None:
        counts.update(_leave_out_moved(loop, check_moved))
    for source in loop.sources:
        with loop.store.write() as tx:
            outbox.try_again(tx, source.name, MAX_ATTEMPTS, loop.now)
        while rows := _next(loop, source, ("approved",)):
            _send(loop, source, rows, counts)
            loop.tell(f"apply {source.name}", counts)
    return counts


def _next(loop: Loop, source: Source, states: Sequence[str]) -> list[Row]:
    with loop.store.read() as tx:
        return outbox.batch(tx, source.name, source.adapter.capabilities.batch_size, states)


def _send(loop: Loop, source: Source, rows: Sequence[Row], counts: Counter[str]) -> None:
    if rows[0].grp != Group.SCORE.value:
        rows = _keep_unmoved(loop, source, rows, counts)
    if not rows:
        return
    with loop.store.write() as tx:
        loop.lease.check(tx)
        outbox.start_sending(tx, rows, loop.now, loop.run)
    remote = source.objects[rows[0].object].source
    batch = [
        Write(remote, r.record, {n: after for n, (_, after) in r.changes.items()}, quiet=r.quiet)
        for r in rows
    ]
    try:
        outcomes = source.adapter.write(batch)
    except TryLaterError:
        with loop.store.write() as tx:
            outbox.failed(tx, [(r, "retry", "try_later", "", None) for r in rows], loop.now)
        raise
    _note(loop, source, rows, outcomes, counts)


def _note(
    loop: Loop,
    source: Source,
    rows: Sequence[Row],
    outcomes: Sequence[Outcome],
    counts: Counter[str],
) -> None:
    pairs = list(zip(rows, outcomes, strict=True))
    done = [r for r, o in pairs if o.result is Result.APPLIED]
    states = {Result.REFUSED: "dead", Result.RETRY: "retry", Result.GONE: "cancelled"}
    with loop.store.write() as tx:
        loop.lease.check(tx)
        outbox.applied(tx, done, loop.now, loop.run)
        outbox.settle_people(tx, (row.person for row in done))
        outbox.failed(
            tx,
            [
                (r, states.get(o.result, "unknown"), o.code, o.message, o.field)
                for r, o in pairs
                if o.result is not Result.APPLIED
            ],
            loop.now,
        )
    counts.update(o.result.value for o in outcomes)
    unknown = [r for r, o in pairs if o.result is Result.UNKNOWN]
    if unknown:
        counts["unknown"] -= len(unknown)
        _settle_by_reading(loop, source, unknown, counts)


def _settle_by_reading(
    loop: Loop, source: Source, rows: Sequence[Row], counts: Counter[str]
) -> None:
    """Equal to what we sent means applied; anything else is sent again by the next turn."""
    held = _read(source, rows)
    done, again, gone = [], [], []
    for row in rows:
        values = held.get(row.record)
        if values is None:
            gone.append((row, "cancelled", "gone", "", None))
        elif all(same(values.get(n), after) for n, (_, after) in row.changes.items()):
            done.append(row)
        else:
            again.append((row, "retry", "not_applied", "", None))
    with loop.store.write() as tx:
        loop.lease.check(tx)
        outbox.applied(tx, done, loop.now, loop.run)
        outbox.failed(tx, [*again, *gone], loop.now)
    counts["applied"] += len(done)
    counts["retry"] += len(again)
    counts["gone"] += len(gone)


def _read(source: Source, rows: Sequence[Row]) -> dict[str, dict[str, Scalar]]:
    """What the CRM holds now in the fields of these rows, by record id; gone ones are missing."""
    one = source.objects[rows[0].object]
    names = [one.key, *dict.fromkeys(n for r in rows for n in r.changes)]
    size = source.adapter.capabilities.id_batch
    ids = list(dict.fromkeys(r.record for r in rows))
    found = {}
    for start in range(0, len(ids), size):
        for row in source.adapter.read_ids(one.source, names, ids[start : start + size]):
            found[str(row[one.key])] = row
    return found


def _keep_unmoved(
    loop: Loop, source: Source, rows: Sequence[Row], counts: Counter[str]
) -> list[Row]:
    """Look once more at fields we share, just before writing; what somebody changed is theirs."""
    held = _read(source, rows)
    kept, moved = [], []
    for row in rows:
        values = held.get(row.record)
        if values is not None and _stands(row, values):
            kept.append(row)
        else:
            moved.append(row)
    _conflict(loop, moved, held)
    counts["conflict"] += len(moved)
    return kept


def _stands(row: Row, values: dict[str, Scalar]) -> bool:
    return all(
        same(values.get(n), before) or same(values.get(n), after)
        for n, (before, after) in row.changes.items()
    )


def _conflict(loop: Loop, rows: Sequence[Row], held: dict[str, dict[str, Scalar]]) -> None:
    """End rows whose fields moved, and note what stands there now, so that plan sees it."""
    with loop.store.write() as tx:
        outbox.settle(tx, (r.id for r in rows), "conflict", loop.now, "moved")
        for row in rows:
            values = held.get(row.record, {})
            people.hold(
                tx,
                (row.connection, row.object, row.record),
                {n: values.get(n) for n in row.changes if n in values},
            )
        people.mark(tx, (r.person for r in rows), pending=True)


def _leave_out_moved(loop: Loop, plan_id: str) -> Counter[str]:
    total = 0
    moved: list[tuple[Row, dict[str, dict[str, Scalar]]]] = []
    for source, rows in _plan_batches(loop, plan_id):
        held = _read(source, rows)
        total += len(rows)
        for row in rows:
            values = held.get(row.record)
            if values is None or not _stands(row, values):
                moved.append((row, {row.record: values} if values is not None else {}))
    if total and len(moved) > max(1.0, MOVED_LIMIT * total):
        with loop.store.write() as tx:
            plans.set_plan(tx, plan_id, state="superseded")
            outbox.supersede(tx, plan_id, loop.now)
        raise ApprovalError(
            f"{plan_id} is stale: {len(moved)} of its {total} records moved in the CRM since",
            hint="leadloop plan makes a new one",
        )
    for row, held in moved:
        _conflict(loop, [row], held)
    return Counter({"conflict": len(moved)}) if moved else Counter()


def _plan_batches(loop: Loop, plan_id: str) -> Iterator[tuple[Source, list[Row]]]:
    """The plan's approved rows, page by page, cut so that a batch shares connection and object."""
    after = 0
    while True:
        with loop.store.read() as tx:
            page = outbox.rows_of_plan(tx, plan_id, after, _PAGE, states=LIVE)
        if not page:
            return
        after = page[-1].id
        for source in loop.sources:
            for name in source.objects:
                rows = [r for r in page if (r.connection, r.object) == (source.name, name)]
                size = source.adapter.capabilities.id_batch
                for start in range(0, len(rows), size):
                    yield source, rows[start : start + size]
