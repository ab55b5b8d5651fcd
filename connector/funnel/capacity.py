"""Hours of sales that hand-offs ask for, beside the hours there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from connector.domain.moment import DAY, Micros
from connector.funnel.history import STAGES, History
from connector.funnel.measure import Aspect, Measure

WEEKS = 13
"""How far back is looked: a quarter."""
_HANDED_OFF = STAGES.index("handed_off")


class Capacity(NamedTuple):
    """An owner's hand-offs of the last quarter; None is everybody. Hours are a week's.

    `needed` is the mean week, `peak` the fullest one; `there` what an owner has for leads, None
    where nobody said so. `use` is needed / there.
    """

    owner: str | None
    handoffs: int
    needed: float
    peak: float
    there: float | None
    use: float | None


class CapacityMeasure(Measure):
    """Adds up what the leads handed off in a week take, by the stages they reached.

    Args:
        hours: Hours that a lead takes at each stage it reaches.
        week: Hours that one owner has for leads in a week.
    """

    sums = ("_weeks",)
    aspect = Aspect.HANDS

    def __init__(self, now: Micros, hours: Mapping[str, float], week: float | None) -> None:
        self._now = now
        minutes = [round(60 * hours.get(stage, 0)) for stage in STAGES]
        self._minutes = [sum(minutes[_HANDED_OFF : depth + 1]) for depth in range(len(STAGES))]
        self._week = week
        self._weeks: dict[str, Counter[tuple[int, int]]] = {}

    def add(self, one: History, times: int = 1) -> None:
        """Count a cycle, or so many alike, if it was handed off in the last quarter."""
        given = one.handoff
        if given is None or one.depth < _HANDED_OFF:
            return
        week = (self._now - given.at) // (7 * DAY)
        if 0 <= week < WEEKS:
            mine = self._weeks.setdefault(one.owner or "unknown", Counter())
            mine[week, self._minutes[one.depth]] += times

    def result(self) -> tuple[Capacity, ...]:
        """Give everybody, then the owners, the fullest first."""
        together: Counter[tuple[int, int]] = Counter()
        for mine in self._weeks.values():
            together.update(mine)
        rows = [self._capacity(owner, mine, 1) for owner, mine in self._weeks.items()]
        rows.sort(key=lambda row: (-row.needed, -row.handoffs, row.owner or ""))
        return (self._capacity(None, together, len(rows)), *rows) if rows else ()

    def _capacity(self, owner: str | None, mine: Counter[tuple[int, int]], owners: int) -> Capacity:
        weeks: Counter[int] = Counter()
        for (week, minutes), times in mine.items():
            weeks[week] += minutes * times
        needed = weeks.total() / 60 / WEEKS
        there = None if self._week is None else self._week * owners
        return Capacity(
            owner, mine.total(), needed, max(weeks.values(), default=0) / 60, there,
            needed / there if there else None,
        )  # fmt: skip
