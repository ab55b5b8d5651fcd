"""The way from stage to stage: how many came so far, and how long it took them."""

from __future__ import annotations

from typing import NamedTuple

from connector.domain.moment import Micros
from connector.funnel.history import STAGES
from connector.funnel.measure import Ask, by_stage


class Reached(NamedTuple):
    """Cycles that reached a stage. `timed` ones are known to have come there after the stage
    before, `disordered` ones seem to have come before it."""

    cycles: int
    timed: int
    median: Micros | None
    p90: Micros | None
    disordered: int


def timed_sql(since: str, until: str) -> str:
    """Give what to select of the time between two moments: as `Reached`, but for its cycles."""
    span = f"{until} - {since}"
    spans = f"list({span}) FILTER ({span} >= 0)"
    return (
        f"count(*) FILTER ({span} >= 0), within({spans}, 50), within({spans}, 90), "
        f"count(*) FILTER ({span} < 0)"
    )


def steps_by(key: str, ask: Ask, where: str = "true") -> dict[str, list[Reached]]:
    """Give all stages of each kind, by the text that `key` is of a cycle in SQL; null is no kind.

    The first stage has no time before it.
    """
    first = f"""SELECT {key} AS kind, 0 AS stage, count(*) AS n, 0, NULL, NULL, 0
        FROM pass WHERE {where} AND kind IS NOT NULL GROUP BY kind"""
    later = f"""SELECT {key} AS kind, {{stage}} AS stage, count(*) AS n,
        {timed_sql("{since}", "{at}")}
        FROM pass WHERE depth >= {{stage}} AND {where} AND kind IS NOT NULL GROUP BY kind"""
    rows = ask(f"{first} UNION ALL {by_stage(later, range(1, len(STAGES)))}")
    nobody = Reached(0, 0, None, None, 0)
    found: dict[str, list[Reached]] = {}
    for kind, stage, *counts in rows:
        found.setdefault(kind, [nobody] * len(STAGES))[stage] = Reached(*counts)
    return found
