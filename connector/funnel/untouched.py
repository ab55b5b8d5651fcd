"""Hand-offs that nobody touched in time, each with its likely cause.

A cause is a reading of what else the owner did, not a confession: the page calls it likely.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Set
from typing import NamedTuple

from connector.domain.moment import DAY, Micros
from connector.funnel.history import STAGES, History
from connector.funnel.measure import Measure
from connector.funnel.statistics import share, wilson

ABSENT = "owner did nothing in that time"
FULL = "more than the owner ever took up in a week"
OWN_FIRST = "owner worked on own leads alone"
SOURCE = "source that sales seldom accepts"
UNKNOWN = "no likely cause found"
CAUSES = (ABSENT, FULL, OWN_FIRST, SOURCE, UNKNOWN)
_LEAST = 10
_ACCEPTED = STAGES.index("accepted")


class OwnerDays(NamedTuple):
    """The days (since 1970, UTC) an owner worked on leads we handed off, and on others."""

    handed: set[int]
    own: set[int]


class Untouched(NamedTuple):
    """Overdue hand-offs without a touch, of all that were due; `owners` by owner and cause."""

    due: int
    untouched: int
    share: float | None
    causes: dict[str, int]
    owners: dict[str, dict[str, int]]


class _Missed(NamedTuple):
    owner: str
    source: str | None
    at: Micros
    due: Micros


class UntouchedMeasure(Measure):
    """Finds them in one pass; causes need what owners did, so they are told at the end."""

    sums = ("_due", "_missed", "_given", "_taken", "_sources")

    def __init__(self, now: Micros) -> None:
        self._now = now
        self._due = 0
        self._missed: Counter[_Missed] = Counter()
        self._given: Counter[tuple[str, int]] = Counter()
        self._taken: Counter[tuple[str, int]] = Counter()
        self._sources: dict[str, list[int]] = {}

    def add(self, one: History, times: int = 1) -> None:
        """Count a cycle, or so many alike, if its owner's touch could be seen."""
        given = one.handoff
        if given is None or not given.watched or given.touch_due is None:
            return
        owner, week = one.owner or "unknown", given.at // (7 * DAY)
        self._given[owner, week] += times
        if given.touched_at is not None:
            self._taken[owner, given.touched_at // (7 * DAY)] += times
        if one.source:
            counts = self._sources.setdefault(one.source, [0, 0])
            counts[0] += times
            counts[1] += times * (one.depth >= _ACCEPTED)
        if given.touched_at is None and given.touch_due >= self._now:
            return
        self._due += times
        if given.touched_at is None:
            missed = _Missed(owner, one.source, given.at, given.touch_due)
            self._missed[missed] += times

    def result(self, days: Mapping[str, OwnerDays]) -> Untouched:
        """Give them with causes, by the days on which each owner did something."""
        most: dict[str, int] = {}
        for (owner, _), n in self._taken.items():
            most[owner] = max(n, most.get(owner, 0))
        poor = self._poor_sources()
        owners: dict[str, Counter[str]] = {}
        for missed, times in self._missed.items():
            cause = self._cause(missed, days.get(missed.owner), most, poor)
            owners.setdefault(missed.owner, Counter())[cause] += times
        causes = {c: sum(mine[c] for mine in owners.values()) for c in CAUSES}
        return Untouched(
            due=self._due,
            untouched=self._missed.total(),
            share=share(self._missed.total(), self._due),
            causes={cause: n for cause, n in causes.items() if n},
            owners={
                owner: {c: mine[c] for c in CAUSES if mine[c]}
                for owner, mine in sorted(owners.items())
            },
        )

    def _cause(
        self, one: _Missed, days: OwnerDays | None, most: Mapping[str, int], poor: Set[str]
    ) -> str:
        span = range(one.at // DAY, one.due // DAY + 1)
        handed = days is not None and any(day in days.handed for day in span)
        own = days is not None and any(day in days.own for day in span)
        if not handed and not own:
            return ABSENT
        if self._given[one.owner, one.at // (7 * DAY)] > most.get(one.owner, 0) > 0:
            return FULL
        if not handed:
            return OWN_FIRST
        return SOURCE if one.source in poor else UNKNOWN

    def _poor_sources(self) -> Set[str]:
        """Sources whose acceptance is below everybody's, beyond what chance explains."""
        n = sum(given for given, _ in self._sources.values())
        usual = sum(taken for _, taken in self._sources.values()) / n if n else 0.0
        poor = set()
        for source, (given, taken) in self._sources.items():
            bounds = wilson(taken, given)
            if given >= _LEAST and bounds is not None and bounds[1] < usual:
                poor.add(source)
        return poor
