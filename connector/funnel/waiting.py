"""Where people wait: how long each state between sales-ready and a deal lasts."""

from __future__ import annotations

from typing import NamedTuple

from connector.domain.moment import Micros
from connector.funnel.measure import Ask


class Wait(NamedTuple):
    """One state: the `left` stays that ended, and the people still in it, with the longest wait."""

    state: str
    left: int
    median: Micros | None
    p90: Micros | None
    waiting: int
    longest: Micros | None


_STAYS = """SELECT state, count(*) FILTER (left_it), within(list(span) FILTER (left_it), 50),
    within(list(span) FILTER (left_it), 90), count(*) FILTER (NOT left_it),
    max(span) FILTER (NOT left_it)
FROM (
    SELECT stay.state AS state, stay.until IS NOT NULL AS left_it,
        coalesce(stay.until, {now}) - stay.since AS span
    FROM (SELECT newest, state AS present, unnest(stays) AS stay FROM pass)
    WHERE span >= 0 AND (left_it OR (newest AND stay.state = present))
)
GROUP BY state ORDER BY state"""


class WaitMeasure:
    """Takes the stays of cycles; one that seems to run backwards is left out."""

    def __init__(self, now: Micros) -> None:
        self._now = now

    def result(self, ask: Ask) -> tuple[Wait, ...]:
        """Give the states, the longest usual wait first, then by name."""
        found = [Wait(*row) for row in ask(_STAYS.format(now=self._now))]
        return tuple(sorted(found, key=lambda wait: -(wait.p90 or 0)))
