"""The funnel of each kind of leads, of each month, and of the months before the first run."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import NamedTuple

from connector.domain.moment import DAY, Micros
from connector.funnel.history import STAGES, History
from connector.funnel.measure import Aspect, Measure
from connector.funnel.months import month_at
from connector.funnel.statistics import share, usual, wilson

RANK_LEAST = 30
"""Fewer sales-ready leads, and the order of two kinds is more chance than merit."""


class Step(NamedTuple):
    """A stage of one kind of leads: share of the stage before with its interval, and the time."""

    cycles: int
    share: float | None
    interval: tuple[float, float] | None
    timed: int
    median: Micros | None
    p90: Micros | None


class Cohort(NamedTuple):
    """One kind's funnel. `rank` is by won of sales-ready, best is 1; None for small numbers."""

    name: str
    rank: int | None
    steps: tuple[Step, ...]


class CohortMeasure(Measure):
    """Counts the funnel by whatever `key` says of a cycle, in one pass; None leaves it out."""

    sums = ("_reached", "_spans")

    def __init__(
        self, key: Callable[[History], str | None], aspect: Aspect = Aspect.SOURCE
    ) -> None:
        self._key = key
        self.aspect = aspect
        self._reached: dict[str, list[int]] = {}
        self._spans: dict[str, list[array[int]]] = {}

    def add(self, one: History, times: int = 1) -> None:
        """Count a cycle, or so many alike."""
        name = self._key(one)
        if name is None:
            return
        if name not in self._reached:
            self._reached[name] = [0] * len(STAGES)
            self._spans[name] = [array("q") for _ in STAGES]
        reached, spans = self._reached[name], self._spans[name]
        reached[0] += times
        for stage in range(1, one.depth + 1):
            reached[stage] += times
            began, ended = one.reached.get(STAGES[stage - 1]), one.reached.get(STAGES[stage])
            if began is not None and ended is not None and ended >= began:
                spans[stage].extend([ended - began] * times)

    def result(self) -> tuple[Cohort, ...]:
        """Give the kinds, largest first, then by name."""
        names = sorted(self._reached, key=lambda name: (-self._reached[name][0], name))
        fair = [name for name in names if self._reached[name][1] >= RANK_LEAST]
        rates = {name: self._reached[name][-1] / self._reached[name][1] for name in fair}
        ranks = {name: 1 + sum(rate > rates[name] for rate in rates.values()) for name in fair}
        return tuple(Cohort(name, ranks.get(name), self._steps(name)) for name in names)

    def _steps(self, name: str) -> tuple[Step, ...]:
        reached, spans = self._reached[name], self._spans[name]
        return tuple(
            Step(
                reached[i],
                share(reached[i], reached[i - 1]) if i else None,
                wilson(reached[i], reached[i - 1]) if i else None,
                len(spans[i]),
                *usual(spans[i]),
            )
            for i in range(len(STAGES))
        )


class Period(NamedTuple):
    """What happened in one month (UTC): cycles that reached each stage in it, by known dates."""

    name: str
    reached: tuple[int, ...]


class PeriodMeasure(Measure):
    """Counts by the month in which a stage was reached, whenever the lead came, in one pass."""

    sums = ("_months",)
    aspect = Aspect.MONTH

    def __init__(self) -> None:
        self._months: dict[str, list[int]] = {}

    def add(self, one: History, times: int = 1) -> None:
        """Count a cycle, or so many alike; a stage without a date is in no month."""
        for stage in range(one.depth + 1):
            at = one.reached.get(STAGES[stage])
            if at is not None:
                self._months.setdefault(month_at(at), [0] * len(STAGES))[stage] += times

    def result(self) -> tuple[Period, ...]:
        """Give the months, oldest first."""
        return tuple(Period(month, tuple(counts)) for month, counts in sorted(self._months.items()))


def before(start: Micros, days: int, name: str) -> Callable[[History], str | None]:
    """Give the function that names leads whose inquiry fell into the days before `start`."""

    def key(one: History) -> str | None:
        began = one.reached.get("inquiry")
        return name if began is not None and start - days * DAY <= began < start else None

    return key


def campaign_of(one: History) -> str | None:
    """The campaign answered first."""
    return one.campaigns[0][1] if one.campaigns else None


def theme_of(one: History) -> str | None:
    """The theme of its nurture."""
    return one.theme


def phase_of(one: History) -> str | None:
    """The phase of the buying process in which nurture has it."""
    return one.phase


def partner_of(one: History) -> str | None:
    """The partner who took it."""
    return one.partner


def segment_of(one: History) -> str | None:
    """The segment of the person, by the field that the settings name."""
    return one.segment
