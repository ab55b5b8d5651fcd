"""What became of people by the score they have: is the threshold where it should be?"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from connector.funnel.history import STAGES
from connector.funnel.measure import Ask
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


def band_ends(edges: Sequence[int]) -> list[int]:
    """Give the highest score of each band."""
    return [edge - 1 for edge in edges[1:]] + [100]


def band_sql(score: str, edges: Sequence[int]) -> str:
    """Give `band_of` in SQL; null for no score."""
    above = " ".join(
        f"WHEN {score} >= {edge} THEN {at}" for at, edge in reversed(list(enumerate(edges)))
    )
    return f"CASE {above} WHEN {score} IS NOT NULL THEN 0 END"


class BandMeasure:
    """Counts outcomes by band; who has no score is in no band."""

    def __init__(self, threshold: float, *, exceeds: bool = False) -> None:
        self._edges = band_edges(threshold, exceeds=exceeds)
        self._ready = math.floor(threshold) + 1 if exceeds else math.ceil(threshold)

    def result(self, ask: Ask) -> tuple[Band, ...]:
        """Give the bands, lowest first."""
        rows = ask(
            f"""SELECT {band_sql("score", self._edges)} AS band, count(*),
                count(*) FILTER (depth >= {_HANDED_OFF}), count(*) FILTER (settled),
                count(*) FILTER (won)
            FROM pass WHERE band IS NOT NULL GROUP BY band"""
        )
        counts = {band: tuple(found) for band, *found in rows}
        return tuple(
            Band(least, most, least >= self._ready, cycles, handed, settled, won,
                 share(won, settled), wilson(won, settled))
            for least, most, (cycles, handed, settled, won) in (
                (least, most, counts.get(at, (0, 0, 0, 0)))
                for at, (least, most) in enumerate(
                    zip(self._edges, band_ends(self._edges), strict=True)
                )
            )
        )  # fmt: skip
