"""Moments as Salesforce spells them in JSON: UTC, milliseconds, an offset without colon."""

from __future__ import annotations

from datetime import UTC, datetime

from connector.domain.moment import SECOND, Micros, parse_iso, to_datetime


def moment_text(moment: Micros) -> str:
    """A moment as rows hold it: stamps have whole seconds."""
    text = to_datetime(moment // SECOND * SECOND).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "+0000")


def normal_moment(text: str) -> str:
    """A moment somebody wrote, as rows hold it. Raises ValueError for one without a zone."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("a time without zone")
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "+0000")


def moment_of(text: str) -> Micros:
    """The moment a row holds, as microseconds."""
    return parse_iso(text)
