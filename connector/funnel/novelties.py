"""Values that were never there before, and values that no longer come."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from connector.domain.moment import DAY, Micros
from connector.funnel.history import History
from connector.funnel.measure import Aspect, Measure

SINCE = 30 * DAY
"""What came in that time is looked at, beside the `USUAL` before it."""
USUAL = 180 * DAY
EXPECTED = 10
"""So many should have come, by what was usual: none at all is then no chance."""


class Novelty(NamedTuple):
    """A value that is `new` or `gone`, how often it came before and since, and what was usual."""

    value: str
    what: str
    before: int
    since: int


class NoveltyMeasure(Measure):
    """Counts inquiries by whatever `key` says of a cycle, before and since a line in time."""

    sums = ("_values",)
    aspect = Aspect.ARRIVAL

    def __init__(self, now: Micros, key: Callable[[History], str | None]) -> None:
        self._now = now
        self._key = key
        self._values: dict[str, list[int]] = {}

    def add(self, one: History, times: int = 1) -> None:
        """Count a cycle, or so many alike, if the day of its inquiry is known."""
        began, value = one.reached.get("inquiry"), self._key(one)
        if began is None or value is None:
            return
        counts = self._values.setdefault(value, [0, 0, 0])
        age = self._now - began
        counts[0 if age > SINCE + USUAL else 1 if age > SINCE else 2] += times

    def result(self) -> tuple[Novelty, ...]:
        """Give what is new or gone, most first; nothing is new where there was nothing before."""
        if not any(counts[0] + counts[1] for counts in self._values.values()):
            return ()
        rows = [row for value, counts in self._values.items() if (row := _novelty(value, counts))]
        return tuple(sorted(rows, key=lambda row: (-row.since, -row.before, row.value)))


def _novelty(value: str, counts: list[int]) -> Novelty | None:
    ago, usual, since = counts
    if since and not ago + usual:
        return Novelty(value, "new", 0, since)
    if not since and usual * SINCE >= EXPECTED * USUAL:
        return Novelty(value, "gone", ago + usual, 0)
    return None


def gone(counts: Mapping[str, tuple[int, int]], usual: Micros, since: Micros) -> tuple[str, ...]:
    """Name what came often enough in the usual time, and never since: (usual, since) by name."""
    return tuple(sorted(
        name for name, (before, after) in counts.items()
        if not after and before * since >= EXPECTED * usual
    ))  # fmt: skip
