"""How well an order of people finds those who buy: ROC and precision-recall areas, and lift.

Ties are neither for nor against an order: they count as if broken by chance.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from connector.funnel.statistics import Z95


class Auc(NamedTuple):
    """The chance that who bought stands above who did not, with its 95% interval."""

    value: float
    low: float
    high: float


class Lift(NamedTuple):
    """Of the first `top` people `wins` bought (expected, when ties cross the line).

    `lift` is their rate over everybody's; None where nobody bought.
    """

    share: float
    top: int
    wins: float
    rate: float
    lift: float | None


class _Placed(NamedTuple):
    """AUC with DeLong's structural components, of who bought and of who did not."""

    value: float
    bought: list[float]
    others: list[float]


def auc(marks: Sequence[float], won: Sequence[bool]) -> Auc | None:
    """Give the AUC of marks (higher is better); None unless some bought and some did not.

    Source: DeLong, DeLong, Clarke-Pearson (1988), Biometrics 44, 837-845; by midranks as in Sun and
    Xu (2014), IEEE Signal Processing Letters 21, 1389-1393.
    """
    placed = _placed(marks, won)
    if placed is None:
        return None
    half = Z95 * math.sqrt(_variance(placed.bought) + _variance(placed.others))
    return Auc(placed.value, max(0.0, placed.value - half), min(1.0, placed.value + half))


def auc_difference(
    marks: Sequence[float], others: Sequence[float], won: Sequence[bool]
) -> Auc | None:
    """Give by how much one order beats another over the same people, with its 95% interval."""
    one, two = _placed(marks, won), _placed(others, won)
    if one is None or two is None:
        return None
    spread = _variance([a - b for a, b in zip(one.bought, two.bought, strict=True)])
    spread += _variance([a - b for a, b in zip(one.others, two.others, strict=True)])
    value, half = one.value - two.value, Z95 * math.sqrt(spread)
    return Auc(value, value - half, value + half)


_ALL = 1e-9
"""Nearer to 1 than any order of people comes, but for the rounding of sums."""


def average_precision(marks: Sequence[float], won: Sequence[bool]) -> Auc | None:
    """Give the area under precision and recall; None unless some bought.

    Who ties enters together. Source of the interval: Boyd, Eng, Page (2013), "Area under the
    precision-recall curve", ECML PKDD 2013, the logit interval.
    """
    good = sum(won)
    if not good:
        return None
    found = taken = 0
    value = 0.0
    ordered = sorted(zip(marks, won, strict=True), key=lambda pair: -pair[0])
    for _, tied in groupby(ordered, key=lambda pair: pair[0]):
        outcomes = [bought for _, bought in tied]
        taken += len(outcomes)
        found += sum(outcomes)
        value += sum(outcomes) / good * found / taken
    if value > 1 - _ALL:
        return Auc(1.0, 1.0, 1.0)
    middle, half = math.log(value / (1 - value)), Z95 / math.sqrt(good * value * (1 - value))
    low, high = (1 / (1 + math.exp(-end)) for end in (middle - half, middle + half))
    return Auc(value, low, high)


def lift(marks: Sequence[float], won: Sequence[bool], share: float) -> Lift:
    """Give what the best `share` (0 to 1, at least one person) of an order holds."""
    n = len(marks)
    top = min(max(math.ceil(share * n - 1e-9), 1), n)
    ordered = sorted(marks, reverse=True)
    edge = ordered[top - 1]
    above = sum(mark > edge for mark in marks)
    tied = sum(mark == edge for mark in marks)
    sure = sum(w for mark, w in zip(marks, won, strict=True) if mark > edge)
    maybe = sum(w for mark, w in zip(marks, won, strict=True) if mark == edge)
    wins = sure + maybe * (top - above) / tied
    rate, everybody = wins / top, sum(won) / n
    return Lift(share, top, wins, rate, rate / everybody if everybody else None)


def _placed(marks: Sequence[float], won: Sequence[bool]) -> _Placed | None:
    good = [mark for mark, w in zip(marks, won, strict=True) if w]
    bad = [mark for mark, w in zip(marks, won, strict=True) if not w]
    if not good or not bad:
        return None
    ranks = _midranks([*good, *bad])
    own_good, own_bad = _midranks(good), _midranks(bad)
    n, m = len(good), len(bad)
    bought = [(a - b) / m for a, b in zip(ranks[:n], own_good, strict=True)]
    others = [1 - (a - b) / n for a, b in zip(ranks[n:], own_bad, strict=True)]
    return _Placed(math.fsum(bought) / n, bought, others)


def _midranks(marks: Sequence[float]) -> list[float]:
    """Ranks from 1, lowest first; ties share the mean of theirs."""
    order = sorted(range(len(marks)), key=marks.__getitem__)
    ranks = [0.0] * len(marks)
    start = 0
    while start < len(order):
        end = start
        while end < len(order) and marks[order[end]] == marks[order[start]]:
            end += 1
        for place in order[start:end]:
            ranks[place] = (start + 1 + end) / 2
        start = end
    return ranks


def _variance(values: Sequence[float]) -> float:
    """The variance of the mean of the values; 0 for a single one."""
    n = len(values)
    if n < 2:
        return 0.0
    middle = math.fsum(values) / n
    return math.fsum((value - middle) ** 2 for value in values) / (n - 1) / n
