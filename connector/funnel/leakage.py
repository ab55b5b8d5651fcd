"""Where leads are lost, why, and what they would have been worth.

The value of a lead that left is what its own deal names, else what a won deal of the same source
is worth on average, else an estimate; each is counted apart, so that nobody mistakes one for the
other. It is what was at stake, not what could be had: that depends on assumptions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from connector.funnel.history import STAGES
from connector.funnel.measure import Ask, quoted
from connector.funnel.statistics import mean

SEGMENT_LEAST = 5
"""Won deals a source must have before their mean says anything about its other leads."""
NO_REASON = "no reason given"
NOT_CONTACTED = "not contacted"
SILENCE = "nobody decided"
COOLED = "cooled off before anybody called"
REASON = f"coalesce(reason, {quoted(NO_REASON)})"
"""The reason sales gave, in SQL."""
SEGMENT_OR_SOURCE = "coalesce(segment, source, 'unknown')"
"""The kind of a lead, in SQL: its segment, or its source without one."""
_WON = """SELECT source, count(*), sum(won_cents) FROM pass
WHERE won AND won_cents IS NOT NULL GROUP BY source"""
_HOW = """CASE
    WHEN state IN ('lost', 'rejected', 'recycled', 'no_decision') THEN state
    WHEN state NOT IN ('nurture', 'inquiry') OR depth = 0 THEN NULL
    WHEN depth = 1 THEN 'cooled_off'
    ELSE 'no_decision'
END"""
"""How a cycle left the way to a sale; null for one still on it, or out by rule."""
_WHY = f"""CASE how
    WHEN 'cooled_off' THEN {quoted(COOLED)}
    WHEN 'no_decision' THEN CASE
        WHEN given_at IS NOT NULL AND watched AND touched_at IS NULL THEN {quoted(NOT_CONTACTED)}
        ELSE {quoted(SILENCE)}
    END
    ELSE {REASON}
END"""
_LEFT = f"""SELECT depth, {_HOW} AS how, {_WHY} AS why, {{apart}} AS apart, newest, source,
    count(*), count(other_cents), coalesce(sum(other_cents), 0)
FROM pass WHERE NOT won AND how IS NOT NULL GROUP BY ALL"""
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


class LeakageMeasure:
    """Counts leaks.

    Args:
        value_per_sale: What people assume a sale to be worth, in cents; it is the estimate for
            leads without any better value, in place of the mean of all won deals.
        recovery: The share of what is lost at a stage that people assume could be recovered.
        by_segment: Whether leaks of different segments (or sources, without one) stand apart.
    """

    def __init__(
        self,
        value_per_sale: int | None = None,
        recovery: Mapping[str, float] | None = None,
        *,
        by_segment: bool = False,
    ) -> None:
        self._apart = SEGMENT_OR_SOURCE if by_segment else "CAST(NULL AS VARCHAR)"
        self._assumed = value_per_sale
        self._recovery = recovery or {}

    def result(self, ask: Ask) -> Leakage:
        """Give the leaks with their value."""
        won = {source: (n, cents) for source, n, cents in ask(_WON)}
        usual = mean(sum(cents for _, cents in won.values()), sum(n for n, _ in won.values()))
        means = {
            source: mean(cents, n)
            for source, (n, cents) in won.items()
            if source and n >= SEGMENT_LEAST
        }
        guess = usual if self._assumed is None else self._assumed
        valued, blank, came_back = self._left(ask)
        leaks = [self._leak(key, valued[key], blank[key], means, guess) for key in valued]
        leaks.sort(key=lambda leak: (-leak.cents, -leak.cycles, leak[:3], leak.segment or ""))
        word = "assumed" if self._assumed is not None else "mean of won deals" if usual else None
        return Leakage(tuple(leaks), came_back, usual, word)

    def _left(self, ask: Ask) -> tuple[dict[_Key, list[int]], dict[_Key, Counter[str | None]], int]:
        """Who left: those whose own deal has a value with it, the others by source, and how many
        started again."""
        valued: dict[_Key, list[int]] = {}
        blank: dict[_Key, Counter[str | None]] = {}
        came_back = 0
        for depth, how, why, apart, newest, source, n, known, cents in ask(
            _LEFT.format(apart=self._apart)
        ):
            if not newest:
                came_back += n
                continue
            key = (STAGES[depth], how, why, apart)
            sums = valued.setdefault(key, [0, 0])
            sums[0] += known
            sums[1] += cents
            blank.setdefault(key, Counter())[source] += n - known
        return valued, blank, came_back

    def _leak(
        self,
        key: _Key,
        valued: Sequence[int],
        blank: Counter[str | None],
        means: Mapping[str, int | None],
        guess: int | None,
    ) -> Leak:
        n, cents = valued
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
