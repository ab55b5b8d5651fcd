"""Hours of sales that hand-offs ask for, beside the hours there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from connector.domain.moment import DAY, Micros
from connector.funnel.history import STAGES
from connector.funnel.measure import Ask

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


class CapacityMeasure:
    """Adds up what the leads handed off in a week of the last quarter take, by the stages they
    reached.

    Args:
        hours: Hours that a lead takes at each stage it reaches.
        week: Hours that one owner has for leads in a week.
    """

    def __init__(self, now: Micros, hours: Mapping[str, float], week: float | None) -> None:
        self._now = now
        minutes = [round(60 * hours.get(stage, 0)) for stage in STAGES]
        self._minutes = [sum(minutes[_HANDED_OFF : depth + 1]) for depth in range(len(STAGES))]
        self._week = week

    def result(self, ask: Ask) -> tuple[Capacity, ...]:
        """Give everybody, then the owners, the fullest first."""
        rows = ask(
            f"""SELECT coalesce(owner, 'unknown') AS who,
                ({self._now} - given_at) // {7 * DAY} AS week, depth, count(*)
            FROM pass
            WHERE depth >= {_HANDED_OFF} AND given_at <= {self._now}
                AND given_at > {self._now - WEEKS * 7 * DAY}
            GROUP BY who, week, depth"""
        )
        weeks: dict[str, Counter[tuple[int, int]]] = {}
        for owner, week, depth, n in rows:
            weeks.setdefault(owner, Counter())[week, self._minutes[depth]] += n
        together: Counter[tuple[int, int]] = Counter()
        for mine in weeks.values():
            together.update(mine)
        found = [self._capacity(owner, mine, 1) for owner, mine in weeks.items()]
        found.sort(key=lambda row: (-row.needed, -row.handoffs, row.owner or ""))
        return (self._capacity(None, together, len(found)), *found) if found else ()

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
