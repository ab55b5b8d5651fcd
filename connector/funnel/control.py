"""Whether a month's number is beyond what months differ by anyhow."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

LEAST = 6
"""Fewer months before, and nobody knows what is usual."""
MOST = 24
_SPREAD = 2.66


class Control(NamedTuple):
    """The newest whole month beside the months before it; `beyond` says low or high, else None."""

    name: str
    number: int
    mean: float
    low: float
    high: float
    beyond: str | None


def control(months: Sequence[tuple[str, int]]) -> Control | None:
    """Judge the last of (name, number) by up to 24 before it; None where these are too few.

    Source: Shewhart's chart of individuals: mean ± 2.66 times the mean difference of neighbours
    (Montgomery, Introduction to Statistical Quality Control, 6.4).
    """
    *before, (name, number) = months[-MOST - 1 :] or [("", 0)]
    if len(before) < LEAST:
        return None
    numbers = [n for _, n in before]
    middle = sum(numbers) / len(numbers)
    moves = [abs(b - a) for a, b in pairwise(numbers)]
    spread = _SPREAD * sum(moves) / len(moves)
    low, high = max(0.0, middle - spread), middle + spread
    beyond = "low" if number < low else "high" if number > high else None
    return Control(name, number, middle, low, high, beyond)
