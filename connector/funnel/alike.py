"""Cycles that no measure can tell apart are measured once, with their number.

Most people are inquiries that never went near sales: of them a measure looks at a few words and at
the month they came. One of each kind stands for all of that kind, exactly.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from connector.domain.moment import DAY, Micros
from connector.funnel.history import History
from connector.funnel.measure import Aspect
from connector.funnel.months import month_at

_ALL = 7
"""Places of a key that every measure looks at."""
_PLACES = {
    Aspect.SOURCE: (7,),
    Aspect.SEGMENT: (8,),
    Aspect.HANDS: (9, 10, 11, 12),
    Aspect.BAND: (13, 14, 15),
    Aspect.MONTH: (14, 15, 16),
    Aspect.ARRIVAL: (7, 8, 14),
    Aspect.KIND: (7, 8, 9, 10, 11, 12, 13, 16),
}


class Alike:
    """Collects cycles of one pass; `add` says of each whether it is counted here.

    Args:
        edges: Moments at which a measure draws a line between inquiries.
        band_of: Gives the band of a score, as measures draw bands.
    """

    def __init__(self, edges: Sequence[Micros], band_of: Callable[[int], int]) -> None:
        self._edges = sorted(edges)
        self._band_of = band_of
        self._bands: dict[int | None, int] = {None: -1}
        self._kinds: dict[tuple[Any, ...], list[Any]] = {}

    def add(self, one: History) -> bool:
        """Count a cycle that others may be alike; False leaves it to be measured by itself.

        What it did in answer to campaigns is not looked at: it differs too much.
        """
        if not _plain(one):
            return False
        key = self._key(one)
        found = self._kinds.get(key)
        if found is None:
            self._kinds[key] = [one, 1]
        else:
            found[1] += 1
        return True

    def result(self, aspect: Aspect) -> Iterator[tuple[History, int]]:
        """Give one cycle of each kind under an aspect, and how many there are."""
        places = _PLACES[aspect]
        kinds: dict[tuple[Any, ...], list[Any]] = {}
        for key, (one, times) in self._kinds.items():
            mine = (*key[:_ALL], *[key[at] for at in places])
            found = kinds.get(mine)
            if found is None:
                kinds[mine] = [one, times]
            else:
                found[1] += times
        for one, times in kinds.values():
            yield one, times

    def _key(self, one: History) -> tuple[Any, ...]:
        band = self._bands.get(one.score)
        if band is None and one.score is not None:
            band = self._bands[one.score] = self._band_of(one.score)
        began = one.reached.get("inquiry")
        month = era = silent = None
        if began is not None:
            month = month_at(began)
            era = bisect_right(self._edges, began)
            silent = one.last_at is None or one.last_at - began <= DAY
        return (
            *(one.number, one.state, one.states, one.newest, one.found, one.reason),
            *(one.machine_only, one.source, one.segment, one.theme, one.phase),
            *(one.partner, one.owner),
            *(band, era, silent, month),
        )


def _plain(one: History) -> bool:
    """Whether it never went near sales: no stage, hand-off, deal or date beyond the inquiry."""
    return (
        one.depth == 0
        and one.handoff is None
        and one.won_cents is None
        and one.other_cents is None
        and not one.stays
        and not one.sales
        and (not one.reached or (len(one.reached) == 1 and "inquiry" in one.reached))
    )
