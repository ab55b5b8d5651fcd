"""Moments in the two ways HubSpot spells them, ISO and milliseconds since 1970."""

from __future__ import annotations

from functools import lru_cache

from connector.domain.moment import Micros, parse_iso, to_datetime


@lru_cache(maxsize=200_000)
def epoch_ms(text: str) -> int:
    """Milliseconds of a moment in either spelling; a date alone is its midnight in UTC. Raises
    ValueError."""
    if text.lstrip("-").isdigit():
        return int(text)
    return parse_iso(text if len(text) > 10 else f"{text}T00:00:00Z") // 1000


@lru_cache(maxsize=200_000)
def iso(moment: Micros) -> str:
    """A moment as HubSpot spells it: milliseconds, none where they are zero."""
    at = to_datetime(moment // 1000 * 1000)
    spec = "milliseconds" if at.microsecond else "seconds"
    return at.isoformat(timespec=spec).replace("+00:00", "Z")
