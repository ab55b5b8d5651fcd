"""What each campaign cost and brought, with the credit for a sale given in three ways.

Which campaign "made" a sale is a convention, not a finding: so all three stand side by side, and a
campaign that is good in all of them is good. Each way gives away exactly what was won, to the cent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import accumulate
from typing import NamedTuple

from connector.funnel.history import STAGES, History
from connector.funnel.measure import Aspect, Measure

NO_CAMPAIGN = "no campaign known"
WAYS = ("first_touch", "last_before_ready", "even_split")


class Credit(NamedTuple):
    """A campaign's part under one way. Money in cents.

    `profit` is margin less cost and sales time; `roi` is profit / (cost + sales time), None when
    it cost nothing. `sales` are parts of sales in an even split.
    """

    sales: float
    value: int
    sales_time: int
    profit: int
    roi: float | None


class Return(NamedTuple):
    """One campaign: leads it touched first and how far they came, its cost, and its credits.

    `touched` leads answered it at any time; `followed` are those it touched first who answered
    something again or became sales-ready.
    """

    campaign: str
    cost: int | None
    reached: tuple[int, ...]
    rejected: int
    touched: int
    followed: int
    first_touch: Credit
    last_before_ready: Credit
    even_split: Credit


class Returns(NamedTuple):
    """Campaigns, most credited (evenly) first; cost per cycle that reached each stage, in cents.

    `one_and_done` campaigns touched leads, and nothing ever followed.
    """

    campaigns: tuple[Return, ...]
    cost: int
    per_stage: tuple[int | None, ...]
    sales_time: int
    value: int
    one_and_done: int


class _Sums:
    def __init__(self) -> None:
        self.depths = [0] * len(STAGES)
        self.rejected = self.touched = self.followed = 0
        self.value = dict.fromkeys(WAYS, 0)
        self.time = dict.fromkeys(WAYS, 0)
        self.sales: dict[str, Counter[int]] = {way: Counter() for way in WAYS}


class ReturnMeasure(Measure):
    """Shares out sales and sales time over campaigns, in one pass.

    Args:
        costs: Cents by campaign.
        effort: Cents of sales time that a lead takes which reached a stage, by stage.
        margin: The share of revenue that is margin; all of it when nothing is assumed.
    """

    sums = ("_sums", "_depths", "_value", "_time")
    aspect = Aspect.EACH

    def __init__(
        self,
        costs: Mapping[str, int],
        effort: Mapping[str, int] | None = None,
        margin: float = 1.0,
    ) -> None:
        self._costs = costs
        self._spent = list(accumulate((effort or {}).get(stage, 0) for stage in STAGES))
        self._margin = margin
        self._sums: dict[str, _Sums] = {}
        self._depths = [0] * len(STAGES)
        self._value = self._time = 0

    def add(self, one: History, times: int = 1) -> None:
        """Count a cycle, or so many alike."""
        for _ in range(times):
            self._add(one)

    def _add(self, one: History) -> None:
        depth, won = one.depth, one.won
        self._depths[depth] += 1
        cents = (one.won_cents or 0) if won else 0
        time = self._spent[depth]
        self._value += cents
        self._time += time
        first, last, every = credited(one)
        start = self._of(first)
        start.depths[depth] += 1
        start.rejected += one.state == "rejected"
        start.followed += depth > 0 or len(one.campaigns) > 1
        for campaign in every:
            self._of(campaign).touched += 1
        self._of(last)
        if not cents and not time and not won:
            return
        for way, names in zip(WAYS, ((first,), (last,), every), strict=True):
            values, times = split(cents, len(names)), split(time, len(names))
            for name, value, spent in zip(names, values, times, strict=True):
                sums = self._of(name)
                sums.value[way] += value
                sums.time[way] += spent
                sums.sales[way][len(names)] += won

    def _of(self, campaign: str) -> _Sums:
        sums = self._sums.get(campaign)
        if sums is None:
            sums = self._sums[campaign] = _Sums()
        return sums

    def result(self) -> Returns:
        """Give the campaigns, those that only cost among them."""
        names = {*self._sums, *self._costs}
        found = [self._return(name) for name in names]
        found.sort(key=lambda r: (-r.even_split.value, -r.reached[0], r.campaign))
        cost, came = sum(self._costs.values()), reached(self._depths)
        return Returns(
            campaigns=tuple(found),
            cost=cost,
            per_stage=tuple(round(cost / n) if n and self._costs else None for n in came),
            sales_time=self._time,
            value=self._value,
            one_and_done=sum(
                r.reached[0] > 0 and r.followed == 0 and r.campaign != NO_CAMPAIGN for r in found
            ),
        )

    def _return(self, name: str) -> Return:
        sums = self._sums.get(name) or _Sums()
        cost = self._costs.get(name)
        return Return(
            name,
            cost,
            reached(sums.depths),
            sums.rejected,
            sums.touched,
            sums.followed,
            *(self._credit(sums, way, cost or 0) for way in WAYS),
        )

    def _credit(self, sums: _Sums, way: str, cost: int) -> Credit:
        value, time = sums.value[way], sums.time[way]
        profit = round(value * self._margin) - cost - time
        spent = cost + time
        sales = sum(Fraction(n, parts) for parts, n in sums.sales[way].items())
        return Credit(
            round(float(sales), 6), value, time, profit, profit / spent if spent else None
        )


def credited(one: History) -> tuple[str, str, tuple[str, ...]]:
    """Give the first campaign, the last one before the lead was sales-ready, and every one.

    Where nobody knows when it became sales-ready, the hand-off counts for it, else the sale, else
    now. Touches after the sale count for nothing.
    """
    touches, moments = one.campaigns, one.reached
    ended = moments.get("won")
    if ended is not None:
        touches = tuple([touch for touch in touches if touch[0] <= ended])
    if not touches:
        return NO_CAMPAIGN, NO_CAMPAIGN, (NO_CAMPAIGN,)
    ready = moments.get("sales_ready", moments.get("handed_off"))
    last = touches[-1][1]
    if ready is not None:
        last = next((name for at, name in reversed(touches) if at <= ready), NO_CAMPAIGN)
    return touches[0][1], last, tuple(dict.fromkeys([name for _, name in touches]))


def reached(depths: Sequence[int]) -> tuple[int, ...]:
    """Give how many reached each stage, from how many came just so far."""
    return tuple(accumulate(reversed(depths)))[::-1]


def split(cents: int, parts: int) -> Sequence[int]:
    """Share out whole cents evenly; the first ones take what does not divide."""
    each, rest = divmod(cents, parts)
    return [each + (i < rest) for i in range(parts)]


def effort_cents(hour_cents: float, hours: Mapping[str, float]) -> dict[str, int]:
    """Give what the hours of sales that a stage takes cost, by stage."""
    return {stage: round(hour_cents * given) for stage, given in hours.items()}
