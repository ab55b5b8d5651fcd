"""How long sales works on a lead until it is won, and what a shorter way would spare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

from connector.funnel.history import STAGES
from connector.funnel.leakage import SEGMENT_OR_SOURCE
from connector.funnel.measure import Ask
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


class LengthMeasure:
    """Takes the time from hand-off to sale, where both are known.

    Args:
        effort: Cents of sales time that a lead takes which reached a stage, by stage.
    """

    def __init__(self, effort: Mapping[str, int] | None = None) -> None:
        self._each = sum((effort or {}).get(stage, 0) for stage in STAGES)

    def result(self, ask: Ask) -> tuple[Length, ...]:
        """Give everybody, then the segments, longest median first."""
        found = ask(
            f"""SELECT {SEGMENT_OR_SOURCE} AS kind, list(won_at - handed_off_at) FROM pass
            WHERE won AND won_at >= handed_off_at GROUP BY kind"""
        )
        everybody = [span for _, spans in found for span in spans]
        rows = [self._length(name, spans) for name, spans in found]
        rows.sort(key=lambda row: (-(row.median or 0), row.segment or ""))
        return (self._length(None, everybody), *rows) if everybody else ()

    def _length(self, name: str | None, spans: Sequence[int]) -> Length:
        median, p90 = usual(spans)
        whole, cost = sum(spans), self._each * len(spans)
        over = sum(max(0, span - (median or 0)) for span in spans)
        spared = round(Fraction(cost * over, whole)) if cost and whole else None
        return Length(name, len(spans), median, p90, whole, over, cost, spared)
