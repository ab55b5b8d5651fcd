"""Campaigns as figures: cost, leads, and what they brought under each way to give credit."""

from __future__ import annotations

from typing import Any

from connector.config.costs import Costs, load_costs
from connector.config.load import Loaded
from connector.config.settings import Report
from connector.domain.moment import Micros
from connector.funnel.history import STAGES
from connector.funnel.returns import (
    NO_CAMPAIGN,
    WAYS,
    Credit,
    Return,
    ReturnMeasure,
    Returns,
    effort_cents,
)
from connector.funnel.statistics import share, wilson
from connector.report.amounts import money


def costs_of(loaded: Loaded, now: Micros, warnings: list[str]) -> Costs:
    """Read the costs that the settings name; rows kept aside are told in `warnings`."""
    report = loaded.settings.report
    if report.costs is None:
        return Costs({})
    costs = load_costs(loaded.path(report.costs), report.currency, now)
    warnings.extend(f"{row}; the row is not counted" for row in costs.aside)
    return costs


def return_measure(report: Report, costs: Costs) -> ReturnMeasure:
    """Give the measure as the settings want it."""
    margin = 1.0 if report.margin is None else report.margin
    return ReturnMeasure(costs.cents, effort_of(report), margin)


def effort_of(report: Report) -> dict[str, int]:
    """Give what the sales time of each stage costs, in cents, as the settings assume it."""
    time = report.sales_time
    if time is None:
        return {}
    return effort_cents(time.hour * 100, {str(k): v for k, v in time.hours.items()})


def campaign_figures(found: Returns, costs: Costs, report: Report) -> dict[str, Any]:
    """Give the figures; `profit_of` says whether profit is of revenue or of an assumed margin."""
    known = report.costs is not None
    return {
        "costs_known": known,
        "sales_time_known": report.sales_time is not None,
        "margin": report.margin,
        "profit_of": "revenue" if report.margin is None else "assumed margin",
        "cost": money(found.cost) if known else None,
        "sales_time": money(found.sales_time) if report.sales_time else None,
        "cost_rows": costs.rows,
        "cost_rows_later": costs.later,
        "cost_rows_aside": list(costs.aside),
        "one_and_done": found.one_and_done,
        "per_stage": [
            {"stage": stage, "cost": money(cents)}
            for stage, cents in zip(STAGES, found.per_stage, strict=True)
        ],
        "rows": [_row(one) for one in found.campaigns],
    }


def _row(one: Return) -> dict[str, Any]:
    reached = dict(zip(STAGES, one.reached, strict=True))
    handed, qualified = reached["handed_off"], reached["qualified"]
    return {
        "campaign": one.campaign,
        "unknown": one.campaign == NO_CAMPAIGN,
        "cost": money(one.cost),
        **reached,
        "rejected": one.rejected,
        "touched": one.touched,
        "followed": one.followed,
        "acceptance": share(reached["accepted"], handed),
        "acceptance_interval": wilson(reached["accepted"], handed),
        "rejected_share": share(one.rejected, handed),
        "cost_per_qualified": money(
            round(one.cost / qualified) if one.cost is not None and qualified else None
        ),
        **{way: _credit(getattr(one, way)) for way in WAYS},
    }


def _credit(credit: Credit) -> dict[str, Any]:
    return credit._asdict() | {
        "value": money(credit.value),
        "sales_time": money(credit.sales_time),
        "profit": money(credit.profit),
    }
