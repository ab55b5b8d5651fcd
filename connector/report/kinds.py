"""Funnels of each kind and month, silence, untouched hand-offs and quality, as figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from connector.config.settings import Report
from connector.domain.moment import Micros, format_iso
from connector.funnel.cohorts import (
    CAMPAIGN,
    NOBODY,
    PARTNER,
    PHASE,
    SEGMENT,
    THEME,
    Cohort,
    CohortMeasure,
    PeriodMeasure,
    Step,
    before,
)
from connector.funnel.contact import Contact, ContactMeasure
from connector.funnel.history import STAGES
from connector.funnel.leakage import Leak, LeakageMeasure
from connector.funnel.lifetime import Lifetime, LifetimeMeasure, Product
from connector.funnel.measure import Ask
from connector.funnel.quality import Quality, QualityMeasure
from connector.funnel.segments import OWNER, SOURCE, band_namer
from connector.funnel.spells import SpellMeasure
from connector.funnel.stalls import Stall, StallMeasure
from connector.funnel.statistics import share
from connector.funnel.untouched import OwnerDays, Untouched, UntouchedMeasure
from connector.funnel.waiting import Wait, WaitMeasure
from connector.report.amounts import days, money

BASELINES = {"6 months": 182, "12 months": 365}
Names = Mapping[str, Mapping[str, str]]
"""How those of a kind (owner, partner, campaign) are called on the page, by their code."""


class Spells(NamedTuple):
    """What happened in each quarter, by kind."""

    source: SpellMeasure
    campaign: SpellMeasure
    segment: SpellMeasure
    owner: SpellMeasure
    band: SpellMeasure
    theme: SpellMeasure
    partner: SpellMeasure


class Kinds(NamedTuple):
    """The measures."""

    source: CohortMeasure
    campaign: CohortMeasure
    segment: CohortMeasure
    owner: CohortMeasure
    band: CohortMeasure
    theme: CohortMeasure
    partner: CohortMeasure
    phase: CohortMeasure
    half_year: CohortMeasure
    year: CohortMeasure
    periods: PeriodMeasure
    stalls: StallMeasure
    untouched: UntouchedMeasure
    quality: QualityMeasure
    leaks: LeakageMeasure
    waits: WaitMeasure
    contact: ContactMeasure
    lifetime: LifetimeMeasure


class Threshold(Protocol):
    """From which score on people are sales-ready."""

    @property
    def threshold(self) -> float: ...

    @property
    def exceeds(self) -> bool: ...


def leakage_measure(report: Report, *, by_segment: bool = False) -> LeakageMeasure:
    """Give the measure as the settings want it."""
    value = report.value_per_sale
    recovery = {str(stage): part for stage, part in report.recovery.items()}
    cents = None if value is None else round(value * 100)
    return LeakageMeasure(cents, recovery, by_segment=by_segment)


def kind_measures(report: Report, ready: Threshold, now: Micros, start: Micros) -> Kinds:
    """Give fresh measures; baselines end at `start`, the moment of the first run."""
    threshold, exceeds = ready.threshold, ready.exceeds
    half, year = BASELINES.values()
    return Kinds(
        source=CohortMeasure(SOURCE),
        campaign=CohortMeasure(CAMPAIGN),
        segment=CohortMeasure(SEGMENT if report.segment else NOBODY),
        owner=CohortMeasure(OWNER if report.owners != "off" else NOBODY),
        band=CohortMeasure(band_namer(threshold, exceeds=exceeds)),
        theme=CohortMeasure(THEME),
        partner=CohortMeasure(PARTNER),
        phase=CohortMeasure(PHASE),
        half_year=CohortMeasure(before(start, half, "before")),
        year=CohortMeasure(before(start, year, "before")),
        periods=PeriodMeasure(),
        stalls=StallMeasure(now),
        untouched=UntouchedMeasure(now),
        quality=QualityMeasure(now, threshold, exceeds=exceeds),
        leaks=leakage_measure(report, by_segment=True),
        waits=WaitMeasure(now),
        contact=ContactMeasure(),
        lifetime=LifetimeMeasure(),
    )


def spell_measures(report: Report, ready: Threshold) -> Spells:
    """Give fresh measures."""
    return Spells(
        source=SpellMeasure(SOURCE),
        campaign=SpellMeasure(CAMPAIGN),
        segment=SpellMeasure(SEGMENT if report.segment else NOBODY),
        owner=SpellMeasure(OWNER if report.owners != "off" else NOBODY),
        band=SpellMeasure(band_namer(ready.threshold, exceeds=ready.exceeds)),
        theme=SpellMeasure(THEME),
        partner=SpellMeasure(PARTNER),
    )


def spell_figures(found: Spells, ask: Ask, names: Names) -> dict[str, Any]:
    """Give what happened in each quarter, by kind."""
    return {
        kind: [
            {
                "quarter": one.quarter,
                "name": names.get(kind, {}).get(one.name, one.name),
                "rank": one.rank,
                **dict(zip(STAGES, one.reached, strict=True)),
                "acceptance": one.acceptance,
                "acceptance_interval": one.acceptance_interval,
                "to_sale": one.to_sale,
                "to_sale_interval": one.to_sale_interval,
            }
            for one in measure.result(ask)
        ]
        for kind, measure in found._asdict().items()
    }


def kind_figures(
    found: Kinds,
    ask: Ask,
    report: Report,
    start: Micros,
    worked: Mapping[str, OwnerDays],
    names: Names,
    *,
    seen: bool,
) -> dict[str, Any]:
    """Give the figures of all of them; `seen` says whether the CRM shows what owners do."""
    hidden, owners = report.owners == "off", names.get("owner", {})
    return {
        "kinds": {
            name: [_cohort(one, names.get(name, {})) for one in measure.result(ask)]
            for name, measure in found._asdict().items()
            if name
            in ("source", "campaign", "segment", "owner", "band", "theme", "partner", "phase")
        },
        "periods": [
            {"month": p.name, **dict(zip(STAGES, p.reached, strict=True))}
            for p in found.periods.result(ask)
        ],
        "baseline": {
            "from": "the CRM's own stages",
            "until": format_iso(start),
            "spans": [
                {"span": span, "days": length, "stages": _baseline(measure.result(ask))}
                for (span, length), measure in zip(
                    BASELINES.items(), (found.half_year, found.year), strict=True
                )
            ],
        },
        "stalled": _stalled(found.stalls.result(ask)),
        "untouched": _untouched(found.untouched.result(worked, ask), owners, hidden=hidden),
        "quality": _quality(found.quality.result(ask), report),
        "waits": [_wait(one) for one in found.waits.result(ask)],
        "contact": [_contact(one, seen=seen) for one in found.contact.result(ask)],
        "lifetime": _lifetime(found.lifetime.result(ask), report),
        "leaks_by_segment": [_leak(leak) for leak in found.leaks.result(ask).leaks],
    }


def _cohort(one: Cohort, names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "name": names.get(one.name, one.name),
        "rank": one.rank,
        "stages": [_step(s, step) for s, step in zip(STAGES, one.steps, strict=True)],
    }


def _step(stage: str, step: Step) -> dict[str, Any]:
    return {
        "stage": stage,
        "cycles": step.cycles,
        "of_previous": step.share,
        "interval": step.interval,
        "timed": step.timed,
        "median_days": days(step.median),
        "p90_days": days(step.p90),
    }


def _baseline(found: Sequence[Cohort]) -> list[dict[str, Any]]:
    return _cohort(found[0], {})["stages"] if found else []


def _stalled(rows: tuple[Stall, ...]) -> dict[str, Any]:
    return {
        "open": sum(row.open for row in rows),
        "stalled": sum(row.stalled for row in rows),
        "value": money(sum(row.value for row in rows)),
        "estimate": money(sum(row.estimate or 0 for row in rows)),
        "rows": [
            row._asdict()
            | {
                "limit": days(row.limit),
                "value": money(row.value),
                "estimate": money(row.estimate),
            }
            for row in rows
        ],
    }


def _untouched(found: Untouched, names: Mapping[str, str], *, hidden: bool) -> dict[str, Any]:
    return {
        "due": found.due,
        "untouched": found.untouched,
        "share": found.share,
        "causes": [
            {"cause": cause, "handoffs": n, "share": share(n, found.untouched)}
            for cause, n in sorted(found.causes.items(), key=lambda pair: -pair[1])
        ],
        "owners": []
        if hidden
        else [
            {"owner": names.get(owner, owner), "cause": cause, "handoffs": n}
            for owner, causes in found.owners.items()
            for cause, n in causes.items()
        ],
    }


def _quality(found: Quality, report: Report) -> dict[str, Any]:
    time = report.sales_time
    first = {str(k): v for k, v in time.hours.items()}.get("handed_off") if time else None
    hours = None if first is None else round(found.not_passed * first, 2)
    return {
        **found._asdict(),
        "raw_share": share(found.raw, found.handed_off),
        "machine_share": share(found.machine, found.sales_ready),
        "forgotten_share": share(found.forgotten, found.inquiries),
        "calls_avoided_hours": hours,
        "calls_avoided_value": None
        if hours is None or time is None
        else round(hours * time.hour, 2),
        "trend": [one._asdict() for one in found.trend],
        "nurtured": [
            one._asdict() | {"pipeline": money(one.pipeline), "value": money(one.value)}
            for one in found.nurtured
        ],
        "passes": [one._asdict() | {"value": money(one.value)} for one in found.passes],
    }


def _wait(one: Wait) -> dict[str, Any]:
    return one._asdict() | {
        "median": days(one.median),
        "p90": days(one.p90),
        "longest": days(one.longest),
    }


def _contact(one: Contact, *, seen: bool) -> dict[str, Any]:
    """Where no activity names its owner, nobody knows who was called."""
    found = one._asdict()
    if not seen:
        found |= dict.fromkeys(("contacted", "share", "interval", "efforts"))
    return found | {"value": money(one.value), "value_per_sale": money(one.value_per_sale)}


def _lifetime(found: Lifetime, report: Report) -> dict[str, Any]:
    return found._asdict() | {
        "value": money(found.value),
        "per_customer": money(found.per_customer),
        "later": money(found.later),
        "products": [_product(one, found, report) for one in found.products],
    }


def _product(one: Product, found: Lifetime, report: Report) -> dict[str, Any]:
    """A product's part in what was won, and its margin by what the settings assume."""
    margin = report.margins.get(one.name, report.margin)
    whole = sum(product.value for product in found.products)
    return {
        "name": one.name,
        "leads": one.leads,
        "value": money(one.value),
        "mix": share(one.value, whole),
        "margin_share": margin,
        "margin": None if margin is None else money(round(one.value * margin)),
    }


def _leak(leak: Leak) -> dict[str, Any]:
    return {
        "stage": leak.stage,
        "how": leak.how,
        "reason": leak.reason,
        "segment": leak.segment,
        "cycles": leak.cycles,
        "value": money(leak.cents),
        "by_deal": leak.by_deal,
        "by_segment": leak.by_segment,
        "by_estimate": leak.by_estimate,
        "unvalued": leak.unvalued,
        "recovery": money(leak.recovery_cents),
    }
