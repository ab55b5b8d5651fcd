"""A model held against what happened: would it have found those who bought?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from connector.funnel.bands import band_edges, band_of
from connector.funnel.ranking import (
    Auc,
    Lift,
    auc,
    auc_difference,
    average_precision,
    lift,
)
from connector.funnel.statistics import share, wilson

SHARES = (0.039, 0.10, 0.25)
"""How much of all leads goes to sales: where the process is rich, and twice as a round number."""
LEAST = 10
"""Fewer who bought, or who did not, and a comparison says nothing."""


class Case(NamedTuple):
    """One past lead, scored as of its moment, and whether it was won in time.

    `freshness` is higher the nearer the last activity was to that moment, `at`. `own` is the score
    that the CRM gives, None where it gives none.
    """

    total: float
    score: int
    fit: float
    behaviour: float
    freshness: float
    sales_ready: bool
    out: bool
    won: bool
    at: int = 0
    own: float | None = None


class Confusion(NamedTuple):
    """What the threshold (or a hand-raise) would have said, against what happened.

    `wasted` would have gone to sales and did not buy, `missed` bought without it. `precision` and
    `recall` are 0 to 1, None of nothing, each with its 95% interval.
    """

    found: int
    wasted: int
    missed: int
    spared: int
    precision: float | None
    precision_interval: tuple[float, float] | None
    recall: float | None
    recall_interval: tuple[float, float] | None


class ScoreBand(NamedTuple):
    """Cases in a band, and `above`: what a threshold at its lower end would give."""

    least: int
    most: int
    n: int
    won: int
    rate: float | None
    interval: tuple[float, float] | None
    above_n: int
    above_precision: float | None
    above_recall: float | None


class Half(NamedTuple):
    """The earlier or the later half of the cases, and how the model did there."""

    name: str
    n: int
    won: int
    auc: Auc | None
    precision: float | None
    recall: float | None


class Ranking(NamedTuple):
    """An order of the same people: its areas, lifts, and how far the model is ahead of it.

    `pr` is the area under precision and recall, which is the share of buyers for a random order.
    """

    name: str
    auc: Auc | None
    pr: Auc | None
    lifts: tuple[Lift, ...]
    behind: Auc | None


class Backtest(NamedTuple):
    """Everything measured; `words` say what it means, plainly."""

    n: int
    won: int
    rate: float | None
    confusion: Confusion
    bands: tuple[ScoreBand, ...]
    halves: tuple[Half, ...]
    rankings: tuple[Ranking, ...]
    words: tuple[str, ...]


MODEL = "model"
OWN = "the CRM's own score"
_UNSCORED = float("-inf")
_ORDERS: dict[str, Callable[[Case], float]] = {
    MODEL: lambda case: -1.0 if case.out else case.total,
    "random": lambda _: 0.0,
    "newest first": lambda case: case.freshness,
    "fit only": lambda case: case.fit,
    "behaviour only": lambda case: case.behaviour,
}


def backtest(cases: Sequence[Case], threshold: float, *, exceeds: bool = False) -> Backtest:
    """Measure; without any case every share is None."""
    won = [case.won for case in cases]
    rankings = _rankings(cases, won) if cases else ()
    return Backtest(
        n=len(cases),
        won=sum(won),
        rate=share(sum(won), len(cases)),
        confusion=_confusion(cases),
        bands=_bands(cases, band_edges(threshold, exceeds=exceeds)),
        halves=_halves(cases),
        rankings=rankings,
        words=_words(rankings, sum(won), len(cases)),
    )


def _confusion(cases: Sequence[Case]) -> Confusion:
    found = sum(case.sales_ready and case.won for case in cases)
    wasted = sum(case.sales_ready and not case.won for case in cases)
    missed = sum(not case.sales_ready and case.won for case in cases)
    return Confusion(
        found=found,
        wasted=wasted,
        missed=missed,
        spared=len(cases) - found - wasted - missed,
        precision=share(found, found + wasted),
        precision_interval=wilson(found, found + wasted),
        recall=share(found, found + missed),
        recall_interval=wilson(found, found + missed),
    )


def _bands(cases: Sequence[Case], edges: Sequence[int]) -> tuple[ScoreBand, ...]:
    n, won = [0] * len(edges), [0] * len(edges)
    for case in cases:
        at = band_of(case.score, edges)
        n[at] += 1
        won[at] += case.won
    ends = [edge - 1 for edge in edges[1:]] + [100]
    return tuple(
        ScoreBand(
            least=edge,
            most=ends[i],
            n=n[i],
            won=won[i],
            rate=share(won[i], n[i]),
            interval=wilson(won[i], n[i]),
            above_n=sum(n[i:]),
            above_precision=share(sum(won[i:]), sum(n[i:])),
            above_recall=share(sum(won[i:]), sum(won)),
        )
        for i, edge in enumerate(edges)
    )


def _halves(cases: Sequence[Case]) -> tuple[Half, ...]:
    """Split by time: what held in the past and holds no more shows in the later half."""
    ordered = sorted(cases, key=lambda case: case.at)
    middle = len(ordered) // 2
    parts = {"earlier half": ordered[:middle], "later half": ordered[middle:]}
    return tuple(_half(name, part) for name, part in parts.items() if part)


def _half(name: str, cases: Sequence[Case]) -> Half:
    won, found = [case.won for case in cases], _confusion(cases)
    area = auc([_ORDERS[MODEL](case) for case in cases], won)
    return Half(name, len(cases), sum(won), area, found.precision, found.recall)


def _rankings(cases: Sequence[Case], won: list[bool]) -> tuple[Ranking, ...]:
    marks = {name: [order(case) for case in cases] for name, order in _ORDERS.items()}
    if any(case.own is not None for case in cases):
        marks[OWN] = [_UNSCORED if case.own is None else case.own for case in cases]
    return tuple(
        Ranking(
            name=name,
            auc=auc(mine, won),
            pr=average_precision(mine, won),
            lifts=tuple(lift(mine, won, part) for part in SHARES),
            behind=None if name == MODEL else auc_difference(marks[MODEL], mine, won),
        )
        for name, mine in marks.items()
    )


def _words(rankings: Sequence[Ranking], won: int, n: int) -> tuple[str, ...]:
    if won < LEAST or n - won < LEAST:
        return (f"Too few to judge: {won} bought, {n - won} did not; {LEAST} of each are needed.",)
    said = [_word(one) for one in rankings if one.behind is not None]
    if all(one.behind is None or one.behind.low > 0 for one in rankings):
        return (*said, "The model beats every simpler order it was held against.")
    return (
        *said,
        "The model does not beat every simpler order; use the simplest that does as well.",
    )


def _word(one: Ranking) -> str:
    behind = one.behind
    if behind is None or one.auc is None:
        return ""
    gap = f"by {abs(behind.value):.3f} of AUC (95%: {behind.low:+.3f} to {behind.high:+.3f})"
    if behind.low > 0:
        return f"The model finds buyers better than `{one.name}`, {gap}."
    if behind.high < 0:
        return f"The model finds buyers WORSE than `{one.name}`, {gap}."
    return f"The model is not shown to be better than `{one.name}`: they differ {gap}."
