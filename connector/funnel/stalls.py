"""Leads in sales' hands that have gone silent for longer than their kind usually takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from connector.domain.cycle import State
from connector.domain.moment import Micros
from connector.funnel.history import STAGES
from connector.funnel.leakage import SEGMENT_OR_SOURCE
from connector.funnel.measure import Ask, by_stage, listed, quoted
from connector.funnel.statistics import mean

LEAST = 10
"""Leads of a segment that must have gone on before their times say what is usual there."""
EVERYBODY = "everybody"
_OPEN = {State.HANDED_OFF.value: 2, State.ACCEPTED.value: 3, State.QUALIFIED.value: 4}


class Stall(NamedTuple):
    """Open leads of a stage and segment. Money in cents.

    `limit` is the p90 of the time to the next stage, of the segment or (`by_segment` false) of
    everybody; None where too few have gone on to tell. Of the `stalled`, `valued` name an amount;
    the others are worth the mean of won deals, if there is one.
    """

    stage: str
    segment: str
    open: int
    limit: Micros | None
    by_segment: bool
    stalled: int
    valued: int
    value: int
    estimate: int | None


_SPANS = """SELECT {stage} - 1 AS stage, kind, count(*), within(list({at} - {since}), 90)
FROM pass, LATERAL (SELECT unnest([{kind}, {everybody}]) AS kind)
WHERE depth >= {stage} AND {at} > {since} GROUP BY kind"""
"""Two stages of one moment were learnt together: they say nothing of the time between."""
_SILENT = f"""SELECT state, {SEGMENT_OR_SOURCE} AS kind, list(row({{now}} - last_at, other_cents))
FROM pass WHERE newest AND last_at IS NOT NULL AND state IN {listed(_OPEN)}
GROUP BY state, kind"""


class StallMeasure:
    """Looks for silence."""

    def __init__(self, now: Micros) -> None:
        self._now = now

    def result(self, ask: Ask) -> tuple[Stall, ...]:
        """Give stages and segments with open leads, most stalled first."""
        won, cents = ask(
            "SELECT count(won_cents), coalesce(sum(won_cents), 0) FROM pass WHERE won"
        )[0]
        usual, limits = mean(cents, won), self._limits(ask)
        found = ask(_SILENT.format(now=self._now))
        rows = [
            self._stall((_OPEN[state], kind), silent, limits, usual)
            for state, kind, silent in found
        ]
        return tuple(sorted(rows, key=lambda row: (-row.stalled, -row.open, row[:2])))

    def _limits(self, ask: Ask) -> dict[tuple[int, str], int]:
        """How long nine of ten take from a stage to the next, by stage and kind."""
        spans = _SPANS.replace("{kind}", SEGMENT_OR_SOURCE).replace(
            "{everybody}", quoted(EVERYBODY)
        )
        rows = ask(by_stage(spans, range(3, len(STAGES))))
        return {(stage, kind): p90 for stage, kind, n, p90 in rows if n >= LEAST}

    def _stall(
        self,
        key: tuple[int, str],
        silent: Sequence[tuple[Micros, int | None]],
        limits: Mapping[tuple[int, str], int],
        usual: int | None,
    ) -> Stall:
        stage, segment = key
        own = limits.get(key)
        limit = own if own is not None else limits.get((stage, EVERYBODY))
        late = [cents for span, cents in silent if limit is not None and span > limit]
        named = [cents for cents in late if cents is not None]
        blank = len(late) - len(named)
        return Stall(
            STAGES[stage], segment, len(silent), limit, own is not None, len(late),
            len(named), sum(named), None if usual is None else blank * usual,
        )  # fmt: skip
