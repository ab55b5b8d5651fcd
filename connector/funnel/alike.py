"""Cycles that no measure can tell apart are measured once, with their number.

Most people are inquiries that never went near sales: of them measures look at a few words and at
the month they came. One of each kind stands for all of that kind, exactly.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Hashable, Iterator, Sequence

from connector.domain.moment import DAY, Micros
from connector.funnel.history import History
from connector.funnel.months import month_at


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
        self._kinds: dict[Hashable, History] = {}
        self._counts: dict[Hashable, int] = {}

    def add(self, one: History) -> bool:
        """Count a cycle that others may be alike; False leaves it to be measured by itself.

        What it did in answer to campaigns is not looked at: it differs too much.
        """
        if not _plain(one):
            return False
        key = self._key(one)
        if key in self._counts:
            self._counts[key] += 1
        else:
            self._counts[key] = 1
            self._kinds[key] = one
        return True

    def result(self) -> Iterator[tuple[History, int]]:
        """Give one cycle of each kind, and how many there are."""
        for key, one in self._kinds.items():
            yield one, self._counts[key]

    def _key(self, one: History) -> Hashable:
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
            *(one.number, one.state, one.states, one.newest, one.found, one.reason, one.owner),
            *(one.source, one.theme, one.segment, one.machine_only, one.partner),
            *(band, month, era, silent),
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
