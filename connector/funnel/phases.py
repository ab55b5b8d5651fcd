"""The funnel in the buyer's words: phases in place of the seller's stages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from connector.funnel.history import STAGES
from connector.funnel.measure import REACHED, Ask
from connector.funnel.statistics import share
from connector.funnel.steps import timed_sql


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


class PhaseMeasure:
    """Counts leads by phase.

    Args:
        phases: The stage at which each phase begins, by its name, in the order of stages.
    """

    def __init__(self, phases: Mapping[str, str]) -> None:
        self._phases = dict(phases)
        self._begin = [STAGES.index(stage) for stage in phases.values()]

    def result(self, ask: Ask) -> tuple[Phase, ...]:
        """Give the phases in order."""
        depths = [0] * len(STAGES)
        for depth, n in ask("SELECT depth, count(*) FROM pass GROUP BY depth"):
            depths[depth] = n
        reached = [sum(depths[begin:]) for begin in self._begin]
        rows = []
        for place, (name, stage) in enumerate(self._phases.items()):
            after = reached[place + 1] if place + 1 < len(reached) else 0
            rows.append(Phase(
                name, stage, reached[place],
                share(reached[place], reached[place - 1]) if place else None,
                reached[place] - after, *self._timed(place, ask),
            ))  # fmt: skip
        return tuple(rows)

    def _timed(self, place: int, ask: Ask) -> tuple[Any, ...]:
        """How many are timed since the phase before, and their times."""
        if not place:
            return (0, None, None)
        before, here = self._begin[place - 1], self._begin[place]
        timed = timed_sql(REACHED[before], REACHED[here])
        return ask(f"SELECT {timed} FROM pass WHERE depth >= {here}")[0][:3]
