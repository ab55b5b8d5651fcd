"""What happened in each quarter to each kind of leads, by the dates of their stages."""

from __future__ import annotations

from typing import NamedTuple

from connector.funnel.cohorts import RANK_LEAST
from connector.funnel.history import STAGES
from connector.funnel.measure import Ask, by_stage
from connector.funnel.statistics import share, wilson

_READY, _HANDED_OFF, _ACCEPTED, _WON = (
    STAGES.index(stage) for stage in ("sales_ready", "handed_off", "accepted", "won")
)


class Spell(NamedTuple):
    """One kind in one quarter (UTC): cycles that reached each stage in it, whenever they came.

    `acceptance` is accepted of handed off and `to_sale` won of sales-ready, each of what happened
    in the quarter, so that it may exceed 1; the intervals are None where it does. `rank` is by
    `to_sale` among the kinds of the quarter, best is 1; None for small numbers.
    """

    quarter: str
    name: str
    rank: int | None
    reached: tuple[int, ...]
    acceptance: float | None
    acceptance_interval: tuple[float, float] | None
    to_sale: float | None
    to_sale_interval: tuple[float, float] | None


class SpellMeasure:
    """Counts by whatever `key` is of a cycle, in SQL; null leaves it out."""

    def __init__(self, key: str) -> None:
        self._key = key

    def result(self, ask: Ask) -> tuple[Spell, ...]:
        """Give quarters, oldest first; in each the kinds, most leads first, then by name.

        A stage without a date is in no quarter.
        """
        found: dict[tuple[str, str], list[int]] = {}
        for quarter, name, stage, n in ask(by_stage(
            f"""SELECT quarter_of(min({{at}})), {self._key} AS kind, {{stage}}, count(*)
            FROM pass WHERE depth >= {{stage}} AND {{at}} IS NOT NULL AND kind IS NOT NULL
            GROUP BY same_quarter({{at}}), kind"""
        )):  # fmt: skip
            found.setdefault((quarter, name), [0] * len(STAGES))[stage] = n
        rates: dict[str, list[float]] = {}
        for (quarter, _), counts in found.items():
            if (rate := _fair(counts)) is not None:
                rates.setdefault(quarter, []).append(rate)
        keys = sorted(found, key=lambda key: (key[0], -found[key][0], key[1]))
        return tuple(_spell(*key, found[key], rates.get(key[0], [])) for key in keys)


def _fair(counts: list[int]) -> float | None:
    """What a kind is ranked by; None where the order would be more chance than merit."""
    return counts[_WON] / counts[_READY] if counts[_READY] >= RANK_LEAST else None


def _spell(quarter: str, name: str, counts: list[int], rates: list[float]) -> Spell:
    mine = _fair(counts)
    rank = None if mine is None else 1 + sum(rate > mine for rate in rates)
    accepted, handed = counts[_ACCEPTED], counts[_HANDED_OFF]
    won, ready = counts[_WON], counts[_READY]
    return Spell(
        quarter, name, rank, tuple(counts),
        share(accepted, handed), _interval(accepted, handed),
        share(won, ready), _interval(won, ready),
    )  # fmt: skip


def _interval(part: int, whole: int) -> tuple[float, float] | None:
    return wilson(part, whole) if part <= whole else None
