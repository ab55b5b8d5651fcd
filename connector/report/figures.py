"""Every figure of the report out of the store, as plain values: page, table and file share them.

Shares are 0 to 1, times in days, money in units of `currency`; null is what is not known.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from sqlalchemy import Connection

from connector.config.costs import Costs
from connector.config.load import Loaded
from connector.config.settings import Report
from connector.domain.moment import SECOND, Micros, format_iso
from connector.funnel.handoffs import OwnerHandoffs, Timeliness
from connector.funnel.leakage import Leak, Leakage
from connector.funnel.measure import Ask
from connector.funnel.segments import Segment
from connector.funnel.stages import Funnel, Stage
from connector.funnel.statistics import share
from connector.report.amounts import days, hours, money
from connector.report.campaigns import Spent, campaign_figures, spent
from connector.report.counting import Asked, Counted, Measures, counting, one_view
from connector.report.kinds import kind_figures, spell_figures
from connector.report.maturity import maturity_data
from connector.report.outlook import alarm_figures, outlook_figures
from connector.scoring.model import Model
from connector.store.database import Store
from connector.store.outgoing import plans
from connector.store.passes.histories import Reading, watched
from connector.store.persons import people, quality
from connector.store.running import runs
from connector.sync.opening import agreed, calendar_of

SCHEMA = "leadloop.report/1"
_REFUSED = ("rejected", "recycled", "lost")


def report_figures(
    store: Store, loaded: Loaded, now: Micros, warnings: list[str]
) -> dict[str, Any]:
    """Give the report as of `now`; what a reader should know first is added to `warnings`."""
    models, routing = agreed(loaded, store, candidate=False, warn=warnings.append)
    model = models.default
    settings = loaded.settings
    with store.read() as tx:
        paid = spent(tx, loaded, now, warnings)
    costs = paid.costs
    with one_view(store) as view:
        tx, asked = view.tx, _asked(view.tx, loaded, model, costs, now)
        found = counting(view, asked, loaded)
        names = _owner_names(tx, asked.reading.connection, settings.report.owners)
        counts = found.measures.maturity.result(found.ask)
        last = runs.newest(tx, 1)
        return {
            "as_of": format_iso(now // SECOND * SECOND),
            "currency": settings.report.currency,
            "model": {
                "name": model.name,
                "version": model.hash[:8],
                "threshold": model.threshold,
                "compare": model.compare,
            },
            "last_run": {"run": last[0].id, "status": last[0].status} if last else None,
            **_measured(found.measures, found.ask, settings.report, names),
            "maturity": maturity_data(tx, loaded, models, routing, counts, now, found.known),
            **_by_kind(tx, found, asked, paid, names),
            "consent": found.consent,
            "health": _health(tx, found),
        }


def _by_kind(
    tx: Connection, found: Counted, asked: Asked, paid: Spent, names: dict[str, str]
) -> dict[str, Any]:
    """Kinds and campaigns, and what they say of the time to come."""
    report, ask = asked.report, found.ask
    called = {
        **dict.fromkeys(("owner", "partner"), names),
        "campaign": {**paid.costs.names, **{word: one.name for word, one in paid.told.items()}},
    }
    returns, periods = found.measures.returns.result(ask), found.kinds.periods.result(ask)
    return {
        **kind_figures(
            found.kinds,
            ask,
            report,
            asked.start,
            found.worth.worked,
            called,
            seen=asked.reading.watched,
        ),
        "kind_quarters": spell_figures(found.spells, ask, called),
        "campaigns": campaign_figures(returns, paid, report),
        **outlook_figures(found.outlook, ask, report, returns, asked.published, names),
        **alarm_figures(tx, found.types, found.outlook, ask, periods, report.segment, asked.now),
    }


def handoff_connection(loaded: Loaded) -> str:
    """Name the connection that gives leads to sales: its deals are counted."""
    connections = loaded.settings.connections
    return next((c.name for c in connections if c.handoff), connections[0].name)


def _asked(tx: Connection, loaded: Loaded, model: Model, costs: Costs, now: Micros) -> Asked:
    report = loaded.settings.report
    return Asked(
        reading=Reading(
            connection=handoff_connection(loaded),
            currency=report.currency,
            verdict_due=partial(calendar_of(loaded).due, span=loaded.settings.sla.verdict),
            watched=watched(tx),
            segment=report.segment,
            open_between=calendar_of(loaded).open_between,
        ),
        report=report,
        threshold=model.threshold,
        exceeds=model.compare == "exceeds",
        now=now,
        start=runs.first_moment(tx) or now,
        costs=costs,
        fields=tuple(model.person_fields()),
        published=plans.approved_at(tx, "model"),
    )


def _measured(
    measures: Measures, ask: Ask, report: Report, names: dict[str, str]
) -> dict[str, Any]:
    funnel = measures.stages.result(ask)
    leakage = measures.leakage.result(ask)
    everybody, owners = measures.handoffs.result(ask)
    hidden = report.owners == "off"
    months = sorted((_segment(s) for s in measures.months.result(ask)), key=lambda row: row["name"])
    return {
        "headline": _headline(measures, ask),
        "stages": [_stage(stage, report) for stage in funnel.stages],
        "whole": _timed(funnel.whole),
        "found": funnel.found,
        "disordered": funnel.disordered,
        "standing": funnel.standing,
        "reasons": _reasons(leakage),
        "leakage": _leakage(leakage, funnel),
        "bands": [band._asdict() | {"name": band.name} for band in measures.bands.result(ask)],
        "by_source": [_segment(s) for s in measures.sources.result(ask)],
        "by_owner": [] if hidden else [_segment(s, names) for s in measures.owners.result(ask)],
        "by_band": [_segment(s) for s in measures.by_band.result(ask)],
        "by_month": months,
        "handoffs": _handoffs(everybody, names)
        | {"owners": [] if hidden else [_handoffs(one, names) for one in owners]},
    }


def _owner_names(tx: Connection, connection: str, shown: str) -> dict[str, str]:
    """How owners are called on the page: by name, or by the CRM's code."""
    if shown != "names":
        return {}
    rows = people.records_of_kind(tx, connection, "owner")
    return {row.key.replace(f"/{row.object}/", "/", 1): str(row.doc["name"]) for row in rows
            if row.doc.get("name")}  # fmt: skip


def _headline(measures: Measures, ask: Ask) -> dict[str, Any]:
    found = measures.headline.result(ask)
    return found._asdict() | {
        "value": money(found.value),
        "value_per_sale": money(found.value_per_sale),
        "again_value": money(found.again_value),
    }


def _stage(stage: Stage, report: Report) -> dict[str, Any]:
    goal = next((g for name, g in report.goals.items() if name == stage.name), None)
    return {
        "stage": stage.name,
        "cycles": stage.cycles,
        "of_previous": stage.share,
        "goal": goal.share if goal else None,
        "goal_owner": goal.owner if goal else None,
        **_timed(stage),
    }


def _timed(stage: Stage) -> dict[str, Any]:
    return {
        "timed": stage.timed,
        "median_days": days(stage.median),
        "p90_days": days(stage.p90),
    }


def _reasons(leakage: Leakage) -> list[dict[str, Any]]:
    """Why sales refused or lost, whatever the stage, most first."""
    counts: dict[tuple[str, str], int] = {}
    for leak in leakage.leaks:
        if leak.how in _REFUSED:
            counts[leak.how, leak.reason] = counts.get((leak.how, leak.reason), 0) + leak.cycles
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return [{"state": how, "reason": reason, "cycles": n} for (how, reason), n in ranked]


def _leakage(leakage: Leakage, funnel: Funnel) -> dict[str, Any]:
    cents = sum(leak.cents for leak in leakage.leaks)
    recovery = [leak.recovery_cents for leak in leakage.leaks if leak.recovery_cents is not None]
    return {
        "cycles": sum(leak.cycles for leak in leakage.leaks),
        "value": money(cents),
        "recovery": money(sum(recovery)) if recovery else None,
        "unvalued": sum(leak.unvalued for leak in leakage.leaks),
        "came_back": leakage.came_back,
        "mean_won": money(leakage.mean_cents),
        "estimate": leakage.estimate,
        "by_stage": _by_stage(leakage, funnel),
        "rows": [_leak(leak, cents) for leak in leakage.leaks],
    }


def _by_stage(leakage: Leakage, funnel: Funnel) -> list[dict[str, Any]]:
    rows = []
    for stage in funnel.stages[1:-1]:
        mine = [leak for leak in leakage.leaks if leak.stage == stage.name]
        rows.append(
            {
                "stage": stage.name,
                "cycles": sum(leak.cycles for leak in mine),
                "value": money(sum(leak.cents for leak in mine)),
            }
        )
    return rows


def _leak(leak: Leak, whole: int) -> dict[str, Any]:
    return {
        "stage": leak.stage,
        "how": leak.how,
        "reason": leak.reason,
        "cycles": leak.cycles,
        "value": money(leak.cents),
        "share": leak.cents / whole if whole else None,
        "by_deal": leak.by_deal,
        "by_deal_value": money(leak.by_deal_cents),
        "by_segment": leak.by_segment,
        "by_segment_value": money(leak.by_segment_cents),
        "by_estimate": leak.by_estimate,
        "by_estimate_value": money(leak.by_estimate_cents),
        "unvalued": leak.unvalued,
        "recovery": money(leak.recovery_cents),
    }


def _segment(segment: Segment, names: dict[str, str] | None = None) -> dict[str, Any]:
    found = segment._asdict()
    found["days_to_sale"] = days(segment.days_to_sale)
    found["value"] = money(segment.value)
    found["value_per_sale"] = money(segment.value_per_sale)
    if names is not None:
        found |= {"owner": segment.name, "name": names.get(segment.name, segment.name)}
    return found


def _handoffs(one: OwnerHandoffs, names: dict[str, str]) -> dict[str, Any]:
    return {
        "owner": one.owner,
        "name": names.get(one.owner, one.owner) if one.owner else None,
        "cycles": one.cycles,
        "touched": _timeliness(one.touched),
        "touched_open": {"median": hours(one.open_median), "p90": hours(one.open_p90)},
        "decided": _timeliness(one.decided),
    }


def _timeliness(found: Timeliness) -> dict[str, Any]:
    return found._asdict() | {"median": hours(found.median), "p90": hours(found.p90)}


def _health(tx: Connection, found: Counted) -> dict[str, Any]:
    inside, outside = quality.people_counts(tx)
    worth, known = found.worth, found.known
    aside, refused = quality.kept_aside(tx), quality.refused_writes(tx)
    return {
        "people": inside,
        "known_share": share(sum(known.values()), inside * len(known)),
        "rows_aside": sum(row["rows"] for row in aside),
        "writes_refused": sum(row["writes"] for row in refused),
        "excluded": outside,
        "fields": [
            {"field": name, "known": n, "share": n / inside if inside else None}
            for name, n in known.items()
        ],
        **_activities(found.activities, quality.nobodys_activities(tx)),
        "deals": worth.deals,
        "deals_without_amount": worth.without_amount,
        "deals_in_other_currency": worth.other_currency,
        "kept_aside": aside,
        "refused_writes": refused,
    }


def _activities(placed: quality.Activities, unplaced: quality.Activities) -> dict[str, int]:
    """All activities, those of machines, those seen twice, and those of nobody we know."""
    return {
        "activities": placed.all + unplaced.all,
        "machine": placed.machine + unplaced.machine,
        "seen_twice": placed.seen_twice + unplaced.seen_twice,
        "unplaced": unplaced.all,
    }
