"""Moments are whole microseconds since 1970 in UTC; this file is the only one that spells them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TypeAlias

Micros: TypeAlias = int

SECOND: Micros = 1_000_000
MINUTE: Micros = 60 * SECOND
HOUR: Micros = 60 * MINUTE
DAY: Micros = 24 * HOUR

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_micros(moment: datetime) -> Micros:
    """Give the moment as microseconds; raises ValueError for one without a zone."""
    if moment.tzinfo is None:
        raise ValueError("a time without zone")
    since = moment - _EPOCH
    return since.days * DAY + since.seconds * SECOND + since.microseconds


def to_datetime(moment: Micros) -> datetime:
    """Give the moment as a datetime in UTC."""
    return _EPOCH + timedelta(microseconds=moment)


def parse_iso(text: str) -> Micros:
    """Read an ISO 8601 moment that names its zone; raises ValueError for anything else."""
    return to_micros(datetime.fromisoformat(text))


def format_iso(moment: Micros) -> str:
    """Spell the moment as ISO 8601 in UTC, to the second where that loses nothing."""
    whole = moment % SECOND == 0
    text = to_datetime(moment).isoformat(timespec="seconds" if whole else "microseconds")
    return text.replace("+00:00", "Z")
