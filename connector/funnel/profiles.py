"""What customers have in common that other leads have not, to aim campaigns by."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from connector.funnel.history import History
from connector.funnel.measure import Aspect, Measure
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


class ProfileMeasure(Measure):
    """Counts leads and customers by whatever `key` says of a cycle; None leaves it out."""

    sums = ("_kinds",)

    def __init__(self, key: Callable[[History], str | None], aspect: Aspect) -> None:
        self._key = key
        self.aspect = aspect
        self._kinds: dict[str, list[int]] = {}

    def add(self, one: History, times: int = 1) -> None:
        """Count a cycle, or so many alike."""
        name = self._key(one)
        if name is None:
            return
        counts = self._kinds.get(name)
        if counts is None:
            counts = self._kinds[name] = [0, 0, 0, 0]
        counts[0] += times
        if one.won:
            counts[1] += times
            counts[2] += times * (one.number > 1 or len(one.sales) > 1)
            counts[3] += times * (one.won_cents or 0)

    def result(self) -> tuple[Profile, ...]:
        """Give the kinds with leads enough, those that buy most often first."""
        leads = sum(counts[0] for counts in self._kinds.values())
        won = sum(counts[1] for counts in self._kinds.values())
        usual = share(won, leads)
        rows = [
            _profile(name, counts, usual)
            for name, counts in self._kinds.items()
            if counts[0] >= LEAST
        ]
        return tuple(sorted(rows, key=lambda row: (-(row.rate or 0), -row.leads, row.name)))


def _profile(name: str, counts: list[int], usual: float | None) -> Profile:
    leads, won, again, value = counts
    rate, bounds = share(won, leads), wilson(won, leads)
    affinity = rate / usual if rate is not None and usual else None
    beyond = bounds is not None and usual is not None and not bounds[0] <= usual <= bounds[1]
    return Profile(name, leads, won, rate, bounds, affinity, again, value, beyond)
