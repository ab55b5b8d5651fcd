"""The few figures that stand above everything else."""

from __future__ import annotations

from typing import NamedTuple

from connector.funnel.history import STAGES
from connector.funnel.measure import Ask
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


_QUERY = f"""SELECT
    count(*) AS cycles,
    count(*) FILTER (newest) AS people,
    count(*) FILTER (depth >= {_READY}) AS sales_ready,
    count(*) FILTER (depth >= {_HANDED_OFF}) AS handed_off,
    count(*) FILTER (won) AS won,
    count(won_cents) FILTER (won) AS valued,
    coalesce(sum(won_cents) FILTER (won), 0) AS value,
    count(*) FILTER (won AND number > 1) AS again_won,
    coalesce(sum(won_cents) FILTER (won AND number > 1), 0) AS again_value,
    count(*) FILTER (state = 'rejected') AS refused
FROM pass"""
_NAMES = ("cycles", "people", "sales_ready", "handed_off", "won", "valued", "value", "again_won",
          "again_value", "refused")  # fmt: skip


class HeadlineMeasure:
    """Counts all cycles."""

    def result(self, ask: Ask) -> Headline:
        """Give the figures."""
        n: dict[str, int] = dict(zip(_NAMES, ask(_QUERY)[0], strict=True))
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
