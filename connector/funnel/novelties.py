"""Values that were never there before, and values that no longer come."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from connector.domain.moment import DAY, Micros
from connector.funnel.measure import Ask

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


class NoveltyMeasure:
    """Counts inquiries of a known day by whatever `key` is of a cycle, in SQL, before and since a
    line in time."""

    def __init__(self, now: Micros, key: str) -> None:
        self._now = now
        self._key = key

    def result(self, ask: Ask) -> tuple[Novelty, ...]:
        """Give what is new or gone, most first; nothing is new where there was nothing before."""
        age = f"({self._now} - inquiry_at)"
        found = ask(
            f"""SELECT {self._key} AS kind, count(*) FILTER ({age} > {SINCE + USUAL}),
                count(*) FILTER ({age} > {SINCE} AND {age} <= {SINCE + USUAL}),
                count(*) FILTER ({age} <= {SINCE})
            FROM pass WHERE kind IS NOT NULL AND inquiry_at IS NOT NULL GROUP BY kind"""
        )
        if not any(ago + usual for _, ago, usual, _ in found):
            return ()
        rows = [row for value, *counts in found if (row := _novelty(value, counts))]
        return tuple(sorted(rows, key=lambda row: (-row.since, -row.before, row.value)))


def _novelty(value: str, counts: list[int]) -> Novelty | None:
    ago, usual, since = counts
    if since and not ago + usual:
        return Novelty(value, "new", 0, since)
    if not since and usual * SINCE >= EXPECTED * USUAL:
        return Novelty(value, "gone", ago + usual, 0)
    return None


def gone(counts: Mapping[str, int], usual: Micros, since: Micros) -> tuple[str, ...]:
    """Name what came often enough in the usual time, of that which never came since."""
    return tuple(sorted(name for name, n in counts.items() if n * since >= EXPECTED * usual))
