"""Whether hand-offs were touched and decided in time, as far as the store can know."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from connector.domain.moment import Micros
from connector.funnel.measure import Ask
from connector.funnel.statistics import share


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


def _clock(due: str, done: str, now: Micros) -> str:
    """What to select of one deed, as `_timeliness` takes it."""
    spans = f"list({done} - given_at) FILTER ({done} IS NOT NULL)"
    words = (
        f"{done} <= {due}",
        f"{done} > {due}",
        f"{done} IS NULL AND {due} < {now}",
        f"{done} IS NULL AND {due} >= {now}",
        f"{due} IS NULL",
    )
    counts = ", ".join(f"count(*) FILTER ({word})" for word in words)
    return f"[{counts}], within({spans}, 50), within({spans}, 90)"


class HandoffMeasure:
    """Counts confirmed hand-offs, of everybody and by owner."""

    def __init__(self, now: Micros) -> None:
        opened = "list(touched_open) FILTER (touched_open IS NOT NULL)"
        self._query = f"""SELECT owner, grouping(owner) AS everybody, count(*),
                {_clock("touch_due", "touched_at", now)},
                {_clock("decide_due", "decided_at", now)},
                within({opened}, 50), within({opened}, 90)
            FROM (
                SELECT coalesce(owner, 'unknown') AS owner, given_at,
                    CASE WHEN watched THEN touch_due END AS touch_due, touched_at, touched_open,
                    decide_due, decided_at
                FROM pass WHERE given_at IS NOT NULL
            )
            GROUP BY GROUPING SETS ((), (owner)) ORDER BY everybody DESC, owner"""

    def result(self, ask: Ask) -> tuple[OwnerHandoffs, tuple[OwnerHandoffs, ...]]:
        """Give everybody's, and each owner's by owner."""
        everybody, *owners = [
            OwnerHandoffs(owner, n, _timeliness(*row[:3]), _timeliness(*row[3:6]), *row[6:])
            for owner, _, n, *row in ask(self._query)
        ]
        return everybody, tuple(owners)


def _timeliness(counts: Sequence[int], median: Micros | None, p90: Micros | None) -> Timeliness:
    in_time, late, missed, waiting, unknown = counts
    kept = share(in_time, in_time + late + missed)
    return Timeliness(in_time, late, missed, waiting, unknown, kept, median, p90)
