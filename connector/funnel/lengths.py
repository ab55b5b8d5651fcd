"""How long sales works on a lead until it is won, and what a shorter way would spare."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from fractions import Fraction
from typing import NamedTuple

from connector.funnel.history import STAGES, History
from connector.funnel.measure import Aspect, Measure
from connector.funnel.statistics import usual


class Length(NamedTuple):
    """Leads of a segment that were won, from hand-off to sale; None is everybody.

    `over` is the time that the slower ones took beyond the median, together. `spared` is what the
    sales time of that much would cost, in cents, if sales works as much on each day.
    """

    segment: str | None
    won: int
    median: int | None
    p90: int | None
    whole: int
    over: int
    cost: int
    spared: int | None


class LengthMeasure(Measure):
    """Takes the time from hand-off to sale, where both are known.

    Args:
        effort: Cents of sales time that a lead takes which reached a stage, by stage.
    """

    sums = ("_spans",)
    aspect = Aspect.SEGMENT

    def __init__(self, effort: Mapping[str, int] | None = None) -> None:
        self._each = sum((effort or {}).get(stage, 0) for stage in STAGES)
        self._spans: dict[str, array[int]] = {}

    def add(self, one: History, times: int = 1) -> None:
        """Count a cycle, or so many alike, if it was handed off and won."""
        if not one.won:
            return
        began, ended = one.reached.get("handed_off"), one.reached.get("won")
        if began is not None and ended is not None and ended >= began:
            name = one.segment or one.source or "unknown"
            self._spans.setdefault(name, array("q")).extend([ended - began] * times)

    def result(self) -> tuple[Length, ...]:
        """Give everybody, then the segments, longest median first."""
        everybody = array("q")
        for spans in self._spans.values():
            everybody.extend(spans)
        rows = [self._length(name, spans) for name, spans in self._spans.items()]
        rows.sort(key=lambda row: (-(row.median or 0), row.segment or ""))
        return (self._length(None, everybody), *rows) if everybody else ()

    def _length(self, name: str | None, spans: array[int]) -> Length:
        median, p90 = usual(spans)
        whole, cost = sum(spans), self._each * len(spans)
        over = sum(max(0, span - (median or 0)) for span in spans)
        spared = round(Fraction(cost * over, whole)) if cost and whole else None
        return Length(name, len(spans), median, p90, whole, over, cost, spared)
