"""The funnel in the buyer's words: phases in place of the seller's stages."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from typing import NamedTuple

from connector.funnel.history import STAGES, History
from connector.funnel.measure import Measure
from connector.funnel.statistics import share, usual


class Phase(NamedTuple):
    """Leads that came into a phase, the share of the phase before, and the time since it began."""

    name: str
    stage: str
    cycles: int
    share: float | None
    standing: int
    timed: int
    median: int | None
    p90: int | None


class PhaseMeasure(Measure):
    """Counts leads by phase, in one pass.

    Args:
        phases: The stage at which each phase begins, by its name, in the order of stages.
    """

    sums = ("_depths", "_spans")

    def __init__(self, phases: Mapping[str, str]) -> None:
        self._phases = dict(phases)
        self._begin = [STAGES.index(stage) for stage in phases.values()]
        self._depths = [0] * len(STAGES)
        self._spans = [array("q") for _ in phases]

    def add(self, one: History, times: int = 1) -> None:
        """Count a cycle, or so many alike."""
        depth = one.depth
        self._depths[depth] += times
        for place in range(1, len(self._begin)):
            before, here = self._begin[place - 1], self._begin[place]
            if here > depth:
                return
            began, ended = one.reached.get(STAGES[before]), one.reached.get(STAGES[here])
            if began is not None and ended is not None and ended >= began:
                self._spans[place].extend([ended - began] * times)

    def result(self) -> tuple[Phase, ...]:
        """Give the phases in order."""
        reached = [sum(self._depths[begin:]) for begin in self._begin]
        rows = []
        for place, (name, stage) in enumerate(self._phases.items()):
            after = reached[place + 1] if place + 1 < len(reached) else 0
            spans = self._spans[place]
            rows.append(Phase(
                name, stage, reached[place],
                share(reached[place], reached[place - 1]) if place else None,
                reached[place] - after, len(spans), *usual(spans),
            ))  # fmt: skip
        return tuple(rows)
