"""What became of leads that were sales-ready, stage by stage: on, out, or still there."""

from __future__ import annotations

from typing import NamedTuple

from connector.domain.cycle import State
from connector.funnel.history import STAGES, History
from connector.funnel.measure import Measure

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


class FlowMeasure(Measure):
    """Counts in one pass; who was never sales-ready is in no flow."""

    sums = ("_ends",)

    def __init__(self) -> None:
        self._ends = [dict.fromkeys((*ENDS, "won"), 0) for _ in STAGES]

    def add(self, one: History, times: int = 1) -> None:
        """Count a cycle, or so many alike."""
        depth = one.depth
        if depth > 0:
            self._ends[depth]["won" if one.won else end_of(one)] += times

    def result(self) -> tuple[Flow, ...]:
        """Give the stages from sales-ready to won, in order."""
        whole = [sum(ends.values()) for ends in self._ends]
        return tuple(
            Flow(stage, sum(whole[at:]), sum(whole[at + 1 :]), *[self._ends[at][e] for e in ENDS])
            for at, stage in enumerate(STAGES)
            if at
        )


def end_of(one: History) -> str:
    """How a lead that was not won stands at its deepest stage."""
    match State(one.state):
        case State.LOST | State.REJECTED | State.RECYCLED | State.NO_DECISION:
            return one.state
        case State.NURTURE | State.INQUIRY:
            return "cooled_off"
        case State.DISQUALIFIED:
            return "out"
    return "open"
