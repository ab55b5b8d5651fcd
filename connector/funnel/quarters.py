"""How lead management gets on from quarter to quarter: what it began with, and where it is now."""

from __future__ import annotations

from typing import NamedTuple

from connector.funnel.measure import Ask
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


_INQUIRED = f"""SELECT quarter_of(min(inquiry_at)), count(*),
    count(*) FILTER (depth >= {_HANDED_OFF}), count(*) FILTER (depth >= {_READY}),
    count(*) FILTER (won)
FROM pass WHERE inquiry_at IS NOT NULL GROUP BY same_quarter(inquiry_at)"""
_GIVEN = f"""SELECT quarter_of(min(handed_off_at)), count(*),
    count(*) FILTER (depth >= {_ACCEPTED})
FROM pass WHERE handed_off_at IS NOT NULL AND depth >= {_HANDED_OFF}
GROUP BY same_quarter(handed_off_at)"""
_SOLD = """SELECT quarter_of(min(won_at)), count(*), count(won_cents),
    coalesce(sum(won_cents), 0)
FROM pass WHERE won_at IS NOT NULL AND won GROUP BY same_quarter(won_at)"""


class QuarterMeasure:
    """Counts by the known dates of inquiry, hand-off and sale."""

    def result(self, ask: Ask) -> tuple[Quarter, ...]:
        """Give the quarters, oldest first."""
        quarters: dict[str, list[int]] = {}
        for place, query in ((0, _INQUIRED), (4, _GIVEN), (6, _SOLD)):
            for name, *counts in ask(query):
                mine = quarters.setdefault(name, [0] * 9)
                mine[place : place + len(counts)] = counts
        return tuple(_quarter(name, counts) for name, counts in sorted(quarters.items()))


def _quarter(name: str, counts: list[int]) -> Quarter:
    cycles, passed, ready, won, given, accepted, sales, valued, value = counts
    return Quarter(
        name, cycles, share(passed, cycles), ready, won, share(won, ready), given,
        share(accepted, given), sales, value, mean(value, valued),
    )  # fmt: skip
