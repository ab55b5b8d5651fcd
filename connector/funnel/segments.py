"""The same few figures for each source, owner, score band or month."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from connector.domain.moment import Micros
from connector.funnel.bands import band_edges, band_ends, band_sql
from connector.funnel.history import STAGES
from connector.funnel.leakage import NO_REASON, REASON
from connector.funnel.measure import Ask, Row, listed, quoted
from connector.funnel.statistics import mean, share

UNKNOWN = "unknown"
_REFUSALS = frozenset({"rejected", "recycled", "lost"})


class Segment(NamedTuple):
    """How one kind of leads fared. Shares are 0 to 1, None of nothing; money in cents.

    `passed` is handed off of all, `acceptance` accepted of handed off, `to_sale` won of
    sales-ready; `value` is over the `valued` wins whose deal names an amount. `top_reason` is the
    reason given most for refusing or losing, with its share of all refusals.
    """

    name: str
    cycles: int
    sales_ready: int
    handed_off: int
    accepted: int
    qualified: int
    won: int
    passed: float | None
    acceptance: float | None
    to_sale: float | None
    valued: int
    value: int
    value_per_sale: int | None
    days_to_sale: Micros | None
    refused: int
    without_reason: int
    top_reason: str | None
    top_reason_share: float | None


class SegmentMeasure:
    """Counts by whatever `key` is of a cycle, in SQL; null leaves it out."""

    def __init__(self, key: str) -> None:
        self._key = key

    def result(self, ask: Ask) -> tuple[Segment, ...]:
        """Give the segments, largest first, then by name."""
        reached = ", ".join(
            f"count(*) FILTER (depth >= {stage})" for stage in range(1, len(STAGES))
        )
        rows = ask(
            f"""SELECT {self._key} AS kind, count(*) AS cycles, {reached},
                count(won_cents) FILTER (won), coalesce(sum(won_cents) FILTER (won), 0),
                within(list(won_at - inquiry_at) FILTER (won AND won_at >= inquiry_at), 50)
            FROM pass WHERE kind IS NOT NULL GROUP BY kind"""
        )
        reasons = self._reasons(ask)
        found = [_segment(row, reasons.get(row[0], {})) for row in rows]
        return tuple(sorted(found, key=lambda s: (-s.cycles, s.name)))

    def _reasons(self, ask: Ask) -> dict[str, dict[str, int]]:
        """How often each reason was given, by kind."""
        rows = ask(
            f"""SELECT {self._key} AS kind, {REASON} AS why, count(*) FROM pass
            WHERE kind IS NOT NULL AND state IN {listed(_REFUSALS)} GROUP BY kind, why"""
        )
        found: dict[str, dict[str, int]] = {}
        for name, reason, n in rows:
            found.setdefault(name, {})[reason] = n
        return found


def _segment(row: Row, reasons: Mapping[str, int]) -> Segment:
    name, cycles, ready, handed, accepted, qualified, won, valued, value, days_to_sale = row
    refused = sum(reasons.values())
    given = [(r, n) for r, n in reasons.items() if r != NO_REASON]
    top, times = min(given, key=lambda pair: (-pair[1], pair[0]), default=(None, 0))
    return Segment(
        name=name,
        cycles=cycles,
        sales_ready=ready,
        handed_off=handed,
        accepted=accepted,
        qualified=qualified,
        won=won,
        passed=share(handed, cycles),
        acceptance=share(accepted, handed),
        to_sale=share(won, ready),
        valued=valued,
        value=value,
        value_per_sale=mean(value, valued),
        days_to_sale=days_to_sale,
        refused=refused,
        without_reason=reasons.get(NO_REASON, 0),
        top_reason=top,
        top_reason_share=share(times, refused) if top else None,
    )


SOURCE = f"coalesce(source, {quoted(UNKNOWN)})"
"""Where the lead came from."""
OWNER = (
    f"CASE WHEN depth >= {STAGES.index('handed_off')} THEN coalesce(owner, {quoted(UNKNOWN)}) END"
)
"""Who worked on it; null for who was never in anybody's hands."""
MONTH = "month_of(inquiry_at)"
"""The month (UTC) of the inquiry, such as 2026-03; null where that is not known."""


def band_namer(threshold: float, *, exceeds: bool = False) -> str:
    """Give the band of a cycle's score by its name, such as 65-79, in SQL."""
    edges = band_edges(threshold, exceeds=exceeds)
    names = [f"{least}-{most}" for least, most in zip(edges, band_ends(edges), strict=True)]
    return f"list_extract([{', '.join(map(quoted, names))}], {band_sql('score', edges)} + 1)"
