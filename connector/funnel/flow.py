"""What became of leads that were sales-ready, stage by stage: on, out, or still there."""

from __future__ import annotations

from typing import NamedTuple

from connector.domain.cycle import State
from connector.funnel.history import STAGES
from connector.funnel.measure import Ask

ENDS = ("lost", "rejected", "recycled", "no_decision", "cooled_off", "out", "open")


class Flow(NamedTuple):
    """Leads that reached a stage: how many went on, and what became of the others.

    `cooled_off` went back to nurture; `out` by rule; `open` are still on their way.
    """

    stage: str
    reached: int
    on: int
    lost: int
    rejected: int
    recycled: int
    no_decision: int
    cooled_off: int
    out: int
    open: int


class FlowMeasure:
    """Counts ends by the deepest stage; who was never sales-ready is in no flow."""

    def result(self, ask: Ask) -> tuple[Flow, ...]:
        """Give the stages from sales-ready to won, in order."""
        found = [dict.fromkeys((*ENDS, "won"), 0) for _ in STAGES]
        for depth, won, state, n in ask(
            "SELECT depth, won, state, count(*) FROM pass WHERE depth > 0 GROUP BY ALL"
        ):
            found[depth]["won" if won else end_of(state)] += n
        whole = [sum(ends.values()) for ends in found]
        return tuple(
            Flow(stage, sum(whole[at:]), sum(whole[at + 1 :]), *[found[at][e] for e in ENDS])
            for at, stage in enumerate(STAGES)
            if at
        )


def end_of(state: str) -> str:
    """How a lead that was not won stands at its deepest stage, by its state."""
    match State(state):
        case State.LOST | State.REJECTED | State.RECYCLED | State.NO_DECISION:
            return state
        case State.NURTURE | State.INQUIRY:
            return "cooled_off"
        case State.DISQUALIFIED:
            return "out"
    return "open"
