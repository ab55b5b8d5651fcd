"""Everything the report counts over cycles: what is asked, and one pass over a span of people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection

from connector.config.costs import Costs
from connector.config.settings import Report
from connector.domain.moment import Micros
from connector.funnel.bands import BandMeasure
from connector.funnel.handoffs import HandoffMeasure
from connector.funnel.headline import HeadlineMeasure
from connector.funnel.leakage import LeakageMeasure
from connector.funnel.maturity import MaturityMeasure
from connector.funnel.measure import Aspect, together
from connector.funnel.returns import ReturnMeasure
from connector.funnel.segments import SegmentMeasure, band_namer, month_of, owner_of, source_of
from connector.funnel.stages import StageMeasure
from connector.report.campaigns import return_measure
from connector.report.feeding import alike_of, feed
from connector.report.kinds import kind_measures, leakage_measure, spell_measures
from connector.report.outlook import outlook_measures
from connector.store import quality
from connector.store.histories import Reading, Worth
from connector.store.resting import passes
from connector.store.streams import Span


class Asked(NamedTuple):
    """What to count, as plain values that another process can be told.

    `start` is the moment of the first run, `published` that of the model's approval; of each of
    `fields` the people are counted of whom it is known.
    """

    reading: Reading
    report: Report
    threshold: float
    exceeds: bool
    now: Micros
    start: Micros
    costs: Costs
    fields: Sequence[str]
    published: Micros | None = None


class Measures(NamedTuple):
    """The measures of all cycles together; those by kind are `Kinds`."""

    headline: HeadlineMeasure
    stages: StageMeasure
    leakage: LeakageMeasure
    bands: BandMeasure
    handoffs: HandoffMeasure
    sources: SegmentMeasure
    owners: SegmentMeasure
    by_band: SegmentMeasure
    months: SegmentMeasure
    maturity: MaturityMeasure
    returns: ReturnMeasure


class Counted:
    """What a pass found; what passes over other people found can be added to it."""

    def __init__(self, asked: Asked) -> None:
        self.measures = _measures(asked)
        self.kinds = kind_measures(asked.report, asked, asked.now, asked.start)
        self.outlook = outlook_measures(asked.report, asked, asked.now, asked.published)
        self.spells = spell_measures(asked.report, asked)
        self.all = (*self.measures, *self.kinds, *self.outlook, *self.spells)
        self.worth = Worth()
        self.known: dict[str, int] = {}
        self.activities = quality.Activities(0, 0, 0)

    def count(self, tx: Connection, asked: Asked, span: Span) -> None:
        """Count the people of a span."""
        alike = alike_of(asked.now, asked.start, asked.threshold, exceeds=asked.exceeds)
        feed(passes(tx, asked.reading, self.worth, span), alike, self.all)
        self.activities = quality.activities_of(tx, span)
        self.known = quality.known_fields(tx, asked.fields, span)

    def state(self) -> dict[str, Any]:
        """Give what was counted, as plain values."""
        return {
            "measures": [one.state() for one in self.all],
            "worth": self.worth,
            "known": self.known,
            "activities": self.activities,
        }

    def absorb(self, state: Mapping[str, Any]) -> None:
        """Add what another pass counted."""
        for one, other in zip(self.all, state["measures"], strict=True):
            one.absorb(other)
        together(self.worth, state["worth"])
        together(self.known, state["known"])
        self.activities = together(self.activities, state["activities"])


def _measures(asked: Asked) -> Measures:
    threshold, exceeds = asked.threshold, asked.exceeds
    return Measures(
        headline=HeadlineMeasure(),
        stages=StageMeasure(),
        leakage=leakage_measure(asked.report),
        bands=BandMeasure(threshold, exceeds=exceeds),
        handoffs=HandoffMeasure(asked.now),
        sources=SegmentMeasure(source_of),
        owners=SegmentMeasure(owner_of, Aspect.HANDS),
        by_band=SegmentMeasure(band_namer(threshold, exceeds=exceeds), Aspect.BAND),
        months=SegmentMeasure(month_of, Aspect.MONTH),
        maturity=MaturityMeasure(asked.now),
        returns=return_measure(asked.report, asked.costs),
    )
