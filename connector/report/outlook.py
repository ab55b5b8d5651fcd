"""Progress, the buyer's phases, sales time, drivers, profiles and alarms, as figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection

from connector.config.settings import Report
from connector.domain.moment import DAY, Micros, format_iso
from connector.funnel.calibration import CalibrationMeasure
from connector.funnel.capacity import CapacityMeasure
from connector.funnel.cohorts import SEGMENT, Period
from connector.funnel.control import control
from connector.funnel.drivers import drivers
from connector.funnel.flow import FlowMeasure
from connector.funnel.history import STAGES
from connector.funnel.lengths import LengthMeasure
from connector.funnel.measure import Ask
from connector.funnel.months import month_at
from connector.funnel.novelties import NoveltyMeasure, gone
from connector.funnel.phases import PhaseMeasure
from connector.funnel.pipeline import PipelineMeasure
from connector.funnel.profiles import ProfileMeasure
from connector.funnel.quarters import QuarterMeasure
from connector.funnel.returns import Returns
from connector.funnel.segments import SOURCE, band_namer
from connector.report.amounts import days, money
from connector.report.campaigns import effort_of
from connector.report.kinds import Threshold
from connector.store.incoming import snapshots
from connector.store.persons import quality

TYPES_SINCE, TYPES_USUAL = 14 * DAY, 77 * DAY
"""An activity type is looked for in the newest two weeks, beside the eleven before them."""


class Outlook(NamedTuple):
    """The measures."""

    quarters: QuarterMeasure
    flow: FlowMeasure
    pipeline: PipelineMeasure
    phases: PhaseMeasure
    lengths: LengthMeasure
    capacity: CapacityMeasure
    calibration: CalibrationMeasure
    by_source: ProfileMeasure
    by_segment: ProfileMeasure
    by_band: ProfileMeasure
    sources: NoveltyMeasure
    segments: NoveltyMeasure


def outlook_measures(
    report: Report, ready: Threshold, now: Micros, published: Micros | None
) -> Outlook:
    """Give fresh measures; the model was `published` at that moment, or never."""
    threshold, exceeds = ready.threshold, ready.exceeds
    time = report.sales_time
    return Outlook(
        quarters=QuarterMeasure(),
        flow=FlowMeasure(),
        pipeline=PipelineMeasure(),
        phases=PhaseMeasure({name: str(stage) for name, stage in report.phases.items()}),
        lengths=LengthMeasure(effort_of(report)),
        capacity=CapacityMeasure(
            now,
            {str(k): v for k, v in time.hours.items()} if time else {},
            time.week if time else None,
        ),
        calibration=CalibrationMeasure(published, threshold, exceeds=exceeds),
        by_source=ProfileMeasure(SOURCE),
        by_segment=ProfileMeasure(SEGMENT),
        by_band=ProfileMeasure(band_namer(threshold, exceeds=exceeds)),
        sources=NoveltyMeasure(now, SOURCE),
        segments=NoveltyMeasure(now, SEGMENT),
    )


def outlook_figures(
    found: Outlook,
    ask: Ask,
    report: Report,
    returns: Returns,
    published: Micros | None,
    names: Mapping[str, str],
) -> dict[str, Any]:
    """Give the figures of all of them but the alarms."""
    margin = 1.0 if report.margin is None else report.margin
    hidden = report.owners == "off"
    known = report.sales_time is not None
    return {
        "quarters": [
            one._asdict() | {"value": money(one.value), "value_per_sale": money(one.value_per_sale)}
            for one in found.quarters.result(ask)
        ],
        "pipeline": [
            one._asdict()
            | {name: money(getattr(one, name)) for name in ("created", "won", "lost", "open")}
            for one in found.pipeline.result(ask)
        ],
        "flow": [one._asdict() for one in found.flow.result(ask)],
        "phases": [
            {**one._asdict(), "median": days(one.median), "p90": days(one.p90)}
            for one in found.phases.result(ask)
        ],
        "lengths": [
            {
                "segment": one.segment,
                "won": one.won,
                "median": days(one.median),
                "p90": days(one.p90),
                "over": days(one.over),
                "cost": money(one.cost) if known else None,
                "spared": money(one.spared),
            }
            for one in found.lengths.result(ask)
        ],
        "capacity": [
            one._asdict()
            | {"owner": None if one.owner is None else names.get(one.owner, one.owner)}
            | ({} if known else {"needed": None, "peak": None})
            for one in found.capacity.result(ask)
            if one.owner is None or not hidden
        ],
        "drivers": [
            one._asdict()
            | {
                name: money(getattr(one, name))
                for name in ("value_per_sale", "cost_per_lead", "gain_conversion", "gain_value",
                             "gain_cost")
            }
            for one in drivers(returns, margin)
        ],
        "profiles": {
            name: [one._asdict() | {"value": money(one.value)} for one in measure.result(ask)]
            for name, measure in (
                ("source", found.by_source), ("segment", found.by_segment), ("band", found.by_band),
            )
        },
        "calibration": {
            "published": None if published is None else format_iso(published // DAY * DAY),
            "bands": [one._asdict() for one in found.calibration.result(ask)],
            "unknown": found.calibration.unknown(ask),
        },
    }  # fmt: skip


def types_of(tx: Connection, now: Micros) -> dict[str, int]:
    """Count the usual activities of types that no longer come, for `alarm_figures`."""
    return quality.silent_types(tx, now - TYPES_SINCE - TYPES_USUAL, now - TYPES_SINCE)


def alarm_figures(
    tx: Connection,
    types: Mapping[str, int],
    found: Outlook,
    ask: Ask,
    periods: Sequence[Period],
    segment: str | None,
    now: Micros,
) -> dict[str, Any]:
    """Give what has changed that nobody may have meant: fields, values, types and volumes."""
    rows: list[dict[str, Any]] = [
        _alarm("field_gone", f"{connection}: {source}.{field}")
        for connection, source, field in snapshots.lost_fields(tx)
    ]
    rows += [
        _alarm("type_gone", name, types[name], 0) for name in gone(types, TYPES_USUAL, TYPES_SINCE)
    ]
    for name, measure in (("source", found.sources), (segment or "segment", found.segments)):
        rows += [
            _alarm(f"value_{one.what}", f"{name}: {one.value}", one.before, one.since)
            for one in measure.result(ask)
        ]
    volume = []
    for place, stage in enumerate(STAGES[:3]):
        judged = control(_whole_months(periods, place, now))
        if judged is not None:
            volume.append({"stage": stage, **judged._asdict()})
    beyond = sum(row["beyond"] is not None for row in volume)
    return {"alarms": {"sounding": len(rows) + beyond, "rows": rows, "volume": volume}}


def _alarm(
    alarm: str, about: str, before: int | None = None, since: int | None = None
) -> dict[str, Any]:
    return {"alarm": alarm, "about": about, "before": before, "since": since}


def _whole_months(periods: Sequence[Period], place: int, now: Micros) -> list[tuple[str, int]]:
    """The months up to the last whole one, those without anything among them."""
    counts = {one.name: one.reached[place] for one in periods}
    if not counts:
        return []
    months, name, this = [], min(counts), month_at(now)
    while name < this:
        months.append((name, counts.get(name, 0)))
        year, month = int(name[:4]), int(name[5:])
        name = f"{year + month // 12}-{month % 12 + 1:02}"
    return months
