"""Confirm hand-offs: when the CRM shows the owner we chose, the cycle is his and the SLA starts."""

from __future__ import annotations

from collections import Counter

from connector.decisions.standing import Cycle, Move
from connector.domain.cycle import State
from connector.store.passes import cycles, handoffs
from connector.store.passes.handoffs import Alert, Handoff
from connector.store.persons import people
from connector.store.running import runs
from connector.sync.context import Loop
from connector.sync.deciding.packaging import packages, touch_due
from connector.sync.deciding.primary import primaries

PAGE = 500


def confirm(loop: Loop) -> Counter[str]:
    """Move each routed cycle whose primary record now has its owner to handed_off."""
    with loop.store.read() as tx:
        routed = [c for c in cycles.in_state(tx, State.SALES_READY) if c.routed_at is not None]
    done = 0
    for start in range(0, len(routed), PAGE):
        done += _confirm_page(loop, routed[start : start + PAGE])
    return Counter({"handed_off": done}) if done else Counter()


def _confirm_page(loop: Loop, routed: list[Cycle]) -> int:
    moves, begun, told = [], [], []
    with loop.store.write() as tx:
        found = primaries(tx, loop, (c.person for c in routed))
        there = [c for c in routed if c.person in found]
        shown = [c for c in there if found[c.person].remote_owner == c.owner]
        known = handoffs.of(tx, (c.person for c in shown))
        lacking = [c for c in shown if (c.person, c.number) not in known]
        known |= {one.key: one for one in packages(loop, tx, lacking, found, {})}
        for cycle in shown:
            given = known[cycle.person, cycle.number]
            due = touch_due(loop, given.tier)
            after = cycle._replace(
                state=State.HANDED_OFF,
                why=cycle.why,
                since=loop.now,
                handed_off_at=loop.now,
                sla_due_at=due,
                next_at=loop.calendar.due(loop.now, loop.settings.sla.verdict),
            )
            moves.append(Move(after, cycle.state, "owner confirmed in the CRM", "crm"))
            begun.append(given._replace(began_at=loop.now, touch_due=due))
            told.append(_crossing(loop, given))
        cycles.save(tx, moves, loop.now, loop.run)
        handoffs.save(tx, begun)
        people.mark(tx, (one.person for one in begun), pending=True)
        if _alerts(loop):
            handoffs.want(tx, told)
        if loop.settings.handoff.note:
            handoffs.want(tx, [_noted(loop, one) for one in begun])
    return len(moves)


def _alerts(loop: Loop) -> bool:
    alerts = loop.settings.alerts
    return bool(alerts.owners or alerts.sales or alerts.escalate)


def _crossing(loop: Loop, given: Handoff) -> Alert:
    """Tell the owner at once, or with the day's digest."""
    kind = "crossing" if given.turn == 0 else "reassigned"
    return Alert(given.person, given.number, given.turn, kind, given.owner, "wanted", loop.now)


def _noted(loop: Loop, given: Handoff) -> Alert:
    """Tell it on the record, once a cycle."""
    return Alert(given.person, given.number, 0, handoffs.NOTE, given.owner, "wanted", loop.now)


def release(loop: Loop, per_day: int) -> tuple[int, int]:
    """Let the best `per_day` of the day-one backlog go to sales; gives (released, left)."""
    with loop.lease.held(), loop.store.write() as tx:
        backlog = cycles.in_state(tx, State.HELD, why="backlog")
        moves = [
            Move(
                c._replace(
                    state=State.SALES_READY,
                    why="released from the backlog",
                    since=loop.now,
                    next_at=loop.now,
                ),
                c.state,
                "released from the backlog",
                "person",
            )
            for c in backlog[:per_day]
        ]
        cycles.save(tx, moves, loop.now, loop.run)
        people.mark(tx, (m.cycle.person for m in moves), pending=True)
        runs.finish(tx, loop.run, status="ok", ended=loop.now, counts={"released": len(moves)})
    return len(moves), len(backlog) - len(moves)
