"""How many cycles reached each stage, how many of those went on to the next, and how fast."""

from __future__ import annotations

from typing import NamedTuple

from connector.domain.moment import Micros
from connector.funnel.history import STAGES
from connector.funnel.measure import Ask, Row
from connector.funnel.statistics import share
from connector.funnel.steps import steps_by, timed_sql


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


class StageMeasure:
    """Counts stages; a step that seems to run backwards in time is not timed.

    Args:
        since: Only leads whose inquiry came at that moment or later; everybody without it.
    """

    def __init__(self, since: Micros | None = None) -> None:
        self._where = "true" if since is None else f"inquiry_at >= {since}"

    def result(self, ask: Ask) -> Funnel:
        """Give the funnel."""
        steps = steps_by("''", ask, self._where).get("", [])
        reached = [step.cycles for step in steps] or [0] * len(STAGES)
        stages = tuple(
            Stage(name, reached[at], share(reached[at], reached[at - 1]) if at else None,
                  *(steps[at][1:4] if steps else (0, None, None)))
            for at, name in enumerate(STAGES)
        )  # fmt: skip
        whole, back = self._whole(ask)
        standing, found = self._standing(ask)
        return Funnel(
            stages,
            standing,
            Stage("whole", reached[-1], share(reached[-1], reached[0]), *whole),
            found,
            back + sum(step.disordered for step in steps),
        )

    def _whole(self, ask: Ask) -> tuple[Row, int]:
        """The way from inquiry to deal: how often it is timed and how long; how often backwards."""
        *timed, back = ask(
            f"""SELECT {timed_sql("inquiry_at", "won_at")} FROM pass WHERE won AND {self._where}"""
        )[0]
        return tuple(timed), int(back)

    def _standing(self, ask: Ask) -> tuple[dict[str, int], int]:
        rows = ask(
            f"""SELECT state, count(*), count(*) FILTER (found)
            FROM pass WHERE {self._where} GROUP BY state"""
        )
        ordered = sorted(rows, key=lambda row: (-row[1], row[0]))
        return {state: n for state, n, _ in ordered}, sum(found for *_, found in rows)
