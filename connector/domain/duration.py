"""Durations as people write them in files: `90d`, `24h`, `15m`, `30s`, `8bh` business hours."""

from __future__ import annotations

import re
from dataclasses import dataclass

from connector.domain.moment import DAY, HOUR, MINUTE, SECOND, Micros

_UNITS = {"s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY, "w": 7 * DAY}
_WALL = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])")
_BUSINESS = re.compile(r"(\d+)\s*(bm|bh|bd)")


@dataclass(frozen=True, slots=True)
class BusinessTime:
    """A span counted in working time: minutes (`30bm`), hours (`8bh`) or whole days (`5bd`)."""

    amount: int
    unit: str


def parse_duration(text: str) -> Micros:
    """Read a wall-clock duration; raises ValueError and says what would have been right."""
    match = _WALL.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"`{text}` is not a duration such as 90d, 24h, 15m or 30s")
    return round(float(match[1]) * _UNITS[match[2]])


def parse_span(text: str) -> Micros | BusinessTime:
    """Read a wall-clock or business duration (`24h`, `30bm`, `8bh`, `5bd`); raises ValueError."""
    match = _BUSINESS.fullmatch(text.strip())
    if match is not None:
        return BusinessTime(int(match[1]), match[2])
    return parse_duration(text)
