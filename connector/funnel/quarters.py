"""How lead management gets on from quarter to quarter: what it began with, and where it is now."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from connector.funnel.history import STAGES, History
from connector.funnel.measure import Aspect, Measure
from connector.funnel.months import month_at
from connector.funnel.statistics import mean, share

_READY, _HANDED_OFF, _ACCEPTED = 1, 2, 3


class Quarter(NamedTuple):
    """One quarter (UTC). Shares are 0 to 1, None of nothing; money in cents.

    `cycles` to `to_sale` are of the leads whose inquiry fell into it, however far they have come
    since; `given` and `acceptance` of the hand-offs made in it; `sales` to `value_per_sale` of the
    deals won in it.
    """

    name: str
    cycles: int
    passed: float | None
    sales_ready: int
    won: int
    to_sale: float | None
    given: int
    acceptance: float | None
    sales: int
    value: int
    value_per_sale: int | None


class QuarterMeasure(Measure):
    """Counts by the known dates of inquiry, hand-off and sale."""

    sums = ("_quarters",)
    aspect = Aspect.MONTH

    def __init__(self) -> None:
        self._quarters: dict[str, list[int]] = {}

    def add(self, one: History, times: int = 1) -> None:
        """Count a cycle, or so many alike, in up to three quarters."""
        depth, reached = one.depth, one.reached
        began, handed, won = (reached.get(STAGES[at]) for at in (0, _HANDED_OFF, -1))
        if began is not None:
            mine = self._of(began)
            mine[0] += times
            mine[1] += times * (depth >= _HANDED_OFF)
            mine[2] += times * (depth >= _READY)
            mine[3] += times * one.won
        if handed is not None and depth >= _HANDED_OFF:
            mine = self._of(handed)
            mine[4] += times
            mine[5] += times * (depth >= _ACCEPTED)
        if won is not None and one.won:
            mine = self._of(won)
            mine[6] += times
            if one.won_cents is not None:
                mine[7] += times
                mine[8] += times * one.won_cents

    def _of(self, at: int) -> list[int]:
        return self._quarters.setdefault(quarter_at(at), [0] * 9)

    def result(self) -> tuple[Quarter, ...]:
        """Give the quarters, oldest first."""
        return tuple(_quarter(name, counts) for name, counts in sorted(self._quarters.items()))


def quarter_at(at: int) -> str:
    """Give the quarter of a moment, such as 2026-Q1."""
    return _quarter_of(month_at(at))


@lru_cache(maxsize=4096)
def _quarter_of(month: str) -> str:
    return f"{month[:-3]}-Q{(int(month[-2:]) + 2) // 3}"


def _quarter(name: str, counts: list[int]) -> Quarter:
    cycles, passed, ready, won, given, accepted, sales, valued, value = counts
    return Quarter(
        name, cycles, share(passed, cycles), ready, won, share(won, ready), given,
        share(accepted, given), sales, value, mean(value, valued),
    )  # fmt: skip
