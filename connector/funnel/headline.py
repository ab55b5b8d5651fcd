"""The few figures that stand above everything else."""

from __future__ import annotations

from typing import NamedTuple

from connector.funnel.history import STAGES, History
from connector.funnel.measure import Measure
from connector.funnel.statistics import mean, share

_READY, _HANDED_OFF = STAGES.index("sales_ready"), STAGES.index("handed_off")


class Headline(NamedTuple):
    """Quality before volume. Shares are 0 to 1, None of nothing; money in cents.

    `passed` is handed off of all cycles; `to_sale` won of sales-ready ones; `value` of the
    `valued` wins whose deal names an amount; `again` figures are those of second and later passes.
    """

    cycles: int
    people: int
    sales_ready: int
    handed_off: int
    won: int
    ready_share: float | None
    passed: float | None
    to_sale: float | None
    valued: int
    value: int
    value_per_sale: int | None
    again_won: int
    again_won_share: float | None
    again_value: int
    again_value_share: float | None
    rejected: int
    rejected_share: float | None


class HeadlineMeasure(Measure):
    """Counts, in one pass."""

    sums = ("_counts",)

    def __init__(self) -> None:
        self._counts = dict.fromkeys(
            ("cycles", "people", "sales_ready", "handed_off", "won", "valued", "value",
             "again_won", "again_value", "refused"), 0
        )  # fmt: skip

    def add(self, one: History, times: int = 1) -> None:
        """Count a cycle, or so many alike."""
        counts = self._counts
        counts["cycles"] += times
        counts["people"] += times * one.newest
        depth = one.depth
        counts["sales_ready"] += times * (depth >= _READY)
        counts["handed_off"] += times * (depth >= _HANDED_OFF)
        counts["refused"] += times * (one.state == "rejected")
        if not one.won:
            return
        again = one.number > 1
        counts["won"] += times
        counts["again_won"] += times * again
        if one.won_cents is not None:
            counts["valued"] += times
            counts["value"] += times * one.won_cents
            counts["again_value"] += times * one.won_cents if again else 0

    def result(self) -> Headline:
        """Give the figures."""
        n = self._counts
        return Headline(
            cycles=n["cycles"],
            people=n["people"],
            sales_ready=n["sales_ready"],
            handed_off=n["handed_off"],
            won=n["won"],
            ready_share=share(n["sales_ready"], n["cycles"]),
            passed=share(n["handed_off"], n["cycles"]),
            to_sale=share(n["won"], n["sales_ready"]),
            valued=n["valued"],
            value=n["value"],
            value_per_sale=mean(n["value"], n["valued"]),
            again_won=n["again_won"],
            again_won_share=share(n["again_won"], n["won"]),
            again_value=n["again_value"],
            again_value_share=share(n["again_value"], n["value"]),
            rejected=n["refused"],
            rejected_share=share(n["refused"], n["handed_off"]),
        )
