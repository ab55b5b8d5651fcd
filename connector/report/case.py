"""The case for whoever decides on money: the report's leaks, and what people assume of remedies."""

from __future__ import annotations

from collections.abc import Set
from datetime import datetime
from typing import Any

from connector.config.assumptions import Assumptions
from connector.config.assumptions import Remedy as Assumed
from connector.config.settings import Report
from connector.documents.reader import parse
from connector.documents.shipped import shipped as read_shipped
from connector.funnel.case import LEAST_DAYS, Line, Loss, Remedy, case
from connector.report.amounts import money

TOP = 7
STALLED = "stalled"
DEFAULT = "default of Leadloop, not yours: write your own into assumptions.yaml"


def case_figures(data: dict[str, Any], report: Report, given: Assumptions | None) -> dict[str, Any]:
    """Give the case of a report's figures.

    A leak nobody wrote a remedy for gets the one we ship, marked as a default wherever it shows.
    """
    days = _days(data)
    margin = given.margin if given and given.margin is not None else report.margin
    own = list(given.remedies) if given else []
    losses = _losses(data)
    known = {loss.driver for loss in losses}
    written = {one.driver for one in own}
    shipped = [one for one in _shipped() if one.driver in known - written]
    remedies = [_remedy(one) for one in (*own, *shipped)]
    lines = case(losses, remedies, days=days, margin=1.0 if margin is None else margin, top=TOP)
    defaults = {one.driver for one in shipped} & {line.loss.driver for line in lines}
    return {
        "as_of": data["as_of"],
        "currency": data["currency"],
        "days": days,
        "stretched": days >= LEAST_DAYS,
        "margin": margin,
        "lines": [_line(line, defaults) for line in lines],
        "defaults": len(defaults),
        "total": _total(lines),
        "without_remedy": sum(line.remedy is None for line in lines),
        "unused": [one.driver for one in own if one.driver not in known],
        "assumptions": [
            *_assumptions(report, given, margin, days, data),
            *(_assumed(one, report, DEFAULT) for one in shipped if one.driver in defaults),
        ],
    }


def _shipped() -> list[Assumed]:
    """The remedies of mappings/assumptions.yaml."""
    return parse(read_shipped("assumptions.yaml"), Assumptions, name="assumptions.yaml").remedies


def _days(data: dict[str, Any]) -> int:
    """Days from the first month in which anything is known to the moment of the report."""
    if not data["periods"]:
        return 0
    began = datetime.fromisoformat(f"{data['periods'][0]['month']}-01T00:00:00+00:00")
    return max((datetime.fromisoformat(data["as_of"]) - began).days, 1)


def _losses(data: dict[str, Any]) -> list[Loss]:
    """Leaks by driver, whatever the stage, and open leads gone silent as one more."""
    sums: dict[str, list[int]] = {}
    segments: dict[str, dict[str, int]] = {}
    for row in data["leakage"]["rows"]:
        mine = sums.setdefault(row["reason"], [0, 0, 0])
        for at, value in enumerate(
            (row["cycles"], _cents(row["value"]), _cents(row["by_deal_value"]))
        ):
            mine[at] += value
    for row in data["leaks_by_segment"]:
        parts = segments.setdefault(row["reason"], {})
        parts[row["segment"]] = parts.get(row["segment"], 0) + _cents(row["value"])
    found = [
        Loss(driver, mine[0], mine[1], mine[2], _dearest(segments[driver]))
        for driver, mine in sums.items()
    ]
    silent = data["stalled"]
    if silent["stalled"]:
        real, guess = _cents(silent["value"]), _cents(silent["estimate"])
        found.append(Loss(STALLED, silent["stalled"], real + guess, real, None))
    return found


def _dearest(parts: dict[str, int]) -> str | None:
    return min(parts, key=lambda name: (-parts[name], name), default=None)


def _cents(amount: float | None) -> int:
    return round((amount or 0) * 100)


def _remedy(one: Any) -> Remedy:
    shares = one.recovers
    return Remedy(
        one.driver,
        one.remedy,
        _cents(one.once),
        _cents(one.monthly),
        (shares.low, shares.likely, shares.high),
    )


def _line(line: Line, defaults: Set[str]) -> dict[str, Any]:
    loss = line.loss
    return {
        "driver": loss.driver,
        "segment": loss.segment,
        "leads": loss.cycles,
        "at_stake": money(loss.cents),
        "real": money(loss.real),
        "yearly": money(line.yearly),
        "remedy": line.remedy.words if line.remedy else None,
        "default": loss.driver in defaults,
        "revenue": _range(line.revenue),
        "margin": _range(line.margin),
        "cost": money(line.cost),
        "net": _range(line.net),
        "payback_months": line.payback,
    }


def _total(lines: tuple[Line, ...]) -> dict[str, Any]:
    """All remedies together: ranges add up, which overstates them where they hang together."""
    named = [line for line in lines if line.remedy is not None]

    def added(name: str) -> list[float | None]:
        ranges = [getattr(line, name) for line in named]
        return [money(sum(one[at] for one in ranges)) for at in range(3)]

    cost = money(sum(line.cost or 0 for line in named))
    return {"revenue": added("revenue"), "margin": added("margin"), "net": added("net"),
            "cost": cost}  # fmt: skip


def _range(cents: tuple[int, int, int] | None) -> list[float | None] | None:
    return None if cents is None else [money(one) for one in cents]


def _assumptions(
    report: Report, given: Assumptions | None, margin: float | None, days: int, data: dict[str, Any]
) -> list[dict[str, str]]:
    """Every assumption the page rests on, as rows of what, value and whence."""
    rows = [
        (
            "Margin on revenue",
            "none: revenue is shown as margin" if margin is None else f"{margin:.0%}",
            "assumptions.yaml or report.margin",
        ),
        (
            "Length of the past",
            f"{days} days, {'' if days >= LEAST_DAYS else 'too short to be '}stretched to a year",
            "counted",
        ),
        _worth(data["leakage"], report),
    ]
    found = [{"what": what, "value": value, "source": source} for what, value, source in rows]
    own = given.remedies if given else []
    return found + [_assumed(one, report, one.source or "assumptions.yaml") for one in own]


def _assumed(one: Assumed, report: Report, source: str) -> dict[str, str]:
    shares = one.recovers
    won = f"wins back {shares.low:.0%} to {shares.high:.0%}, likely {shares.likely:.0%}"
    cost = f"{one.once:,.0f} {report.currency} once, {one.monthly:,.0f} a month"
    what = f"{one.driver.replace('_', ' ')}: {one.remedy}"
    return {"what": what, "value": f"{won}; {cost}", "source": source}


def _worth(leakage: dict[str, Any], report: Report) -> tuple[str, str, str]:
    """What a lead without a deal of its own is taken to be worth."""
    what = "Worth of a lead without a deal"
    if leakage["estimate"] == "assumed":
        value = f"{report.value_per_sale or 0:,.0f} {report.currency} a sale"
        return what, value, "report.value_per_sale"
    if leakage["estimate"] is None:
        return what, "none: no deal was won to learn from", "counted"
    usual = f"{leakage['mean_won']:,.0f} {report.currency}, the mean of won deals"
    return what, f"{usual} (of its source, from five on)", "counted"
