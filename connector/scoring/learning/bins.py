"""Cuts a column into bins that differ in outcome, each a condition the model language knows."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.tree import DecisionTreeClassifier

Value = str | float | None
Column = Sequence[Value]
Direction = Literal["up", "down"] | None
MOST_BINS = 10
_SMOOTHING = 0.5


class Bin(NamedTuple):
    """One bin. Exactly one of the tests is set: a half-open range, texts, unknown, or the rest."""

    low: float | None = None
    high: float | None = None
    texts: tuple[str, ...] = ()
    missing: bool = False
    rest: bool = False


class Binned(NamedTuple):
    """A column's bins with their weight of evidence: ln of the odds beside the odds of all."""

    name: str
    numeric: bool
    bins: tuple[Bin, ...]
    woe: tuple[float, ...]


def is_numeric(column: Column) -> bool:
    """Whether all that is known in a column is numbers."""
    known = [value for value in column if value is not None]
    return bool(known) and all(isinstance(value, float) for value in known)


def bin_column(
    name: str, column: Column, won: NDArray[np.int64], *, least: int, monotone: Direction = None
) -> Binned:
    """Find the bins of a column; none has fewer than `least` rows, but for what is unknown."""
    numeric = is_numeric(column)
    bins = _ranges(column, won, least) if numeric else _texts(column, won, least)
    if numeric and monotone is not None:
        bins = _monotone(bins, column, won, up=monotone == "up")
    if any(value is None for value in column):
        bins.append(Bin(missing=True))
    found = Binned(name, numeric, tuple(bins), ())
    return found._replace(woe=tuple(_woe(place(found, column), len(bins), won)))


def place(binned: Binned, column: Column) -> NDArray[np.int64]:
    """Give the number of each value's bin; -1 for what no bin holds."""
    unknown = next((n for n, b in enumerate(binned.bins) if b.missing), -1)
    if binned.numeric:
        ranges = [(n, b) for n, b in enumerate(binned.bins) if not b.missing]
        edges = [b.low for _, b in ranges if b.low is not None]
        values = np.array(
            [float(v) if isinstance(v, float) else math.nan for v in column], dtype=np.float64
        )
        found = np.searchsorted(np.array(edges, dtype=np.float64), values, side="right")
        return np.where(np.isnan(values), unknown, found).astype(np.int64)
    rest = next((n for n, b in enumerate(binned.bins) if b.rest), -1)
    by_text = {text: n for n, b in enumerate(binned.bins) for text in b.texts}
    return np.array(
        [unknown if v is None else by_text.get(str(v), rest) for v in column], dtype=np.int64
    )


def evidence(binned: Binned, column: Column) -> NDArray[np.float64]:
    """Give each value's weight of evidence; what no bin holds says nothing: 0."""
    table = np.array([*binned.woe, 0.0])
    return table[place(binned, column)]


def _woe(places: NDArray[np.int64], count: int, won: NDArray[np.int64]) -> list[float]:
    wins, losses = won.sum(), len(won) - won.sum()
    found = []
    for number in range(count):
        here = won[places == number]
        good = (here.sum() + _SMOOTHING) / (wins + _SMOOTHING)
        bad = (len(here) - here.sum() + _SMOOTHING) / (losses + _SMOOTHING)
        found.append(float(np.log(good / bad)))
    return found


def _tree(values: NDArray[np.float64], won: NDArray[np.int64], least: int) -> list[float]:
    """The cuts of a small tree, in order."""
    tree = DecisionTreeClassifier(
        max_leaf_nodes=MOST_BINS, min_samples_leaf=least, criterion="entropy", random_state=0
    )
    tree.fit(values.reshape(-1, 1), won)
    cuts = tree.tree_.threshold[tree.tree_.feature >= 0]
    return sorted(float(cut) for cut in cuts)


def _ranges(column: Column, won: NDArray[np.int64], least: int) -> list[Bin]:
    known = np.array([isinstance(v, float) for v in column])
    values = np.array([v for v in column if isinstance(v, float)], dtype=np.float64)
    if len(values) < 2 * least:
        return [Bin()]
    cuts = sorted({_readable(cut, values) for cut in _tree(values, won[known], least)})
    edges: list[float | None] = [None, *cuts, None]
    return [Bin(low=a, high=b) for a, b in itertools.pairwise(edges)]


def _readable(cut: float, values: NDArray[np.float64]) -> float:
    """The roundest number that separates the same values as the cut does."""
    below, above = values[values <= cut], values[values > cut]
    if not len(below) or not len(above):
        return cut
    low, high = float(below.max()), float(above.min())
    for digits in range(-6, 12):
        rounded = round(high, digits)
        if low < rounded <= high:
            return rounded
        rounded = round(cut, digits)
        if low < rounded <= high:
            return rounded
    return high


def _texts(column: Column, won: NDArray[np.int64], least: int) -> list[Bin]:
    """Texts that are frequent enough, those with like outcomes together; the rest is one bin."""
    counts = Counter(str(v) for v in column if v is not None)
    frequent = sorted(text for text, n in counts.items() if n >= least)
    if not frequent:
        return [Bin(rest=True)] if counts else []
    texts = np.array([str(v) if v is not None else "" for v in column], dtype=object)
    known = np.array([v is not None for v in column])
    base = won.mean()
    rates = {t: (won[known & (texts == t)].sum() + 5 * base) / (counts[t] + 5) for t in frequent}
    groups: dict[int, list[str]] = {}
    encoded = np.array([rates.get(t, base) for t in texts], dtype=np.float64)
    cuts = _tree(encoded[known], won[known], least) if len(frequent) > 1 else []
    for text in frequent:
        groups.setdefault(int(np.searchsorted(cuts, rates[text], side="left")), []).append(text)
    bins = [Bin(texts=tuple(group)) for _, group in sorted(groups.items())]
    if len(frequent) < len(counts):
        bins.append(Bin(rest=True))
    return bins


def _monotone(bins: list[Bin], column: Column, won: NDArray[np.int64], *, up: bool) -> list[Bin]:
    """Join neighbours until the rates go one way (pool adjacent violators)."""
    places = place(Binned("", numeric=True, bins=tuple(bins), woe=()), column)
    pools: list[list[float]] = []  # first bin, wins, rows
    for number in range(len(bins)):
        here = won[places == number]
        pools.append([number, float(here.sum()), float(len(here))])
        while len(pools) > 1 and _against(pools[-2], pools[-1], up=up):
            _, wins, rows = pools.pop()
            pools[-1][1] += wins
            pools[-1][2] += rows
    firsts = [int(pool[0]) for pool in pools]
    edges: list[float | None] = [bins[first].low for first in firsts]
    edges.append(None)
    return [Bin(low=a, high=b) for a, b in itertools.pairwise(edges)]


def _against(before: list[float], after: list[float], *, up: bool) -> bool:
    a = before[1] / max(before[2], 1.0)
    b = after[1] / max(after[2], 1.0)
    return a > b if up else a < b
