"""Whether a score still means what it meant when the model was published."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from connector.domain.moment import Micros
from connector.funnel.bands import band_edges, band_ends, band_sql
from connector.funnel.measure import Ask
from connector.funnel.statistics import share, wilson

_SAID = "handed_off_at IS NOT NULL AND settled"
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


class CalibrationMeasure:
    """Counts settled hand-offs by band and by side of `published`; None is a model that nobody
    approved yet."""

    def __init__(
        self, published: Micros | None, threshold: float, *, exceeds: bool = False
    ) -> None:
        self._published = published
        self._edges = band_edges(threshold, exceeds=exceeds)

    def unknown(self, ask: Ask) -> int:
        """Count settled leads in sales' hands of which nobody knows the score they came with."""
        if self._published is None:
            return 0
        return int(ask(f"SELECT count(*) FROM pass WHERE {_SAID} AND given_score IS NULL")[0][0])

    def result(self, ask: Ask) -> tuple[Calibrated, ...]:
        """Give the bands, lowest first; none without a moment of publication."""
        if self._published is None:
            return ()
        rows = ask(
            f"""SELECT {band_sql("given_score", self._edges)} AS band,
                handed_off_at >= {self._published} AS since, count(*), count(*) FILTER (won)
            FROM pass WHERE {_SAID} AND band IS NOT NULL GROUP BY band, since"""
        )
        counts = [[0, 0, 0, 0] for _ in self._edges]
        for band, since, settled, won in rows:
            counts[band][2 * since : 2 * since + 2] = settled, won
        bands = zip(self._edges, band_ends(self._edges), counts, strict=True)
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
