"""Moments in the two ways HubSpot spells them, ISO and milliseconds since 1970."""

from __future__ import annotations

from connector.domain.moment import Micros, parse_iso


def epoch_ms(text: str) -> int:
    """Milliseconds of a moment in either spelling. Raises ValueError."""
    return int(text) if text.lstrip("-").isdigit() else parse_iso(text) // 1000


def micros(text: str | int) -> Micros:
    """Microseconds of a moment in either spelling. Raises ValueError."""
    return epoch_ms(str(text)) * 1000
