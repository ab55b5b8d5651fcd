"""The case for mending leaks: what each costs a year, what a remedy may bring, and when it pays.

Everything here that is not counted is somebody's assumption, given in; nothing is made up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

YEAR = 365
LEAST_DAYS = 90
"""A shorter past is not stretched to a year."""


class Loss(NamedTuple):
    """What left for one reason: leads, and cents at stake, of which `real` by their own deals."""

    driver: str
    cycles: int
    cents: int
    real: int
    segment: str | None


class Remedy(NamedTuple):
    """What somebody thinks would help. Cents; `recovers` are the low, likely and high share."""

    driver: str
    words: str
    once: int
    monthly: int
    recovers: tuple[float, float, float]


class Line(NamedTuple):
    """A loss with its remedy, over a year (or the shorter past). Ranges are low, likely, high.

    `payback` is in months, None where the running cost eats what comes in; `net` is margin less
    all cost of the first year.
    """

    loss: Loss
    yearly: int
    remedy: Remedy | None
    revenue: tuple[int, int, int] | None
    margin: tuple[int, int, int] | None
    cost: int | None
    net: tuple[int, int, int] | None
    payback: tuple[float | None, float | None, float | None] | None


def case(
    losses: Sequence[Loss], remedies: Sequence[Remedy], *, days: int, margin: float, top: int
) -> tuple[Line, ...]:
    """Give the dearest losses with their remedies, dearest first.

    Args:
        days: How long the past is in which the losses were counted.
        margin: The share of revenue that is margin.
    """
    known = {remedy.driver: remedy for remedy in remedies}
    ordered = sorted(losses, key=lambda loss: (-loss.cents, -loss.cycles, loss.driver))
    return tuple(_line(loss, known.get(loss.driver), days, margin) for loss in ordered[:top])


def _line(loss: Loss, remedy: Remedy | None, days: int, margin: float) -> Line:
    span = max(days, 1) if days < LEAST_DAYS else YEAR
    yearly = round(loss.cents * span / max(days, 1))
    if remedy is None:
        return Line(loss, yearly, None, None, None, None, None, None)
    low, likely, high = remedy.recovers
    revenue = (round(yearly * low), round(yearly * likely), round(yearly * high))
    earned = (
        round(revenue[0] * margin),
        round(revenue[1] * margin),
        round(revenue[2] * margin),
    )
    months = span * 12 / YEAR
    cost = remedy.once + round(remedy.monthly * months)
    net = (earned[0] - cost, earned[1] - cost, earned[2] - cost)
    back = [_payback(remedy, cents / months) for cents in earned]
    payback = (back[0], back[1], back[2])
    return Line(loss, yearly, remedy, revenue, earned, cost, net, payback)


def _payback(remedy: Remedy, monthly: float) -> float | None:
    left = monthly - remedy.monthly
    return round(remedy.once / left, 1) if left > 0 else None
