"""Pipeline: what leads brought into it, quarter by quarter, and what has become of that."""

from __future__ import annotations

from typing import NamedTuple

from connector.domain.cycle import State
from connector.funnel.history import STAGES, History
from connector.funnel.measure import Measure
from connector.funnel.quarters import quarter_at

_QUALIFIED = STAGES.index("qualified")


class Pipeline(NamedTuple):
    """Leads that became qualified in a quarter (UTC), by their own deals. Money in cents.

    `created` is what all their deals name, `won` what those won name, `lost` the others' of leads
    that left, `open` the rest; `unvalued` leads name no amount.
    """

    name: str
    leads: int
    unvalued: int
    created: int
    won: int
    lost: int
    open: int


class PipelineMeasure(Measure):
    """Adds up deals by the quarter in which their lead became qualified."""

    sums = ("_quarters",)

    def __init__(self) -> None:
        self._quarters: dict[str, list[int]] = {}

    def add(self, one: History, times: int = 1) -> None:
        """Count a cycle, or so many alike, if it became qualified on a known day."""
        at = one.reached.get("qualified")
        if at is None or one.depth < _QUALIFIED:
            return
        counts = self._quarters.setdefault(quarter_at(at), [0] * 5)
        won, other = one.won_cents or 0, one.other_cents or 0
        counts[0] += times
        counts[1] += times * (one.won_cents is None and one.other_cents is None)
        counts[2] += times * won
        counts[3 if _left(one) else 4] += times * other

    def result(self) -> tuple[Pipeline, ...]:
        """Give the quarters, oldest first."""
        return tuple(
            Pipeline(name, leads, unvalued, won + lost + still, won, lost, still)
            for name, (leads, unvalued, won, lost, still) in sorted(self._quarters.items())
        )


def _left(one: History) -> bool:
    return one.state not in {State.ACCEPTED, State.QUALIFIED, State.HANDED_OFF}
