"""Whether what goes to sales is good, and whether what does not is looked after."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from connector.domain.cycle import State
from connector.domain.moment import DAY, Micros
from connector.funnel.bands import band_edges, band_of
from connector.funnel.history import STAGES, History
from connector.funnel.measure import Aspect, Measure
from connector.funnel.months import month_at
from connector.funnel.statistics import share, wilson

QUIET = 30 * DAY
"""An inquiry that old should have been answered, and its person heard of again."""
_READY, _HANDED_OFF, _ACCEPTED = 1, 2, 3


class Trend(NamedTuple):
    """Hand-offs of one month (UTC), and what sales made of them so far."""

    month: str
    handed_off: int
    accepted: int
    rejected: int
    share: float | None
    interval: tuple[float, float] | None


class Nurtured(NamedTuple):
    """Settled leads of a score band with or without nurture; it compares, it proves no cause."""

    least: int
    most: int
    nurtured: bool
    cycles: int
    settled: int
    won: int
    rate: float | None
    interval: tuple[float, float] | None


class Pass(NamedTuple):
    """Leads in their first, second ... pass, and what was won of them, in cents."""

    number: int
    cycles: int
    won: int
    value: int
    value_share: float | None


class Quality(NamedTuple):
    """What people complain of, counted.

    `raw` leads went to sales without having been sales-ready (of those not met halfway by the
    first run); `machine` ones were sales-ready by machine activity alone; `forgotten` inquiries
    are older than 30 days and nothing happened after the first day; `not_passed` never went to
    sales, so nobody had to call them.
    """

    handed_off: int
    raw: int
    sales_ready: int
    machine: int
    inquiries: int
    forgotten: int
    not_passed: int
    trend: tuple[Trend, ...]
    nurtured: tuple[Nurtured, ...]
    passes: tuple[Pass, ...]


class QualityMeasure(Measure):
    """Counts, in one pass."""

    sums = ("_counts", "_trend", "_bands", "_passes")
    aspect = Aspect.BAND

    def __init__(self, now: Micros, threshold: float, *, exceeds: bool = False) -> None:
        self._now = now
        self._edges = band_edges(threshold, exceeds=exceeds)
        self._counts: Counter[str] = Counter()
        self._trend: dict[str, list[int]] = {}
        self._bands: dict[tuple[int, bool], list[int]] = {}
        self._passes: dict[int, list[int]] = {}

    def add(self, one: History, times: int = 1) -> None:
        """Count a cycle, or so many alike."""
        depth, counts = one.depth, self._counts
        passed = self._passes.setdefault(one.number, [0, 0, 0])
        passed[0] += times
        if one.won:
            passed[1] += times
            passed[2] += times * (one.won_cents or 0)
        counts["ready"] += times * (depth >= _READY)
        counts["machine"] += times * (depth >= _READY and one.machine_only)
        counts["handed"] += times * (depth >= _HANDED_OFF and not one.found)
        counts["raw"] += times * (depth >= _HANDED_OFF and not one.found and _is_raw(one))
        counts["not_passed"] += times * (depth < _HANDED_OFF)
        self._inquiry(one, depth, times)
        self._month(one, depth, times)
        self._band(one, times)

    def _inquiry(self, one: History, depth: int, times: int) -> None:
        began = one.reached.get("inquiry")
        if began is None or depth > 0 or not one.newest or one.state == State.DISQUALIFIED:
            return
        if self._now - began > QUIET:
            self._counts["inquiries"] += times
            silent = one.last_at is None or one.last_at - began <= DAY
            self._counts["forgotten"] += times * silent

    def _month(self, one: History, depth: int, times: int) -> None:
        at = one.reached.get("handed_off")
        if at is None or depth < _HANDED_OFF:
            return
        counts = self._trend.setdefault(month_at(at), [0, 0, 0])
        counts[0] += times
        counts[1] += times * (depth >= _ACCEPTED)
        counts[2] += times * (one.state == State.REJECTED)

    def _band(self, one: History, times: int) -> None:
        if one.score is None:
            return
        key = (band_of(one.score, self._edges), State.NURTURE.value in one.states)
        counts = self._bands.setdefault(key, [0, 0, 0])
        counts[0] += times
        counts[1] += times * one.settled
        counts[2] += times * (one.won and one.settled)

    def result(self) -> Quality:
        """Give the figures."""
        n = self._counts
        value = sum(cents for _, _, cents in self._passes.values())
        ends = [edge - 1 for edge in self._edges[1:]] + [100]
        return Quality(
            handed_off=n["handed"],
            raw=n["raw"],
            sales_ready=n["ready"],
            machine=n["machine"],
            inquiries=n["inquiries"],
            forgotten=n["forgotten"],
            not_passed=n["not_passed"],
            trend=tuple(
                Trend(month, handed, accepted, rejected, share(accepted, handed),
                      wilson(accepted, handed))
                for month, (handed, accepted, rejected) in sorted(self._trend.items())
            ),
            nurtured=tuple(
                Nurtured(self._edges[at], ends[at], with_it, cycles, settled, won,
                         share(won, settled), wilson(won, settled))
                for (at, with_it), (cycles, settled, won) in sorted(self._bands.items())
            ),
            passes=tuple(
                Pass(number, cycles, won, cents, share(cents, value))
                for number, (cycles, won, cents) in sorted(self._passes.items())
            ),
        )  # fmt: skip


def _is_raw(one: History) -> bool:
    """Whether it went to sales without ever having been sales-ready."""
    return STAGES[_READY] not in one.states and State.HELD.value not in one.states
