"""How one remote value becomes one of ours; each converter is built once and called per row."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any, TypeAlias
from unicodedata import normalize
from zoneinfo import ZoneInfo

from connector.domain.moment import SECOND, Micros, to_micros
from connector.domain.record import Scalar

MAX_TEXT = 1_000_000
Convert: TypeAlias = Callable[[Any], Scalar]

_TRUE = frozenset({"true", "yes", "1", "t", "y"})
_FALSE = frozenset({"false", "no", "0", "f", "n"})
_EPOCH = {"epoch_s": SECOND, "epoch_ms": 1000, "epoch_us": 1}


class ValueRefused(ValueError):  # noqa: N818  it never leaves this room
    """A value that cannot be read; the message says what would have been right."""


def text(value: Any) -> str | None:
    """Text as people wrote it, NFC and stripped; blank is None."""
    if not isinstance(value, str):
        return _text_of(value)
    if len(value) > MAX_TEXT:
        raise ValueRefused(f"is longer than {MAX_TEXT:,} characters")
    if not value.isascii():
        value = _composed(value)
    if "\x00" in value:
        raise ValueRefused("holds a NUL byte")
    return value.strip() or None


def _text_of(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value) if value == value else None  # noqa: PLR0124  NaN
    raise ValueRefused("should be text")


def _composed(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueRefused("holds half a character (a lone surrogate)") from None
    return normalize("NFC", value)


def whole(value: Any) -> int | None:
    """A whole number."""
    number = decimal(value)
    if number is None:
        return None
    if number != int(number):
        raise ValueRefused("should be a whole number")
    return int(number)


def decimal(value: Any) -> float | None:
    """A finite number; NaN and infinities are None."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        raise ValueRefused("should be a number")
    if isinstance(value, str):
        try:
            value = float(value) if "_" not in value else float("refuse")
        except ValueError:
            if not value.strip():
                return None
            raise ValueRefused("should be a number such as 1250 or 12.5") from None
    if not isinstance(value, int | float):
        raise ValueRefused("should be a number")
    return float(value) if math.isfinite(value) else None


def boolean(value: Any) -> bool | None:
    """A truth value, from the words CSV files use too."""
    if value is True or value is False:
        return bool(value)
    if value is None or value == "":
        return None
    word = str(value).strip().casefold()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    if not word:
        return None
    raise ValueRefused("should be true or false")


def listed(value: Any) -> str | None:
    """Several values as one text, separated by semicolons."""
    if isinstance(value, list | tuple):
        return ";".join(filter(None, (text(item) for item in value))) or None
    return text(value)


def path(value: Any) -> str | None:
    """The page of a web address, without host, query and fragment: `/pricing`."""
    address = text(value)
    if address is None:
        return None
    _, scheme, rest = address.partition("://")
    if scheme:
        _, slash, rest = rest.partition("/")
        address = f"/{rest}" if slash else "/"
    return address.partition("?")[0].partition("#")[0] or "/"


def moment(form: str | None, zone: str | None) -> Callable[[Any], Micros | None]:
    """Make a converter for moments: as `form` and `zone` say, else ISO 8601 with zone.

    Without a form a number of 13 digits is milliseconds since 1970, which HubSpot answers with now
    and then where it promises ISO; shorter ones might as well be seconds, and are refused.
    """
    tz = ZoneInfo(zone) if zone else None
    if form in _EPOCH:
        factor = _EPOCH[form]
        return lambda value: _epoch(value, factor)

    def convert(value: Any) -> Micros | None:
        if value is None or value == "":
            return None
        if form is None and value.__class__ is str:  # as nearly all are, read in one step
            try:
                return to_micros(datetime.fromisoformat(value))
            except ValueError:
                pass  # blank, of another form or without a zone
        try:
            found = _datetime(value, form)
        except ValueRefused:
            if _is_blank(value):
                return None
            if form is None and (milliseconds := _milliseconds(value)) is not None:
                return milliseconds * 1000
            raise
        return to_micros(_zoned(found, tz))

    return convert


def day(form: str | None) -> Callable[[Any], str | None]:
    """Make a converter for calendar days, kept as `2026-11-24`."""

    def convert(value: Any) -> str | None:
        if value is None or value == "":
            return None
        if isinstance(value, date) and not isinstance(value, datetime):
            return value.isoformat()
        return None if _is_blank(value) else _datetime(value, form).date().isoformat()

    return convert


def table(values: Mapping[str, Scalar], default: Scalar, *, closed: bool) -> Convert:
    """Make a converter by a table; with `closed`, what it does not list becomes `default`."""
    known = {key.strip(): value for key, value in values.items()}

    def convert(value: Any) -> Scalar:
        if value is None:
            return None
        if value.__class__ is str and value in known:  # as nearly all are: nothing to strip
            return known[value]
        key = ("true" if value else "false") if isinstance(value, bool) else str(value).strip()
        if key in known:
            return known[key]
        return default if closed else text(value)

    return convert


def _is_blank(value: Any) -> bool:
    return isinstance(value, str) and not value.strip()


def _milliseconds(value: Any) -> int | None:
    digits = value.strip() if isinstance(value, str) else str(value)
    plain = isinstance(value, int | str) and digits.isascii() and digits.isdigit()
    return int(digits) if plain and len(digits) == 13 else None


def _epoch(value: Any, factor: int) -> Micros | None:
    number = whole(value)
    return None if number is None else number * factor


def _datetime(value: Any, form: str | None) -> datetime:
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        raise ValueRefused("should be a time such as 2026-11-24T09:30:00Z")
    try:
        return (
            datetime.strptime(value.strip(), form)  # noqa: DTZ007  _zoned refuses one without zone
            if form
            else datetime.fromisoformat(value.strip())
        )
    except ValueError:
        right = form or "2026-11-24T09:30:00Z"
        raise ValueRefused(f"should be a time such as {right}") from None


def _zoned(value: datetime, zone: ZoneInfo | None) -> datetime:
    if value.tzinfo is not None:
        return value
    if zone is None:
        raise ValueRefused("is a time without zone; add `zone:` to the mapping")
    return value.replace(tzinfo=zone).astimezone(UTC)
