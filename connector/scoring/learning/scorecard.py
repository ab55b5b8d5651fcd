"""Whole points from outcomes: bins, weight of evidence, regularised logistic regression.

Siddiqi, Credit Risk Scorecards (2006), is the source of the method. Points of all fields add up
to at most 100, none is below 0, so that a score reads as a share of what could be had.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold

from connector.scoring.learning.bins import (
    Bin,
    Binned,
    Column,
    Direction,
    bin_column,
    evidence,
    place,
)

FOLDS = 5
FULL = 100
_LEAST_ROWS = 20
_LEAST_SHARE = 0.005
Table = Mapping[str, Column]
Outcomes = NDArray[np.int64]


class Field(NamedTuple):
    """A field of a scorecard: its bins, and the points each gives."""

    binned: Binned
    points: tuple[int, ...]


class Scorecard(NamedTuple):
    """Whole points for each bin of each field; `slope` and `offset` turn a sum into a chance."""

    fields: tuple[Field, ...]
    slope: float
    offset: float


def learn(
    table: Table, won: Outcomes, *, monotone: Mapping[str, Direction] | None = None
) -> Scorecard:
    """Fit a scorecard. Fields whose effect contradicts their own bins are left out."""
    least = max(_LEAST_ROWS, round(_LEAST_SHARE * len(won)))
    asked = monotone or {}
    binned = [
        bin_column(name, column, won, least=least, monotone=asked.get(name))
        for name, column in table.items()
    ]
    useful = [one for one in binned if len(one.bins) > 1]
    coefficients: NDArray[np.float64] = np.zeros(0)
    while useful:
        woe = np.column_stack([evidence(one, table[one.name]) for one in useful])
        coefficients = LogisticRegression(C=1.0, max_iter=1000).fit(woe, won).coef_[0]
        if (coefficients > 0).all():
            break
        useful = [one for one, weight in zip(useful, coefficients, strict=True) if weight > 0]
    fields = _whole_points(useful, coefficients)
    card = Scorecard(tuple(fields), 0.0, _logit(float(won.mean())))
    sums = points(card, table).astype(np.float64)
    if fields and sums.std() > 0:
        scale = LogisticRegression(C=1e6, max_iter=1000).fit(sums.reshape(-1, 1), won)
        card = card._replace(slope=float(scale.coef_[0][0]), offset=float(scale.intercept_[0]))
    return card


def _whole_points(binned: Sequence[Binned], weights: NDArray[np.float64]) -> list[Field]:
    """Shift each field so that its worst bin gives nothing, and scale all to FULL together."""
    raw = [
        [weight * (woe - min(one.woe)) for woe in one.woe]
        for one, weight in zip(binned, weights, strict=True)
    ]
    best = sum(max(values) for values in raw)
    if best == 0:
        return []
    for full in range(FULL, 0, -1):  # rounding up may pass FULL by a point or two
        scaled = [[math.floor(v * full / best + 0.5) for v in values] for values in raw]
        if sum(max(values) for values in scaled) <= FULL:
            break
    return [
        Field(one, tuple(values))
        for one, values in zip(binned, scaled, strict=True)
        if max(values) > 0
    ]


def points(card: Scorecard, table: Table) -> NDArray[np.int64]:
    """Add up each row's points, 0 to 100."""
    rows = len(next(iter(table.values()), ()))
    total = np.zeros(rows, dtype=np.int64)
    for binned, given in card.fields:
        total += np.array([*given, 0], dtype=np.int64)[place(binned, table[binned.name])]
    return total


def chance(card: Scorecard, sums: NDArray[np.int64]) -> NDArray[np.float64]:
    """Turn points into the chance to win, 0 to 1."""
    return np.asarray(1.0 / (1.0 + np.exp(-(card.slope * sums + card.offset))), dtype=np.float64)


class Validation(NamedTuple):
    """How the method does on rows it has not seen, over FOLDS folds."""

    auc: float
    spread: float
    folds: tuple[float, ...]
    ece: float
    brier: float


def cross_validate(
    table: Table, won: Outcomes, *, monotone: Mapping[str, Direction] | None = None
) -> Validation:
    """Learn on four fifths and measure on the rest, five times; bins are found inside each fold."""
    rows = np.arange(len(won))
    chances = np.zeros(len(won))
    aucs = []
    for train, test in StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(rows, won):
        card = learn(taken(table, train), won[train], monotone=monotone)
        sums = points(card, taken(table, test))
        aucs.append(float(roc_auc_score(won[test], sums)))
        chances[test] = chance(card, sums)
    return Validation(
        auc=float(np.mean(aucs)),
        spread=float(np.std(aucs)),
        folds=tuple(aucs),
        ece=calibration_error(chances, won),
        brier=float(np.mean((chances - won) ** 2)),
    )


def taken(table: Table, rows: NDArray[np.int64]) -> dict[str, Column]:
    """Give the table with some of its rows."""
    return {name: [column[row] for row in rows] for name, column in table.items()}


def calibration_error(chances: NDArray[np.float64], won: Outcomes, groups: int = 10) -> float:
    """Expected calibration error over ten groups of equal size."""
    order = np.argsort(chances, kind="stable")
    parts = np.array_split(order, groups)
    gaps = [len(p) * abs(chances[p].mean() - won[p].mean()) for p in parts if len(p)]
    return float(sum(gaps) / len(won))


def single_aucs(table: Table, won: Outcomes) -> dict[str, float]:
    """How well each field alone tells the outcomes apart: above 0.9 it likely knows them."""
    least = max(_LEAST_ROWS, round(_LEAST_SHARE * len(won)))
    return {
        name: float(
            roc_auc_score(won, evidence(bin_column(name, column, won, least=least), column))
        )
        for name, column in table.items()
    }


def auc_interval(auc: float, wins: int, losses: int) -> tuple[float, float]:
    """95% interval of an AUC (Hanley and McNeil 1982)."""
    if wins == 0 or losses == 0:
        return 0.0, 1.0
    first, second = auc / (2 - auc), 2 * auc * auc / (1 + auc)
    variance = auc * (1 - auc) + (wins - 1) * (first - auc**2) + (losses - 1) * (second - auc**2)
    half = 1.96 * math.sqrt(max(0.0, variance) / (wins * losses))
    return max(0.0, auc - half), min(1.0, auc + half)


class BinReport(NamedTuple):
    """One rule as learnt: rows, wins, rate with its 95% interval (Wilson), and lift over all."""

    field: str
    bin: Bin
    points: int
    n: int
    won: int
    rate: float
    low: float
    high: float
    lift: float


def report(card: Scorecard, table: Table, won: Outcomes) -> list[BinReport]:
    """Say of every bin how many it holds and how they fared."""
    base = float(won.mean())
    rows = []
    for binned, given in card.fields:
        places = place(binned, table[binned.name])
        for number, (one, score) in enumerate(zip(binned.bins, given, strict=True)):
            here = won[places == number]
            n, wins = len(here), int(here.sum())
            low, high = _wilson(wins, n)
            rate = wins / n if n else 0.0
            rows.append(BinReport(binned.name, one, score, n, wins, rate, low, high, rate / base))
    return rows


def _wilson(wins: int, n: int) -> tuple[float, float]:
    if n == 0:
        return 0.0, 1.0
    z = 1.96
    centre = (wins + z * z / 2) / (n + z * z)
    half = z / (n + z * z) * math.sqrt(wins * (n - wins) / n + z * z / 4)
    return max(0.0, centre - half), min(1.0, centre + half)


def _logit(share: float) -> float:
    share = min(max(share, 1e-9), 1 - 1e-9)
    return math.log(share / (1 - share))
