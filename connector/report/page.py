"""The report as one HTML file: no script, nothing fetched, every text escaped."""

from __future__ import annotations

import re
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from connector.report import svg, words

TOP = 10
"""Rows a table shows before the rest is folded away."""


_INDENT = re.compile(r"\n\s+")


def report_page(data: dict[str, Any]) -> str:
    """Give the page of a report's figures; it shows no number that they do not hold."""
    page = _environment().get_template("report.html").render(top=TOP, **data)
    return _INDENT.sub("\n", page)


def page(template: str, data: dict[str, Any]) -> str:
    """Give another page of the house: one template, and the values it shows."""
    return _environment().get_template(template).render(top=TOP, **data)


def enough(rows: list[dict[str, Any]], most: int = 5) -> list[dict[str, Any]]:
    """Give the largest kinds of the newest quarter in which any is ranked, those with a rank."""
    newest = max((row["quarter"] for row in rows if row["rank"] is not None), default=None)
    mine = [row for row in rows if row["quarter"] == newest and row["rank"] is not None]
    return mine[:most]


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("connector.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in ("bar", "stack", "interval", "columns"):
        environment.globals[name] = getattr(svg, name)
    environment.globals["picture_of_flow"] = svg.flow
    for name in (
        "plain",
        "coded",
        "month",
        "whole",
        "score",
        "percent",
        "money",
        "short_money",
        "days",
        "hours",
        "tenth",
    ):
        environment.filters[name] = getattr(words, name)
    environment.filters["enough"] = enough
    environment.filters["zipped"] = lambda one, other: list(zip(one, other, strict=True))
    environment.globals["stage_names"] = words.STAGE_NAMES
    environment.globals["how_names"] = words.HOW_NAMES
    environment.globals["alarm_names"] = words.ALARM_NAMES
    return environment
