"""How many cycles reached each stage, how many of those went on to the next, and how fast."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from connector.domain.moment import Micros
from connector.funnel.history import STAGES, History
from connector.funnel.measure import Measure
from connector.funnel.statistics import share, usual


class Stage(NamedTuple):
    """Cycles that reached a stage, and the share of the stage before that did (0 to 1).

    `share` is None where nobody reached the stage before. `median` and `p90` are the time since
    the stage before, over the `timed` cycles of which both moments are known.
    """

    name: str
    cycles: int
    share: float | None
    timed: int
    median: Micros | None
    p90: Micros | None


class Funnel(NamedTuple):
    """The stages in order, where cycles stand, and how long the whole way to a deal took."""

    stages: tuple[Stage, ...]
    standing: dict[str, int]
    whole: Stage
    found: int
    disordered: int


class StageMeasure(Measure):
    """Counts stages in one pass; a step that seems to run backwards in time is not timed."""

    sums = ("_reached", "_spans", "_whole", "_standing", "_found", "_disordered")

    def __init__(self) -> None:
        self._reached = [0] * len(STAGES)
        self._spans = [array("q") for _ in STAGES]
        self._whole = array("q")
        self._standing: Counter[str] = Counter()
        self._found = 0
        self._disordered = 0

    def add(self, one: History, times: int = 1) -> None:
        """Count a cycle, or so many alike."""
        self._standing[one.state] += times
        self._found += times * one.found
        depth = one.depth
        for stage in range(depth + 1):
            self._reached[stage] += times
        for stage in range(1, depth + 1):
            self._time(self._spans[stage], one, (STAGES[stage - 1], STAGES[stage]), times)
        if one.won:
            self._time(self._whole, one, (STAGES[0], STAGES[-1]), times)

    def _time(self, spans: array[int], one: History, stages: tuple[str, str], times: int) -> None:
        began, ended = map(one.reached.get, stages)
        if began is None or ended is None:
            return
        if ended < began:
            self._disordered += times
        else:
            spans.extend([ended - began] * times)

    def result(self) -> Funnel:
        """Give the funnel."""
        reached, spans = self._reached, self._spans
        stages = tuple(
            _stage(name, reached[i], reached[i - 1] if i else 0, spans[i])
            for i, name in enumerate(STAGES)
        )
        whole = _stage("whole", reached[-1], reached[0], self._whole)
        standing = dict(sorted(self._standing.items(), key=lambda pair: (-pair[1], pair[0])))
        return Funnel(stages, standing, whole, self._found, self._disordered)


def _stage(name: str, cycles: int, before: int, spans: array[int]) -> Stage:
    return Stage(name, cycles, share(cycles, before), len(spans), *usual(spans))


def measure(histories: Iterable[History]) -> Funnel:
    """Count cycles, in one pass."""
    measuring = StageMeasure()
    for one in histories:
        measuring.add(one)
    return measuring.result()
