"""Where people wait: how long each state between sales-ready and a deal lasts."""

from __future__ import annotations

from array import array
from typing import NamedTuple

from connector.domain.moment import Micros
from connector.funnel.history import History
from connector.funnel.measure import Measure
from connector.funnel.statistics import usual


class Wait(NamedTuple):
    """One state: the `left` stays that ended, and the people still in it, with the longest wait."""

    state: str
    left: int
    median: Micros | None
    p90: Micros | None
    waiting: int
    longest: Micros | None


class WaitMeasure(Measure):
    """Takes the stays of cycles, in one pass; one that seems to run backwards is left out."""

    sums = ("_left", "_open")

    def __init__(self, now: Micros) -> None:
        self._now = now
        self._left: dict[str, array[int]] = {}
        self._open: dict[str, array[int]] = {}

    def add(self, one: History, times: int = 1) -> None:
        """Count a cycle, or so many alike."""
        for state, since, until in one.stays:
            if until is not None:
                kept, span = self._left, until - since
            elif one.newest and state == one.state:
                kept, span = self._open, self._now - since
            else:
                continue
            if span >= 0:
                kept.setdefault(state, array("q")).extend([span] * times)

    def result(self) -> tuple[Wait, ...]:
        """Give the states, the longest usual wait first, then by name."""
        states = sorted(self._left.keys() | self._open.keys())
        found = [self._wait(state) for state in states]
        return tuple(sorted(found, key=lambda wait: -(wait.p90 or 0)))

    def _wait(self, state: str) -> Wait:
        left, still = self._left.get(state, array("q")), self._open.get(state, array("q"))
        return Wait(
            state,
            len(left),
            *usual(left),
            len(still),
            max(still, default=None),
        )
