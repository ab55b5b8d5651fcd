"""Apply: send what is approved, batch by batch, and note what became of every record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from connector.errors import ApprovalError
from connector.store.outgoing import outbox, plans
from connector.store.outgoing.outbox import Row
from connector.store.outgoing.plans import PlanRow
from connector.store.running import audit
from connector.store.schema import LIVE
from connector.sync.context import Loop, Source
from connector.sync.planning.basis import basis_of, files_of
from connector.sync.writing.flight import Flight
from connector.sync.writing.sending import Held, conflict, read_held, settle_by_reading, stands

MOVED_LIMIT = 0.05
"""A plan of which more than this share moved in the CRM is refused whole."""
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


def recover(loop: Loop, source: Source) -> Counter[str]:
    """Settle what an earlier run sent without learning the answer, by reading it back."""
    counts: Counter[str] = Counter()
    source.spend_on("write")
    while rows := _next(loop, source, _READ_BACK):
        settle_by_reading(loop, source, rows, counts)
    return counts


def apply(loop: Loop, source: Source, counts: Counter[str]) -> None:
    """Send every approved row of a connection; counts how many were applied, refused, and so on.

    What was counted stands even when an error ends it.
    """
    source.spend_on("write")
    with loop.store.write() as tx:
        source.hold(tx)
        outbox.try_again(tx, source.name, loop.now)
    pace = _Pace(source.adapter.capabilities.batch_size)

    def settled(sent: int, put_off: int) -> None:
        pace.learn(sent, put_off)
        loop.tell(f"apply {source.name}", counts)

    with Flight(loop, source, counts, settled) as flight:
        while rows := _next(loop, source, ("approved",), pace.size):
            flight.send(rows[: pace.most_for(rows[0].attempts)])


def _next(loop: Loop, source: Source, states: Sequence[str], limit: int | None = None) -> list[Row]:
    with loop.store.read() as tx:
        size = limit or source.adapter.capabilities.batch_size
        return outbox.batch(tx, source.name, size, states)


class _Pace:
    """How many rows travel together: half as many after locks, slowly more again (AIMD)."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.size = most

    def most_for(self, attempts: int) -> int:
        """How many rows may travel with one that was put off so often."""
        return max(1, self._most >> attempts) if attempts else self.size

    def learn(self, sent: int, put_off: int) -> None:
        """Take in how many of a batch the CRM put off."""
        if put_off * 5 > sent:
            self.size = max(1, self.size // 2)
        else:
            self.size = min(self._most, self.size + max(1, self._most // 10))


def leave_out_moved(loop: Loop, plan_id: str) -> Counter[str]:
    """Hold an approved plan against the CRM, page by page, before any of it is sent.

    It is refused whole with ApprovalError when more than 5% of its rows moved since; fewer are
    left out, and planned again by the next run.
    """
    total = 0
    moved: list[tuple[Row, Held]] = []
    for source, rows in _plan_batches(loop, plan_id):
        held = read_held(source, rows)
        total += len(rows)
        for row in rows:
            values = held.get(row.record)
            if values is None or not stands(row, values):
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
        conflict(loop, [row], held)
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
