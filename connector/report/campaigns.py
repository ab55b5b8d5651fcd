"""Campaigns as figures: cost, leads, and what they brought under each way to give credit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import Connection

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
from connector.store.incoming.campaigns import Campaign, campaigns


class Spent(NamedTuple):
    """What campaigns cost: by the file of costs and, for those it does not name, by the CRM."""

    costs: Costs
    told: Mapping[str, Campaign]
    """What the CRMs tell of campaigns, by the word that activities know them by."""

    @property
    def is_known(self) -> bool:
        """Whether anybody says what campaigns cost."""
        return bool(self.source)

    @property
    def source(self) -> str | None:
        """Who says it: `file`, `crm`, or `file and crm`."""
        by_file = self.costs.rows or self.costs.aside or self.costs.later
        by = ["file"] if by_file else []
        by += ["crm"] if any(self.by_crm(word) for word in self.costs.cents) else []
        return " and ".join(by) or None

    def by_crm(self, word: str) -> bool:
        """Whether a campaign's cost is what the CRM says."""
        return word in self.costs.cents and word not in self.costs.names

    def name(self, word: str) -> str:
        """How a campaign is called by whoever made it, or wrote down its cost."""
        told = self.told.get(word)
        return told.name if told is not None else self.costs.names.get(word, word)


def spent(tx: Connection, loaded: Loaded, now: Micros, warnings: list[str]) -> Spent:
    """Read what campaigns cost; rows of the file kept aside are told in `warnings`."""
    report, told = loaded.settings.report, campaigns(tx)
    costs = Costs({})
    if report.costs is not None:
        costs = load_costs(loaded.path(report.costs), report.currency, now)
        warnings.extend(f"{row}; the row is not counted" for row in costs.aside)
    by_crm = {word: one.cents for word, one in told.items() if one.cents is not None}
    return Spent(costs._replace(cents={**by_crm, **costs.cents}), told)


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


def campaign_figures(found: Returns, paid: Spent, report: Report) -> dict[str, Any]:
    """Give the figures; `profit_of` says whether profit is of revenue or of an assumed margin."""
    costs, known = paid.costs, paid.is_known or report.costs is not None
    return {
        "costs_known": known,
        "costs_from": paid.source,
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
        "rows": [_row(one, paid) for one in found.campaigns],
    }


def _row(one: Return, paid: Spent) -> dict[str, Any]:
    told = paid.told.get(one.campaign)
    reached = dict(zip(STAGES, one.reached, strict=True))
    handed, qualified = reached["handed_off"], reached["qualified"]
    return {
        "campaign": one.campaign,
        "name": paid.name(one.campaign),
        "type": told.type if told else None,
        "begins": told.begins if told else None,
        "ends": told.ends if told else None,
        "cost_from": _whose(one.campaign, paid),
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


def _whose(word: str, paid: Spent) -> str | None:
    if word not in paid.costs.cents:
        return None
    return "crm" if paid.by_crm(word) else "file"


def _credit(credit: Credit) -> dict[str, Any]:
    return credit._asdict() | {
        "value": money(credit.value),
        "sales_time": money(credit.sales_time),
        "profit": money(credit.profit),
    }
