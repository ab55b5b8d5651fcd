"""How figures read on a page: for people, the same everywhere."""

from __future__ import annotations

from calendar import month_abbr
from typing import Any

from markupsafe import Markup, escape

NOTHING = Markup('<span class="none">–</span>')
STAGE_NAMES = {
    "inquiry": "Inquiry",
    "sales_ready": "Sales-ready (MQL)",
    "handed_off": "Handed off",
    "accepted": "Accepted (SAL)",
    "qualified": "Qualified (SQL)",
    "won": "Won",
}
HOW_NAMES = {
    "lost": "Lost",
    "rejected": "Rejected",
    "recycled": "Recycled",
    "no_decision": "No decision",
    "cooled_off": "Cooled off",
}

ALARM_NAMES = {
    "field_gone": "A field the CRM no longer has",
    "type_gone": "An activity type that no longer comes",
    "value_new": "A value never seen before",
    "value_gone": "A value that no longer comes",
}


def plain(word: Any) -> str:
    """A code as words: no_budget is `no budget`."""
    return str(word).replace("_", " ")


def coded(text: str) -> Markup:
    """A sentence, in which what stands between backticks is to be typed as it is."""
    parts = (
        escape(part) if number % 2 == 0 else Markup("<code>{}</code>").format(part)
        for number, part in enumerate(text.split("`"))
    )
    return Markup("").join(parts)


def month(name: str, before: str | None = None) -> str:
    """A month as the foot of a column: `Feb`, with its year where that is not the one before's."""
    year, number = name.split("-")
    short = month_abbr[int(number)]
    return short if before is not None and before.startswith(year) else f"{short} {year}"


def whole(value: Any) -> Markup:
    """A count: 12,345."""
    return NOTHING if value is None else _data(value, f"{value:,}")


def score(value: Any) -> Markup:
    """A score or threshold: 65, 64.5."""
    return _data(value, f"{value:g}")


def tenth(value: Any) -> Markup:
    """A number to a tenth: 1,234.5."""
    return NOTHING if value is None else _data(value, f"{value:,.1f}")


def percent(value: Any, digits: int = 1) -> Markup:
    """A share: 0.1234 is 12.3%."""
    return NOTHING if value is None else _data(value, f"{100 * value:.{digits}f}%")


def money(value: Any) -> Markup:
    """An amount without cents: 12,345."""
    return NOTHING if value is None else _data(value, f"{value:,.0f}")


def short_money(value: Any) -> Markup:
    """An amount for a headline: 12.3k, 4.56M."""
    if value is None:
        return NOTHING
    for least, letter in ((1e9, "B"), (1e6, "M"), (1e4, "k")):
        if value >= least:
            scaled = value / (1e3 if letter == "k" else least)
            return _data(value, f"{scaled:.3g}{letter}" if scaled < 1000 else f"{scaled:,.0f}k")
    return _data(value, f"{value:,.0f}")


def days(value: Any) -> Markup:
    """A time in days: 3.4 d, 41 d."""
    return NOTHING if value is None else _data(value, f"{value:,.{0 if value >= 10 else 1}f} d")


def hours(value: Any) -> Markup:
    """A time in hours, in days from two on: 3.4 h, 6.1 d."""
    if value is None:
        return NOTHING
    if value >= 48:
        return _data(value, f"{value / 24:,.1f} d")
    return _data(value, f"{value:,.1f} h")


def _data(value: Any, text: str) -> Markup:
    return Markup('<data value="{}">{}</data>').format(escape(value), text)
