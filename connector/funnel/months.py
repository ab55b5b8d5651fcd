"""The month (UTC) of a moment: asked for again and again, so each day is worked out once."""

from __future__ import annotations

from functools import lru_cache

from connector.domain.moment import DAY, Micros, to_datetime


def month_at(at: Micros) -> str:
    """Give the month, such as 2026-03."""
    return _month(at // DAY)


@lru_cache(maxsize=16_384)
def _month(day: int) -> str:
    return to_datetime(day * DAY).strftime("%Y-%m")
