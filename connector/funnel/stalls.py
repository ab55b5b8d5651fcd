"""Leads in sales' hands that have gone silent for longer than their kind usually takes."""

from __future__ import annotations

from array import array
from typing import NamedTuple

from connector.domain.cycle import State
from connector.domain.moment import Micros
from connector.funnel.history import STAGES, History
from connector.funnel.measure import Measure
from connector.funnel.statistics import mean, within

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


class StallMeasure(Measure):
    """Looks for silence, in one pass."""

    sums = ("_spans", "_open", "_won")

    def __init__(self, now: Micros) -> None:
        self._now = now
        self._spans: dict[tuple[int, str], array[int]] = {}
        self._open: dict[tuple[int, str], tuple[array[int], array[int]]] = {}
        self._won = [0, 0]

    def add(self, one: History, times: int = 1) -> None:
        """Count a cycle, or so many alike."""
        segment = one.segment or one.source or "unknown"
        if one.won and one.won_cents is not None:
            self._won[0] += times
            self._won[1] += times * one.won_cents
        for stage in range(2, one.depth):
            began, ended = one.reached.get(STAGES[stage]), one.reached.get(STAGES[stage + 1])
            # Two stages of one moment were learnt together: they say nothing of the time between.
            if began is not None and ended is not None and ended > began:
                for name in (segment, EVERYBODY):
                    spans = self._spans.setdefault((stage, name), array("q"))
                    spans.extend([ended - began] * times)
        place = _OPEN.get(one.state)
        if place is not None and one.newest and one.last_at is not None:
            silent, cents = self._open.setdefault((place, segment), (array("q"), array("q")))
            silent.extend([self._now - one.last_at] * times)
            cents.extend([-1 if one.other_cents is None else one.other_cents] * times)

    def result(self) -> tuple[Stall, ...]:
        """Give stages and segments with open leads, most stalled first."""
        usual = mean(self._won[1], self._won[0])
        limits = {key: within(spans, 90) for key, spans in self._spans.items()
                  if len(spans) >= LEAST}  # fmt: skip
        rows = [self._stall(key, limits, usual) for key in self._open]
        return tuple(sorted(rows, key=lambda row: (-row.stalled, -row.open, row[:2])))

    def _stall(
        self, key: tuple[int, str], limits: dict[tuple[int, str], int | None], usual: int | None
    ) -> Stall:
        stage, segment = key
        own = limits.get(key)
        limit = own if own is not None else limits.get((stage, EVERYBODY))
        silent, cents = self._open[key]
        late = [c for s, c in zip(silent, cents, strict=True) if limit is not None and s > limit]
        named = [c for c in late if c >= 0]
        blank = len(late) - len(named)
        return Stall(
            STAGES[stage], segment, len(silent), limit, own is not None, len(late),
            len(named), sum(named), None if usual is None else blank * usual,
        )  # fmt: skip
