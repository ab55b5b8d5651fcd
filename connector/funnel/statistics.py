"""The few statistics that reports need, exact and without a library."""

from __future__ import annotations

import math
from collections.abc import Sequence

Z95 = 1.959963984540054


def wilson(successes: int, n: int, z: float = Z95) -> tuple[float, float] | None:
    """Give the 95% interval of a share (0 to 1); None for a share of nothing.

    Source: Wilson (1927), "Probable inference", J. Amer. Statist. Assoc. 22, 209-212.
    """
    if n == 0:
        return None
    share = successes / n
    spread = z * z / n
    middle = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * math.sqrt(share * (1 - share) / n + spread / (4 * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def within(values: Sequence[int], percent: int) -> int | None:
    """Give the smallest value that at least `percent` of all values do not exceed (nearest rank).

    50 gives the (lower) median. None when there are no values.
    """
    return _ranked(sorted(values), percent)


def usual(values: Sequence[int]) -> tuple[int | None, int | None]:
    """Give what half and what nine of ten of all values do not exceed, as `within` does."""
    ordered = sorted(values)
    return _ranked(ordered, 50), _ranked(ordered, 90)


def _ranked(ordered: Sequence[int], percent: int) -> int | None:
    if not ordered:
        return None
    rank = -(-len(ordered) * percent // 100)
    return ordered[max(rank, 1) - 1]


def share(part: int, whole: int) -> float | None:
    """Give part / whole; None of nothing."""
    return part / whole if whole else None


def mean(total: int, n: int) -> int | None:
    """Give the mean in whole units, halves up; None of nothing."""
    return (2 * total + n) // (2 * n) if n else None
