"""Everything the report counts over passes: what is asked, and the table that is asked for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from connector.config.costs import Costs
from connector.config.load import Loaded
from connector.config.settings import Report
from connector.domain.moment import Micros
from connector.engine.passes import Passes, open_passes
from connector.engine.telling import (
    Deal,
    Times,
    Words,
    activity_counts,
    days_worked,
    drop_tables,
    read_tables,
    tell,
)
from connector.funnel.bands import BandMeasure
from connector.funnel.handoffs import HandoffMeasure
from connector.funnel.headline import HeadlineMeasure
from connector.funnel.leakage import LeakageMeasure
from connector.funnel.maturity import MaturityMeasure
from connector.funnel.measure import Ask
from connector.funnel.returns import ReturnMeasure
from connector.funnel.segments import MONTH, OWNER, SOURCE, SegmentMeasure, band_namer
from connector.funnel.stages import StageMeasure
from connector.funnel.untouched import OwnerDays
from connector.report.campaigns import return_measure
from connector.report.kinds import Kinds, Spells, kind_measures, leakage_measure, spell_measures
from connector.report.outlook import Outlook, outlook_measures, types_of
from connector.store.database import Store
from connector.store.incoming.deals import deals_of, deals_query
from connector.store.passes.histories import BACKLOG, FOUND, Reading, Worth
from connector.store.passes.telling import ANSWERED, BY, NEXT, telling_queries
from connector.store.persons import quality
from connector.store.schema import person
from connector.store.statements.streams import rows
from connector.sync.deciding import nurturing

_WORDS = Words(FOUND, BACKLOG, NEXT, ANSWERED, BY)
_TRIES = 5


class Asked(NamedTuple):
    """What to count.

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


class Counted(NamedTuple):
    """Measures, what they ask, and what was counted beside the passes."""

    measures: Measures
    kinds: Kinds
    outlook: Outlook
    spells: Spells
    ask: Ask
    worth: Worth
    known: Mapping[str, int]
    types: Mapping[str, int]
    consent: list[dict[str, Any]]
    activities: quality.Activities


class View(NamedTuple):
    """The store as it was at one moment, and an empty table of passes beside the same."""

    tx: Connection
    passes: Passes


@contextmanager
def one_view(store: Store) -> Iterator[View]:
    """Give a view of the store; where others never stop writing, its two ways in may be moments
    apart."""
    with open_passes() as passes:
        for last in [False] * (_TRIES - 1) + [True]:
            with store.watching() as unchanged, store.read() as tx:
                tx.execute(select(person.c.id).limit(1)).first()  # only then a view is fixed
                passes.look(store.url)
                if unchanged() or last:
                    yield View(tx, passes)
                    return


@contextmanager
def filling(view: View, reading: Reading) -> Iterator[Worth]:
    """Fill the table of passes; gives what was come upon on the way, whole when it ends.

    The tables of the store are read and told meanwhile, in the other process: within is the time
    to ask `view.tx` for anything else.
    """
    queries, worth = telling_queries(view.tx.dialect.name), Worth()
    with ThreadPoolExecutor(1) as pool:
        read = pool.submit(read_tables, view.passes, queries, _WORDS, reading.segment)
        deals = tuple(_deals(view.tx, reading, worth))
        told = pool.submit(_told, read, view.passes, deals, reading)
        yield worth
        told.result()
    if reading.watched:
        for owner, day, handed in days_worked(view.passes):
            days = worth.worked.setdefault(owner, OwnerDays(set(), set()))
            (days.handed if handed else days.own).add(day)


def _told(read: Future[None], passes: Passes, deals: Sequence[Deal], reading: Reading) -> None:
    """Tell what was read."""
    read.result()
    times = Times(reading.verdict_due, reading.open_between)
    tell(passes, deals, _WORDS, times, watched=reading.watched)


def counting(view: View, asked: Asked, loaded: Loaded) -> Counted:
    """Tell all passes of a view of the store, and give what counts them."""
    with filling(view, asked.reading) as worth:
        known = quality.known_fields(view.tx, asked.fields)
        types = types_of(view.tx, asked.now)
        consent = nurturing.blocked_in(view.tx, loaded)
    activities = quality.Activities(*map(int, activity_counts(view.passes)))
    drop_tables(view.passes)
    return Counted(
        _measures(asked),
        kind_measures(asked.report, asked, asked.now, asked.start),
        outlook_measures(asked.report, asked, asked.now, asked.published),
        spell_measures(asked.report, asked),
        view.passes.ask,
        worth,
        known,
        types,
        consent,
        activities,
    )


def _deals(tx: Connection, reading: Reading, worth: Worth) -> Iterator[Deal]:
    for who, mine in groupby(rows(tx, deals_query(tx, reading.connection)), itemgetter(0)):
        for deal in deals_of(list(mine), reading.currency, worth):
            yield (who, *deal)


def _measures(asked: Asked) -> Measures:
    threshold, exceeds = asked.threshold, asked.exceeds
    return Measures(
        headline=HeadlineMeasure(),
        stages=StageMeasure(),
        leakage=leakage_measure(asked.report),
        bands=BandMeasure(threshold, exceeds=exceeds),
        handoffs=HandoffMeasure(asked.now),
        sources=SegmentMeasure(SOURCE),
        owners=SegmentMeasure(OWNER),
        by_band=SegmentMeasure(band_namer(threshold, exceeds=exceeds)),
        months=SegmentMeasure(MONTH),
        maturity=MaturityMeasure(asked.now),
        returns=return_measure(asked.report, asked.costs),
    )
