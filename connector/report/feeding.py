"""Every cycle past every measure: those that are alike together, with their number."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from connector.domain.moment import DAY, Micros
from connector.funnel.alike import Alike
from connector.funnel.bands import band_edges, band_of
from connector.funnel.cohorts import CohortMeasure, campaign_of
from connector.funnel.history import History
from connector.funnel.quality import QUIET
from connector.funnel.returns import ReturnMeasure
from connector.report.kinds import BASELINES


class Measure(Protocol):
    """Takes cycles one by one, or so many alike at once."""

    def add(self, one: History, times: int = 1) -> None: ...


def alike_of(now: Micros, start: Micros, threshold: float, *, exceeds: bool) -> Alike:
    """Give what counts alike cycles, with every line that measures draw between inquiries."""
    edges = band_edges(threshold, exceeds=exceeds)
    lines = [now - QUIET, start, *(start - days * DAY for days in BASELINES.values())]
    return Alike(lines, lambda score: band_of(score, edges))


def feed(found: Iterable[History], alike: Alike, measures: Sequence[Measure]) -> None:
    """Give every cycle to every measure; alike ones together, save where campaigns are read."""
    by_campaign = [one for one in measures if _reads_campaigns(one)]
    others = [one for one in measures if not _reads_campaigns(one)]
    for one in found:
        together = alike.add(one)
        for measure in by_campaign if together else measures:
            measure.add(one)
    for one, times in alike.result():
        for measure in others:
            measure.add(one, times)


def _reads_campaigns(measure: Measure) -> bool:
    return isinstance(measure, ReturnMeasure) or (
        isinstance(measure, CohortMeasure) and measure.key is campaign_of
    )
