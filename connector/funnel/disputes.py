"""Which leads both teams should talk about: where the score, sales and the data disagree. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from heapq import nsmallest
from typing import NamedTuple

_GOOD = frozenset({"accepted", "qualified", "won"})
_BAD = frozenset({"rejected", "lost"})


class Judged(NamedTuple):
    """One pass with its last verdict. `surveyed` is what sales said when asked again; `against`
    whether the reason speaks against what is known of the person."""

    person: str
    number: int
    verdict: str
    reason: str | None
    owner: str | None
    score: int
    surveyed: str | None
    against: bool


class Dispute(NamedTuple):
    """One lead to talk about, and the question."""

    judged: Judged
    question: str


def disputes(judged: Iterable[Judged], threshold: float, most: int = 20) -> list[Dispute]:
    """Give those that disagree most: first what sales itself took back, then what data contradict,
    then refusals and wins by how far the score was from them."""
    asked = ((_rank(one, threshold), one) for one in judged)
    found = nsmallest(
        most,
        ((rank, one) for rank, one in asked if rank is not None),
        key=lambda pair: (pair[0], pair[1].person, pair[1].number),
    )
    return [Dispute(one, _question(one, threshold)) for _, one in found]


def _rank(one: Judged, threshold: float) -> tuple[int, float] | None:
    gap = one.score - threshold
    if one.surveyed == "no":
        return (0, -abs(gap))
    if one.against:
        return (1, -gap)
    if one.verdict in _BAD and gap >= 0:
        return (2, -gap)
    if one.verdict in _GOOD and gap < 0:
        return (2, gap)
    return None


def _question(one: Judged, threshold: float) -> str:
    if one.surveyed == "no":
        return f"sales {one.verdict} it, and disagreed when asked again"
    if one.against:
        return f"refused as {(one.reason or '').replace('_', ' ')}, which the data do not show"
    if one.verdict in _BAD:
        return f"{one.verdict} although the score was {one.score} of {threshold:g} wanted"
    return f"{one.verdict} although the score is only {one.score} of {threshold:g} wanted"
