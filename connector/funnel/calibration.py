"""Whether a score still means what it meant when the model was published."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from connector.domain.moment import Micros
from connector.funnel.bands import band_edges, band_of
from connector.funnel.history import History
from connector.funnel.measure import Aspect, Measure
from connector.funnel.statistics import share, wilson

LEAST = 20
"""Fewer settled leads on either side, and two rates cannot be told apart."""


class Calibrated(NamedTuple):
    """Settled leads of a score band, handed off before the model was published and since.

    The band is that of the score they were handed off with, not of the one they have now.

    `moved` is whether the two intervals leave each other out; None for small numbers.
    """

    least: int
    most: int
    then_settled: int
    then_won: int
    then: float | None
    then_interval: tuple[float, float] | None
    now_settled: int
    now_won: int
    now: float | None
    now_interval: tuple[float, float] | None
    moved: bool | None


class CalibrationMeasure(Measure):
    """Counts by band and by side of `published`; None is a model that nobody approved yet."""

    sums = ("_counts", "_unknown")
    aspect = Aspect.BAND

    def __init__(
        self, published: Micros | None, threshold: float, *, exceeds: bool = False
    ) -> None:
        self._published = published
        self._edges = band_edges(threshold, exceeds=exceeds)
        self._counts = [[0, 0, 0, 0] for _ in self._edges]
        self._unknown = 0

    @property
    def unknown(self) -> int:
        """Settled leads in sales' hands of which nobody knows the score they came with."""
        return self._unknown

    def add(self, one: History, times: int = 1) -> None:
        """Count a cycle, or so many alike, if it was handed off and sales said its word."""
        at = one.reached.get("handed_off")
        if self._published is None or at is None or not one.settled:
            return
        if one.given_score is None:
            self._unknown += times
            return
        counts = self._counts[band_of(one.given_score, self._edges)]
        side = 2 * (at >= self._published)
        counts[side] += times
        counts[side + 1] += times * one.won

    def result(self) -> tuple[Calibrated, ...]:
        """Give the bands, lowest first; none without a moment of publication."""
        if self._published is None:
            return ()
        ends = [edge - 1 for edge in self._edges[1:]] + [100]
        bands = zip(self._edges, ends, self._counts, strict=True)
        return tuple(_calibrated(least, most, counts) for least, most, counts in bands)


def _calibrated(least: int, most: int, counts: Sequence[int]) -> Calibrated:
    settled, won, settled_now, won_now = counts
    then, now = wilson(won, settled), wilson(won_now, settled_now)
    moved = None
    if then is not None and now is not None and min(settled, settled_now) >= LEAST:
        moved = now[0] > then[1] or now[1] < then[0]
    return Calibrated(
        least, most, settled, won, share(won, settled), then,
        settled_now, won_now, share(won_now, settled_now), now, moved,
    )  # fmt: skip
