"""Whether what goes to sales is good, and whether what does not is looked after."""

from __future__ import annotations

from typing import NamedTuple

from connector.domain.moment import DAY, Micros
from connector.funnel.bands import band_edges, band_ends, band_sql
from connector.funnel.measure import Ask, Row
from connector.funnel.statistics import share, wilson

QUIET = 30 * DAY
"""An inquiry that old should have been answered, and its person heard of again."""
_READY, _HANDED_OFF, _ACCEPTED, _QUALIFIED = 1, 2, 3, 4
_TREND = f"""SELECT month_of(handed_off_at) AS month, count(*),
    count(*) FILTER (depth >= {_ACCEPTED}), count(*) FILTER (state = 'rejected')
FROM pass WHERE handed_off_at IS NOT NULL AND depth >= {_HANDED_OFF}
GROUP BY month ORDER BY month"""
_PASSES = """SELECT number, count(*), count(*) FILTER (won),
    coalesce(sum(won_cents) FILTER (won), 0)
FROM pass GROUP BY number ORDER BY number"""


class Trend(NamedTuple):
    """Hand-offs of one month (UTC), and what sales made of them so far."""

    month: str
    handed_off: int
    accepted: int
    rejected: int
    share: float | None
    interval: tuple[float, float] | None


class Nurtured(NamedTuple):
    """Leads of a score band with or without nurture, and what they brought; it compares, it proves
    no cause.

    `rate` is of settled leads. In cents: `pipeline` is what all deals of leads that became
    `qualified` name, `value` what was won.
    """

    least: int
    most: int
    nurtured: bool
    cycles: int
    settled: int
    won: int
    rate: float | None
    interval: tuple[float, float] | None
    qualified: int
    pipeline: int
    value: int


class Pass(NamedTuple):
    """Leads in their first, second ... pass, and what was won of them, in cents."""

    number: int
    cycles: int
    won: int
    value: int
    value_share: float | None


class Quality(NamedTuple):
    """What people complain of, counted.

    `raw` leads went to sales without having been sales-ready (of those not met halfway by the
    first run); `machine` ones were sales-ready by machine activity alone; `forgotten` inquiries
    are older than 30 days and nothing happened after the first day; `not_passed` never went to
    sales, so nobody had to call them.
    """

    handed_off: int
    raw: int
    sales_ready: int
    machine: int
    inquiries: int
    forgotten: int
    not_passed: int
    trend: tuple[Trend, ...]
    nurtured: tuple[Nurtured, ...]
    passes: tuple[Pass, ...]


class QualityMeasure:
    """Counts what people complain of."""

    def __init__(self, now: Micros, threshold: float, *, exceeds: bool = False) -> None:
        self._now = now
        self._edges = band_edges(threshold, exceeds=exceeds)

    def _counts(self, ask: Ask) -> dict[str, int]:
        old = (
            f"depth = 0 AND newest AND state <> 'disqualified' AND inquiry_at < {self._now - QUIET}"
        )
        row = ask(
            f"""SELECT count(*) FILTER (depth >= {_READY}),
                count(*) FILTER (depth >= {_READY} AND machine_only),
                count(*) FILTER (depth >= {_HANDED_OFF} AND NOT found),
                count(*) FILTER (depth >= {_HANDED_OFF} AND NOT found AND NOT was_ready),
                count(*) FILTER (depth < {_HANDED_OFF}),
                count(*) FILTER ({old}),
                count(*) FILTER ({old} AND (last_at IS NULL OR last_at - inquiry_at <= {DAY}))
            FROM pass"""
        )[0]
        names = ("ready", "machine", "handed", "raw", "not_passed", "inquiries", "forgotten")
        return dict(zip(names, row, strict=True))

    def _nurtured(self, ask: Ask) -> list[Row]:
        return ask(
            f"""SELECT {band_sql("score", self._edges)} AS band, nurtured, count(*),
                count(*) FILTER (settled), count(*) FILTER (won AND settled),
                count(*) FILTER (depth >= {_QUALIFIED}),
                coalesce(sum(coalesce(won_cents, 0) + coalesce(other_cents, 0))
                    FILTER (depth >= {_QUALIFIED}), 0),
                coalesce(sum(won_cents) FILTER (won), 0)
            FROM pass WHERE band IS NOT NULL GROUP BY band, nurtured ORDER BY band, nurtured"""
        )

    def result(self, ask: Ask) -> Quality:
        """Give the figures."""
        n = self._counts(ask)
        ends, passes = band_ends(self._edges), ask(_PASSES)
        value = sum(cents for *_, cents in passes)
        return Quality(
            handed_off=n["handed"],
            raw=n["raw"],
            sales_ready=n["ready"],
            machine=n["machine"],
            inquiries=n["inquiries"],
            forgotten=n["forgotten"],
            not_passed=n["not_passed"],
            trend=tuple(
                Trend(month, handed, accepted, rejected, share(accepted, handed),
                      wilson(accepted, handed))
                for month, handed, accepted, rejected in ask(_TREND)
            ),
            nurtured=tuple(
                Nurtured(self._edges[at], ends[at], with_it, cycles, settled, won,
                         share(won, settled), wilson(won, settled), *brought)
                for at, with_it, cycles, settled, won, *brought in self._nurtured(ask)
            ),
            passes=tuple(
                Pass(number, cycles, won, cents, share(cents, value))
                for number, cycles, won, cents in passes
            ),
        )  # fmt: skip
