"""Our values as the exact strings HubSpot takes: "55", never 55.0; "true"; "" to clear."""

from __future__ import annotations

import re
from decimal import Decimal

from connector.adapters.hubspot.objects import Definition
from connector.domain.moment import Micros, parse_iso, to_datetime
from connector.domain.record import Scalar

_PLAIN = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d{1,3})?", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
MAX_TEXT = 65_536


class BadValue(ValueError):  # noqa: N818  it never leaves the adapter
    """A value HubSpot would refuse; the message is a code of one word."""


def exact(value: Scalar, there: Definition) -> str:
    """Give a value as the string HubSpot takes for a property. Raises BadValue."""
    if not there.writable:
        raise BadValue("read_only")
    if value is None or value == "":
        return ""
    if there.options is not None:
        return _option(value, there)
    match there.type:
        case "number":
            return _number(value)
        case "bool":
            return _truth(value)
        case "datetime":
            return _moment(value)
        case "date":
            return _day(value)
    text = _text(value)
    if len(text) > MAX_TEXT:
        raise BadValue("too_long")
    return text


def modified_ms(moment: Micros) -> str:
    """Give a moment as the milliseconds a search compares with, rounded up."""
    return str(-(-moment // 1000))


def iso(moment: Micros) -> str:
    """Spell a moment as HubSpot does: milliseconds, and none where they are zero."""
    whole = moment // 1000 % 1000 == 0
    text = to_datetime(moment // 1000 * 1000).isoformat(
        timespec="seconds" if whole else "milliseconds"
    )
    return text.replace("+00:00", "Z")


def _text(value: Scalar) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return _number(value) if isinstance(value, int | float) else str(value)


def _option(value: Scalar, there: Definition) -> str:
    text = _text(value)
    chosen = text.split(";") if there.control == "checkbox" else [text]
    if any(one not in (there.options or ()) for one in chosen):
        raise BadValue("no_such_option")
    return text


def _number(value: Scalar) -> str:
    text = value.strip() if isinstance(value, str) else repr(value)
    if isinstance(value, bool) or not _PLAIN.fullmatch(text):
        raise BadValue("no_number")
    spelled = format(Decimal(text), "f")
    if "." in spelled:
        spelled = spelled.rstrip("0").rstrip(".")
    return "0" if spelled in {"-0", "0", ""} else spelled.removeprefix("+")


def _truth(value: Scalar) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value in {"true", "false"}:
        return str(value)
    raise BadValue("no_truth_value")


def _moment(value: Scalar) -> str:
    try:
        return iso(parse_iso(str(value)))
    except ValueError:
        raise BadValue("no_moment") from None


def _day(value: Scalar) -> str:
    if not _DAY.fullmatch(str(value)):
        raise BadValue("no_day")
    return str(value)
