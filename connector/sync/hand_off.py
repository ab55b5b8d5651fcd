"""Confirm hand-offs: when the CRM shows the owner we chose, the cycle is his and the SLA starts."""

from __future__ import annotations

from collections import Counter

from connector.decisions.standing import Cycle, Move
from connector.domain.cycle import State
from connector.store import cycles, people, runs
from connector.sync.context import Loop
from connector.sync.primary import primaries

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
    moves = []
    with loop.store.write() as tx:
        found = primaries(tx, loop, (c.person for c in routed))
        for cycle in routed:
            primary = found.get(cycle.person)
            if primary is None or primary.remote_owner != cycle.owner:
                continue
            after = cycle._replace(
                state=State.HANDED_OFF,
                why=cycle.why,
                since=loop.now,
                handed_off_at=loop.now,
                sla_due_at=loop.calendar.due(loop.now, loop.settings.sla.first_touch),
                next_at=loop.calendar.due(loop.now, loop.settings.sla.verdict),
            )
            moves.append(Move(after, cycle.state, "owner confirmed in the CRM", "crm"))
        cycles.save(tx, moves, loop.now, loop.run)
    return len(moves)


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
