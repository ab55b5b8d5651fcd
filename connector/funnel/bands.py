"""What became of people by the score they have: is the threshold where it should be?"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from connector.funnel.history import STAGES, History
from connector.funnel.measure import Aspect, Measure
from connector.funnel.statistics import share, wilson

_HANDED_OFF = STAGES.index("handed_off")


class Band(NamedTuple):
    """Cycles of people whose score lies in [least, most], both inclusive.

    `rate` is won / settled, with its 95% interval; None where sales settled nothing.
    """

    least: int
    most: int
    sales_ready: bool
    cycles: int
    handed_off: int
    settled: int
    won: int
    rate: float | None
    interval: tuple[float, float] | None

    @property
    def name(self) -> str:
        return f"{self.least}-{self.most}"


def band_edges(threshold: float, *, exceeds: bool = False) -> tuple[int, ...]:
    """Give the least score of each band; a band begins where people become sales-ready.

    65 gives 0, 25, 50, 65, 80.
    """
    ready = math.floor(threshold) + 1 if exceeds else math.ceil(threshold)
    below = [edge for edge in (25, 50, 75) if edge <= ready - 10]
    above = [edge for edge in (ready, ready + 15) if 0 < edge < 100]
    return (0, *below, *above)


def band_of(score: float, edges: Sequence[int]) -> int:
    """Give the index of the band a score lies in."""
    return max(bisect_right(edges, score) - 1, 0)


class BandMeasure(Measure):
    """Counts outcomes by band, in one pass."""

    sums = ("_counts",)
    aspect = Aspect.BAND

    def __init__(self, threshold: float, *, exceeds: bool = False) -> None:
        self._edges = band_edges(threshold, exceeds=exceeds)
        self._ready = math.floor(threshold) + 1 if exceeds else math.ceil(threshold)
        self._counts = [[0, 0, 0, 0] for _ in self._edges]

    def add(self, one: History, times: int = 1) -> None:
        """Count a cycle, or so many alike; who has no score is in no band."""
        if one.score is None:
            return
        counts = self._counts[band_of(one.score, self._edges)]
        counts[0] += times
        counts[1] += times * (one.depth >= _HANDED_OFF)
        counts[2] += times * one.settled
        counts[3] += times * one.won

    def result(self) -> tuple[Band, ...]:
        """Give the bands, lowest first."""
        ends = [edge - 1 for edge in self._edges[1:]] + [100]
        return tuple(
            Band(least, most, least >= self._ready, cycles, handed, settled, won,
                 share(won, settled), wilson(won, settled))
            for least, most, (cycles, handed, settled, won) in zip(
                self._edges, ends, self._counts, strict=True
            )
        )  # fmt: skip
