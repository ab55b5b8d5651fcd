"""Whether the reasons sales gives can be learnt from: missing, `other`, the same for everything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple, TypeVar

from connector.funnel.statistics import share, wilson

K = TypeVar("K")
LEAST = 5
"""Fewer reasons of one owner say nothing about how he gives them."""
MUCH_OTHER = 0.2
"""From this share of `other` on, the vocabulary misses something."""


class Word(NamedTuple):
    """The last word on one pass that needs a reason; `kind` is given, other, outside or missing.

    `outside` reasons are the CRM's own words, none of the vocabulary's.
    """

    owner: str
    verdict: str
    reason: str | None
    kind: str


class OwnerReasons(NamedTuple):
    """How one owner gives reasons. `one_reason`: at least five refusals, and all for the same."""

    owner: str
    refused: int
    missing: int
    other: int
    top_reason: str | None
    top_share: float | None
    one_reason: bool


class ReasonAudit(NamedTuple):
    """Shares are 0 to 1 of those with a reason, with their 95% interval; None of nothing.

    `reasons` counts (verdict, reason), most first; `outside` the words that are not agreed.
    """

    refused: int
    missing: int
    missing_share: float | None
    other: int
    other_share: float | None
    other_interval: tuple[float, float] | None
    too_much_other: bool
    reasons: tuple[tuple[str, str, int], ...]
    outside: tuple[tuple[str, int], ...]
    owners: tuple[OwnerReasons, ...]


def audit_reasons(words: Iterable[Word]) -> ReasonAudit:
    """Count; owners with most missing come first, then by name."""
    everything = list(words)
    kinds = Counter(word.kind for word in everything)
    given = len(everything) - kinds["missing"]
    reasons = Counter((w.verdict, w.reason) for w in everything if w.reason is not None)
    outside = Counter(w.reason for w in everything if w.reason is not None and w.kind == "outside")
    interval = wilson(kinds["other"], given)
    return ReasonAudit(
        refused=len(everything),
        missing=kinds["missing"],
        missing_share=share(kinds["missing"], len(everything)),
        other=kinds["other"],
        other_share=share(kinds["other"], given),
        other_interval=interval,
        too_much_other=interval is not None and interval[0] > MUCH_OTHER,
        reasons=tuple((v, r, n) for (v, r), n in _ranked(reasons)),
        outside=tuple(_ranked(outside)),
        owners=_owners(everything),
    )


def _owners(words: list[Word]) -> tuple[OwnerReasons, ...]:
    by_owner: dict[str, list[Word]] = {}
    for word in words:
        by_owner.setdefault(word.owner, []).append(word)
    found = [_owner(name, mine) for name, mine in by_owner.items()]
    return tuple(sorted(found, key=lambda one: (-one.missing, one.owner)))


def _owner(name: str, words: list[Word]) -> OwnerReasons:
    reasons = Counter(w.reason for w in words if w.reason is not None)
    ranked = _ranked(reasons)
    top, count = ranked[0] if ranked else (None, 0)
    given = sum(reasons.values())
    return OwnerReasons(
        owner=name,
        refused=len(words),
        missing=len(words) - given,
        other=sum(word.kind == "other" for word in words),
        top_reason=top,
        top_share=share(count, given),
        one_reason=given >= LEAST and count == given,
    )


def _ranked(counts: Counter[K]) -> list[tuple[K, int]]:
    """Most first; of as many, by name."""
    return sorted(counts.items(), key=lambda pair: (-pair[1], str(pair[0])))
