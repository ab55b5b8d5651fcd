"""Where leads are lost, why, and what they would have been worth.

The value of a lead that left is what its own deal names, else what a won deal of the same source
is worth on average, else an estimate; each is counted apart, so that nobody mistakes one for the
other. It is what was at stake, not what could be had: that depends on assumptions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from connector.domain.cycle import State
from connector.funnel.history import STAGES, History
from connector.funnel.measure import Measure
from connector.funnel.statistics import mean

SEGMENT_LEAST = 5
"""Won deals a source must have before their mean says anything about its other leads."""
NO_REASON = "no reason given"
NOT_CONTACTED = "not contacted"
SILENCE = "nobody decided"
COOLED = "cooled off before anybody called"
_Key = tuple[str, str, str, str | None]


class Leak(NamedTuple):
    """Leads that left at a stage for a reason. Money in cents; counts by how it was valued.

    `how` is lost, rejected, recycled, no_decision or cooled_off. The `unvalued` have no value for
    want of any deal to learn from.
    """

    stage: str
    how: str
    reason: str
    cycles: int
    by_deal: int
    by_deal_cents: int
    by_segment: int
    by_segment_cents: int
    by_estimate: int
    by_estimate_cents: int
    unvalued: int
    recovery_cents: int | None
    segment: str | None = None

    @property
    def cents(self) -> int:
        """All of it."""
        return self.by_deal_cents + self.by_segment_cents + self.by_estimate_cents


class Leakage(NamedTuple):
    """Leaks, dearest first; `came_back` cycles left too, but their person started again."""

    leaks: tuple[Leak, ...]
    came_back: int
    mean_cents: int | None
    estimate: str | None


class LeakageMeasure(Measure):
    """Counts leaks in one pass.

    Args:
        value_per_sale: What people assume a sale to be worth, in cents; it is the estimate for
            leads without any better value, in place of the mean of all won deals.
        recovery: The share of what is lost at a stage that people assume could be recovered.
        by_segment: Whether leaks of different segments (or sources, without one) stand apart.
    """

    sums = ("_won", "_valued", "_blank", "_came_back")

    def __init__(
        self,
        value_per_sale: int | None = None,
        recovery: Mapping[str, float] | None = None,
        *,
        by_segment: bool = False,
    ) -> None:
        self._by_segment = by_segment
        self._assumed = value_per_sale
        self._recovery = recovery or {}
        self._won: dict[str | None, list[int]] = {}
        self._valued: dict[_Key, list[int]] = {}
        self._blank: dict[_Key, Counter[str | None]] = {}
        self._came_back = 0

    def add(self, one: History, times: int = 1) -> None:
        """Count a cycle, or so many alike."""
        if one.won:
            if one.won_cents is not None:
                sums = self._won.setdefault(one.source, [0, 0])
                sums[0] += times
                sums[1] += times * one.won_cents
            return
        how = _how(one)
        if how is None:
            return
        if not one.newest:
            self._came_back += times
            return
        apart = (one.segment or one.source or "unknown") if self._by_segment else None
        key = (STAGES[one.depth], how, _why(one, how), apart)
        valued = self._valued.setdefault(key, [0, 0])
        blank = self._blank.setdefault(key, Counter())
        if one.other_cents is None:
            blank[one.source] += times
        else:
            valued[0] += times
            valued[1] += times * one.other_cents

    def result(self) -> Leakage:
        """Give the leaks with their value."""
        won = self._won.values()
        usual = mean(sum(cents for _, cents in won), sum(n for n, _ in won))
        means = {
            source: mean(cents, n)
            for source, (n, cents) in self._won.items()
            if source and n >= SEGMENT_LEAST
        }
        guess = usual if self._assumed is None else self._assumed
        leaks = [self._leak(key, means, guess) for key in self._valued]
        leaks.sort(key=lambda leak: (-leak.cents, -leak.cycles, leak[:3], leak.segment or ""))
        word = "assumed" if self._assumed is not None else "mean of won deals" if usual else None
        return Leakage(tuple(leaks), self._came_back, usual, word)

    def _leak(self, key: _Key, means: Mapping[str, int | None], guess: int | None) -> Leak:
        n, cents = self._valued[key]
        blank = self._blank[key]
        in_segments = segments = 0
        for source, count in blank.items():
            worth = means.get(source) if source else None
            if worth is not None:
                in_segments += count
                segments += count * worth
        rest = blank.total() - in_segments
        estimate = rest * guess if guess is not None else 0
        share = self._recovery.get(key[0])
        whole = cents + segments + estimate
        return Leak(
            *key[:3],
            cycles=n + blank.total(),
            by_deal=n,
            by_deal_cents=cents,
            by_segment=in_segments,
            by_segment_cents=segments,
            by_estimate=rest if guess is not None else 0,
            by_estimate_cents=estimate,
            unvalued=0 if guess is not None else rest,
            recovery_cents=None if share is None else round(whole * share),
            segment=key[3],
        )


def _how(one: History) -> str | None:
    """How a cycle left the way to a sale; None for one still on it, or out by rule."""
    match State(one.state):
        case State.LOST | State.REJECTED | State.RECYCLED | State.NO_DECISION:
            return one.state
        case State.NURTURE | State.INQUIRY:
            return {0: None, 1: "cooled_off"}.get(one.depth, "no_decision")
    return None


def _why(one: History, how: str) -> str:
    if how == "cooled_off":
        return COOLED
    if how == "no_decision":
        given = one.handoff
        unseen = given is not None and given.watched and given.touched_at is None
        return NOT_CONTACTED if unseen else SILENCE
    return one.reason or NO_REASON
