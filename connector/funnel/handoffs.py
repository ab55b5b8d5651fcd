"""Whether hand-offs were touched and decided in time, as far as the store can know."""

from __future__ import annotations

from array import array
from typing import NamedTuple

from connector.domain.moment import Micros
from connector.funnel.history import History
from connector.funnel.measure import Measure
from connector.funnel.statistics import share, usual


class Timeliness(NamedTuple):
    """What was due of confirmed hand-offs. `waiting` is not due yet; `missed` was never done.

    `kept` is in time / all that are due or done, 0 to 1. `median` and `p90` are from hand-off to
    the deed, over those done. `unknown` hand-offs had no date, or the CRM does not show the deed.
    """

    in_time: int
    late: int
    missed: int
    waiting: int
    unknown: int
    kept: float | None
    median: Micros | None
    p90: Micros | None


class OwnerHandoffs(NamedTuple):
    """One owner's hand-offs; `owner` is None for those of everybody.

    `open_median` and `open_p90` are the working time from hand-off to first touch.
    """

    owner: str | None
    cycles: int
    touched: Timeliness
    decided: Timeliness
    open_median: Micros | None
    open_p90: Micros | None


class _Clock:
    def __init__(self) -> None:
        self.counts = dict.fromkeys(("in_time", "late", "missed", "waiting", "unknown"), 0)
        self.spans = array("q")
        self.open_spans = array("q")

    def add(
        self, at: Micros, due: Micros | None, done: Micros | None, now: Micros, times: int
    ) -> None:
        if done is not None:
            self.spans.extend([done - at] * times)
        if due is None:
            word = "unknown"
        elif done is not None:
            word = "in_time" if done <= due else "late"
        else:
            word = "waiting" if now <= due else "missed"
        self.counts[word] += times

    def result(self) -> Timeliness:
        counts = self.counts
        median, p90 = usual(self.spans)
        kept = share(counts["in_time"], counts["in_time"] + counts["late"] + counts["missed"])
        return Timeliness(**counts, kept=kept, median=median, p90=p90)


class HandoffMeasure(Measure):
    """Counts confirmed hand-offs, of everybody and by owner, in one pass."""

    sums = ("_all", "_owners")

    def __init__(self, now: Micros) -> None:
        self._now = now
        self._all = (_Clock(), _Clock())
        self._owners: dict[str, tuple[_Clock, _Clock]] = {}

    def add(self, one: History, times: int = 1) -> None:
        """Count a cycle, or so many alike, if it was handed off."""
        given = one.handoff
        if given is None:
            return
        mine = self._owners.setdefault(one.owner or "unknown", (_Clock(), _Clock()))
        touch_due = given.touch_due if given.watched else None
        for touched, decided in (self._all, mine):
            if given.touched_open is not None:
                touched.open_spans.extend([given.touched_open] * times)
            touched.add(given.at, touch_due, given.touched_at, self._now, times)
            decided.add(given.at, given.decide_due, given.decided_at, self._now, times)

    def result(self) -> tuple[OwnerHandoffs, tuple[OwnerHandoffs, ...]]:
        """Give everybody's, and each owner's by owner."""
        owners = sorted(self._owners.items())
        return _result(None, self._all), tuple(_result(name, clocks) for name, clocks in owners)


def _result(owner: str | None, clocks: tuple[_Clock, _Clock]) -> OwnerHandoffs:
    touched, decided = (clock.result() for clock in clocks)
    cycles = sum(clocks[0].counts.values())
    return OwnerHandoffs(owner, cycles, touched, decided, *usual(clocks[0].open_spans))
