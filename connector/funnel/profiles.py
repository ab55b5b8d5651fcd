"""What customers have in common that other leads have not, to aim campaigns by."""

from __future__ import annotations

from typing import NamedTuple

from connector.funnel.measure import Ask
from connector.funnel.statistics import share, wilson

LEAST = 30
"""Fewer leads of a kind, and its share of customers says little."""


class Profile(NamedTuple):
    """One kind of leads among customers. Shares are 0 to 1; money in cents.

    `affinity` is the kind's share of customers over its share of leads: above 1 it buys more often
    than leads do. `again` are won leads of people with more than one deal in that pass or a later
    pass; `beyond_chance` is whether the interval of `rate` leaves the rate of everybody out.
    """

    name: str
    leads: int
    won: int
    rate: float | None
    interval: tuple[float, float] | None
    affinity: float | None
    again: int
    value: int
    beyond_chance: bool


class ProfileMeasure:
    """Counts leads and customers by whatever `key` is of a cycle, in SQL; null leaves it out."""

    def __init__(self, key: str) -> None:
        self._key = key

    def result(self, ask: Ask) -> tuple[Profile, ...]:
        """Give the kinds with leads enough, those that buy most often first."""
        found = ask(
            f"""SELECT {self._key} AS kind, count(*), count(*) FILTER (won),
                count(*) FILTER (won AND (number > 1 OR len(sales) > 1)),
                coalesce(sum(won_cents) FILTER (won), 0)
            FROM pass WHERE kind IS NOT NULL GROUP BY kind"""
        )
        usual = share(sum(row[2] for row in found), sum(row[1] for row in found))
        rows = [_profile(name, counts, usual) for name, *counts in found if counts[0] >= LEAST]
        return tuple(sorted(rows, key=lambda row: (-(row.rate or 0), -row.leads, row.name)))


def _profile(name: str, counts: list[int], usual: float | None) -> Profile:
    leads, won, again, value = counts
    rate, bounds = share(won, leads), wilson(won, leads)
    affinity = rate / usual if rate is not None and usual else None
    beyond = bounds is not None and usual is not None and not bounds[0] <= usual <= bounds[1]
    return Profile(name, leads, won, rate, bounds, affinity, again, value, beyond)
