"""The funnel of each kind of leads, of each month, and of the months before the first run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from connector.domain.moment import DAY, Micros
from connector.funnel.history import STAGES
from connector.funnel.measure import Ask, by_stage, quoted
from connector.funnel.statistics import share, wilson
from connector.funnel.steps import Reached, steps_by

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


class CohortMeasure:
    """Counts the funnel by whatever `key` is of a cycle, in SQL; null leaves it out."""

    def __init__(self, key: str) -> None:
        self._key = key

    def result(self, ask: Ask) -> tuple[Cohort, ...]:
        """Give the kinds, largest first, then by name."""
        found = steps_by(self._key, ask)
        names = sorted(found, key=lambda name: (-found[name][0].cycles, name))
        fair = [name for name in names if found[name][1].cycles >= RANK_LEAST]
        rates = {name: found[name][-1].cycles / found[name][1].cycles for name in fair}
        ranks = {name: 1 + sum(rate > rates[name] for rate in rates.values()) for name in fair}
        return tuple(Cohort(name, ranks.get(name), _steps(found[name])) for name in names)


def _steps(found: Sequence[Reached]) -> tuple[Step, ...]:
    before = [None, *(one.cycles for one in found)]
    return tuple(
        Step(
            one.cycles,
            None if whole is None else share(one.cycles, whole),
            None if whole is None else wilson(one.cycles, whole),
            *one[1:4],
        )
        for one, whole in zip(found, before, strict=False)
    )


class Period(NamedTuple):
    """What happened in one month (UTC): cycles that reached each stage in it, by known dates."""

    name: str
    reached: tuple[int, ...]


class PeriodMeasure:
    """Counts by the month in which a stage was reached, whenever the lead came."""

    def result(self, ask: Ask) -> tuple[Period, ...]:
        """Give the months, oldest first; a stage without a date is in no month."""
        rows = ask(by_stage(
            """SELECT month_of(min({at})), {stage}, count(*)
            FROM pass WHERE depth >= {stage} AND {at} IS NOT NULL GROUP BY same_month({at})"""
        ))  # fmt: skip
        months: dict[str, list[int]] = {}
        for month, stage, n in rows:
            months.setdefault(month, [0] * len(STAGES))[stage] = n
        return tuple(Period(month, tuple(counts)) for month, counts in sorted(months.items()))


def before(start: Micros, days: int, name: str) -> str:
    """Give the name of leads whose inquiry fell into the days before `start`, in SQL."""
    since = start - days * DAY
    return f"CASE WHEN inquiry_at >= {since} AND inquiry_at < {start} THEN {quoted(name)} END"


NOBODY = "CAST(NULL AS VARCHAR)"
"""The name of no kind."""
CAMPAIGN = "campaign"
"""The campaign answered first."""
THEME = "theme"
"""The theme of its nurture."""
PHASE = "phase"
"""The phase of the buying process in which nurture has it."""
PARTNER = "partner"
"""The partner who took it."""
SEGMENT = "segment"
"""The segment of the person, by the field that the settings name."""
