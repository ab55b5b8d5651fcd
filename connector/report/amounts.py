"""Cents and microseconds as figures show them: units of money, days and hours."""

from __future__ import annotations

from connector.domain.moment import DAY, Micros

_HOUR = DAY // 24


def days(span: Micros | None) -> float | None:
    """A time in days, to a hundredth."""
    return None if span is None else round(span / DAY, 2)


def hours(span: Micros | None) -> float | None:
    """A time in hours, to a hundredth."""
    return None if span is None else round(span / _HOUR, 2)


def money(cents: int | None) -> float | None:
    """An amount in units of the currency."""
    return None if cents is None else cents / 100
