"""Hand-offs that nobody touched in time, each with its likely cause.

A cause is a reading of what else the owner did, not a confession: the page calls it likely.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Set
from typing import NamedTuple

from connector.domain.moment import DAY, Micros
from connector.funnel.history import STAGES
from connector.funnel.measure import Ask
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


_SEEN = "given_at IS NOT NULL AND watched AND touch_due IS NOT NULL"
_OWNER = "coalesce(owner, 'unknown')"


class UntouchedMeasure:
    """Finds them among hand-offs whose touch could be seen; causes need what owners did."""

    def __init__(self, now: Micros) -> None:
        self._now = now

    def result(self, days: Mapping[str, OwnerDays], ask: Ask) -> Untouched:
        """Give them with causes, by the days on which each owner did something."""
        missed = self._missed(ask)
        known = _Known(days, _by_week("given_at", ask), _most(ask), _poor_sources(ask))
        owners: dict[str, Counter[str]] = {}
        for one, times in missed.items():
            owners.setdefault(one.owner, Counter())[_cause(one, known)] += times
        causes = {c: sum(mine[c] for mine in owners.values()) for c in CAUSES}
        untouched = missed.total()
        due = untouched + int(
            ask(f"SELECT count(*) FROM pass WHERE {_SEEN} AND touched_at IS NOT NULL")[0][0]
        )
        return Untouched(
            due=due,
            untouched=untouched,
            share=share(untouched, due),
            causes={cause: n for cause, n in causes.items() if n},
            owners={
                owner: {c: mine[c] for c in CAUSES if mine[c]}
                for owner, mine in sorted(owners.items())
            },
        )

    def _missed(self, ask: Ask) -> Counter[_Missed]:
        rows = ask(
            f"""SELECT {_OWNER}, source, given_at, touch_due, count(*) FROM pass
            WHERE {_SEEN} AND touched_at IS NULL AND touch_due < {self._now} GROUP BY ALL"""
        )
        return Counter({_Missed(*row): n for *row, n in rows})


class _Known(NamedTuple):
    """What causes are told by: `given` hand-offs by owner and week, the `most` that each owner
    took up in a week, and sources that sales seldom accepts."""

    days: Mapping[str, OwnerDays]
    given: Mapping[tuple[str, int], int]
    most: Mapping[str, int]
    poor: Set[str]


def _by_week(moment: str, ask: Ask) -> dict[tuple[str, int], int]:
    rows = ask(
        f"""SELECT {_OWNER} AS who, {moment} // {7 * DAY} AS week, count(*) FROM pass
        WHERE {_SEEN} AND {moment} IS NOT NULL GROUP BY who, week"""
    )
    return {(owner, week): n for owner, week, n in rows}


def _most(ask: Ask) -> dict[str, int]:
    most: dict[str, int] = {}
    for (owner, _), n in _by_week("touched_at", ask).items():
        most[owner] = max(n, most.get(owner, 0))
    return most


def _poor_sources(ask: Ask) -> Set[str]:
    """Sources whose acceptance is below everybody's, beyond what chance explains."""
    rows = ask(
        f"""SELECT source, count(*), count(*) FILTER (depth >= {_ACCEPTED}) FROM pass
        WHERE {_SEEN} AND source IS NOT NULL GROUP BY source"""
    )
    n = sum(given for _, given, _ in rows)
    usual = sum(taken for *_, taken in rows) / n if n else 0.0
    poor = set()
    for source, given, taken in rows:
        bounds = wilson(taken, given)
        if given >= _LEAST and bounds is not None and bounds[1] < usual:
            poor.add(source)
    return poor


def _cause(one: _Missed, known: _Known) -> str:
    span, days = range(one.at // DAY, one.due // DAY + 1), known.days.get(one.owner)
    handed = days is not None and any(day in days.handed for day in span)
    own = days is not None and any(day in days.own for day in span)
    if not handed and not own:
        return ABSENT
    if known.given[one.owner, one.at // (7 * DAY)] > known.most.get(one.owner, 0) > 0:
        return FULL
    if not handed:
        return OWN_FIRST
    return SOURCE if one.source in known.poor else UNKNOWN
