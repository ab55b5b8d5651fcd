"""The same few figures for each source, owner, score band or month."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from connector.domain.moment import Micros
from connector.funnel.bands import band_edges, band_of
from connector.funnel.history import STAGES, History
from connector.funnel.leakage import NO_REASON
from connector.funnel.measure import Aspect, Measure
from connector.funnel.months import month_at
from connector.funnel.statistics import mean, share, within

UNKNOWN = "unknown"
_REFUSALS = frozenset({"rejected", "recycled", "lost"})


class Segment(NamedTuple):
    """How one kind of leads fared. Shares are 0 to 1, None of nothing; money in cents.

    `passed` is handed off of all, `acceptance` accepted of handed off, `to_sale` won of
    sales-ready; `value` is over the `valued` wins whose deal names an amount. `top_reason` is the
    reason given most for refusing or losing, with its share of all refusals.
    """

    name: str
    cycles: int
    sales_ready: int
    handed_off: int
    accepted: int
    qualified: int
    won: int
    passed: float | None
    acceptance: float | None
    to_sale: float | None
    valued: int
    value: int
    value_per_sale: int | None
    days_to_sale: Micros | None
    refused: int
    without_reason: int
    top_reason: str | None
    top_reason_share: float | None


class _Sums:
    def __init__(self) -> None:
        self.reached = [0] * len(STAGES)
        self.valued = 0
        self.value = 0
        self.spans = array("q")
        self.reasons: Counter[str] = Counter()

    def add(self, one: History, times: int) -> None:
        for stage in range(one.depth + 1):
            self.reached[stage] += times
        if one.won and one.won_cents is not None:
            self.valued += times
            self.value += times * one.won_cents
        began, ended = one.reached.get("inquiry"), one.reached.get("won")
        if one.won and began is not None and ended is not None and ended >= began:
            self.spans.extend([ended - began] * times)
        if one.state in _REFUSALS:
            self.reasons[one.reason or NO_REASON] += times

    def result(self, name: str) -> Segment:
        cycles, ready, handed, accepted, qualified, won = self.reached
        refused = self.reasons.total()
        given = [(r, n) for r, n in self.reasons.items() if r != NO_REASON]
        top, times = min(given, key=lambda pair: (-pair[1], pair[0]), default=(None, 0))
        return Segment(
            name=name,
            cycles=cycles,
            sales_ready=ready,
            handed_off=handed,
            accepted=accepted,
            qualified=qualified,
            won=won,
            passed=share(handed, cycles),
            acceptance=share(accepted, handed),
            to_sale=share(won, ready),
            valued=self.valued,
            value=self.value,
            value_per_sale=mean(self.value, self.valued),
            days_to_sale=within(self.spans, 50),
            refused=refused,
            without_reason=self.reasons[NO_REASON],
            top_reason=top,
            top_reason_share=share(times, refused) if top else None,
        )


class SegmentMeasure(Measure):
    """Counts by whatever `key` says of a cycle; None leaves it out."""

    sums = ("_sums",)

    def __init__(
        self, key: Callable[[History], str | None], aspect: Aspect = Aspect.SOURCE
    ) -> None:
        self._key = key
        self.aspect = aspect
        self._sums: dict[str, _Sums] = {}

    def add(self, one: History, times: int = 1) -> None:
        """Count a cycle, or so many alike."""
        name = self._key(one)
        if name is None:
            return
        sums = self._sums.get(name)
        if sums is None:
            sums = self._sums[name] = _Sums()
        sums.add(one, times)

    def result(self) -> tuple[Segment, ...]:
        """Give the segments, largest first, then by name."""
        found = [sums.result(name) for name, sums in self._sums.items()]
        return tuple(sorted(found, key=lambda s: (-s.cycles, s.name)))


def source_of(one: History) -> str:
    """Where the lead came from."""
    return one.source or UNKNOWN


def owner_of(one: History) -> str | None:
    """Who worked on it; None for who was never in anybody's hands."""
    return (one.owner or UNKNOWN) if one.depth >= STAGES.index("handed_off") else None


def month_of(one: History) -> str | None:
    """The month (UTC) of the inquiry, such as 2026-03; None where that is not known."""
    began = one.reached.get("inquiry")
    return None if began is None else month_at(began)


def band_namer(threshold: float, *, exceeds: bool = False) -> Callable[[History], str | None]:
    """Give the function that names the band of a cycle's score, such as 65-79."""
    edges = band_edges(threshold, exceeds=exceeds)
    ends = [edge - 1 for edge in edges[1:]] + [100]

    def name(one: History) -> str | None:
        if one.score is None:
            return None
        at = band_of(one.score, edges)
        return f"{edges[at]}-{ends[at]}"

    return name
