"""Every cycle past every measure: those that are alike together, with their number."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from connector.domain.moment import DAY, Micros
from connector.funnel.alike import Alike
from connector.funnel.bands import band_edges, band_of
from connector.funnel.history import History
from connector.funnel.measure import Aspect, Measure
from connector.funnel.novelties import SINCE, USUAL
from connector.funnel.quality import QUIET
from connector.report.kinds import BASELINES


def alike_of(now: Micros, start: Micros, threshold: float, *, exceeds: bool) -> Alike:
    """Give what counts alike cycles, with every line that measures draw between inquiries."""
    edges = band_edges(threshold, exceeds=exceeds)
    lines = [
        now - QUIET,
        now - SINCE,
        now - SINCE - USUAL,
        start,
        *(start - days * DAY for days in BASELINES.values()),
    ]
    return Alike(lines, lambda score: band_of(score, edges))


def feed(found: Iterable[History], alike: Alike, measures: Sequence[Measure]) -> None:
    """Give every cycle to every measure; alike ones together, as each measure looks at them."""
    everyone = [measure.add for measure in measures]
    each = [measure.add for measure in measures if measure.aspect is Aspect.EACH]
    for one in found:
        for add in each if alike.add(one) else everyone:
            add(one)
    for aspect in Aspect:
        mine = [measure.add for measure in measures if measure.aspect is aspect]
        if aspect is Aspect.EACH or not mine:
            continue
        for one, times in alike.result(aspect):
            for add in mine:
                add(one, times)
