"""What each campaign cost and brought, with the credit for a sale given in three ways.

Which campaign "made" a sale is a convention, not a finding: so all three stand side by side, and a
campaign that is good in all of them is good. Each way gives away exactly what was won, to the cent.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import accumulate
from typing import NamedTuple

from connector.funnel.history import STAGES
from connector.funnel.measure import Ask, quoted

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

    def add(self, way: str, cents: int, time: int, won: int, parts: int) -> None:
        """Give credit for parts of sales, one in so many each."""
        self.value[way] += cents
        self.time[way] += time
        self.sales[way][parts] += won


_NONE = quoted(NO_CAMPAIGN)
_TOUCHED = """(
    SELECT depth, won, state, len(campaigns) > 1 AS again,
        CASE WHEN won THEN coalesce(won_cents, 0) ELSE 0 END AS cents,
        coalesce(sales_ready_at, handed_off_at) AS ready_at,
        CASE WHEN won_at IS NULL THEN campaigns
            ELSE list_filter(campaigns, lambda touch: touch.moment <= won_at) END AS touches
    FROM pass
)"""
_FIRST = f"""SELECT coalesce(touches[1].name, {_NONE}) AS name, depth, won, count(*),
    count(*) FILTER (state = 'rejected'), count(*) FILTER (depth > 0 OR again), sum(cents)
FROM {_TOUCHED} GROUP BY name, depth, won"""
_LAST = f"""SELECT coalesce(
        CASE WHEN ready_at IS NULL THEN touches[-1].name
            ELSE list_filter(touches, lambda touch: touch.moment <= ready_at)[-1].name END,
        {_NONE}
    ) AS name, depth, won, count(*), sum(cents)
FROM {_TOUCHED} GROUP BY name, depth, won"""
_EVERY = f"""SELECT name, won, parts, count(*),
    sum(cents // parts + CAST(place <= cents % parts AS INTEGER)),
    sum(spent // parts + CAST(place <= spent % parts AS INTEGER))
FROM (
    SELECT won, cents, spent, len(names) AS parts, unnest(names) AS name,
        unnest(range(1, len(names) + 1)) AS place
    FROM (
        SELECT won, cents, spent,
            CASE len(named) WHEN 0 THEN [{_NONE}] WHEN 1 THEN named
                ELSE list_filter(named, lambda name, at_: list_position(named, name) = at_)
            END AS names
        FROM (
            SELECT won, cents, [{{spent}}][depth + 1] AS spent,
                coalesce(list_transform(touches, lambda touch: touch.name), []) AS named
            FROM {_TOUCHED}
        )
    )
)
GROUP BY name, won, parts"""
"""Whole cents are shared out evenly; the first campaigns take what does not divide."""


class ReturnMeasure:
    """Shares out sales and sales time over campaigns.

    The first campaign is the one answered first; the last, the one answered last before the lead
    was sales-ready. Where nobody knows when it became so, the hand-off counts for it, else the
    sale, else now. Touches after the sale count for nothing.

    Args:
        costs: Cents by campaign.
        effort: Cents of sales time that a lead takes which reached a stage, by stage.
        margin: The share of revenue that is margin; all of it when nothing is assumed.
    """

    def __init__(
        self,
        costs: Mapping[str, int],
        effort: Mapping[str, int] | None = None,
        margin: float = 1.0,
    ) -> None:
        self._costs = costs
        self._spent = list(accumulate((effort or {}).get(stage, 0) for stage in STAGES))
        self._margin = margin

    def result(self, ask: Ask) -> Returns:
        """Give the campaigns, those that only cost among them."""
        sums: defaultdict[str, _Sums] = defaultdict(_Sums)
        depths, value = self._first(sums, ask)
        self._last(sums, ask)
        self._every(sums, ask)
        found = [self._return(name, sums[name]) for name in {*sums, *self._costs}]
        found.sort(key=lambda r: (-r.even_split.value, -r.reached[0], r.campaign))
        cost, came = sum(self._costs.values()), reached(depths)
        return Returns(
            campaigns=tuple(found),
            cost=cost,
            per_stage=tuple(round(cost / n) if n and self._costs else None for n in came),
            sales_time=sum(n * spent for n, spent in zip(depths, self._spent, strict=True)),
            value=value,
            one_and_done=sum(
                r.reached[0] > 0 and r.followed == 0 and r.campaign != NO_CAMPAIGN for r in found
            ),
        )

    def _first(self, sums: Mapping[str, _Sums], ask: Ask) -> tuple[list[int], int]:
        """Count by the first campaign; gives how many came just how far, and all that was won."""
        depths, value = [0] * len(STAGES), 0
        for name, depth, won, n, rejected, followed, cents in ask(_FIRST):
            mine = sums[name]
            mine.depths[depth] += n
            mine.rejected += rejected
            mine.followed += followed
            mine.add("first_touch", cents, n * self._spent[depth], won * n, 1)
            depths[depth] += n
            value += cents
        return depths, value

    def _last(self, sums: Mapping[str, _Sums], ask: Ask) -> None:
        for name, depth, won, n, cents in ask(_LAST):
            sums[name].add("last_before_ready", cents, n * self._spent[depth], won * n, 1)

    def _every(self, sums: Mapping[str, _Sums], ask: Ask) -> None:
        spent = ", ".join(map(str, self._spent))
        for name, won, parts, n, cents, time in ask(_EVERY.format(spent=spent)):
            sums[name].touched += n
            sums[name].add("even_split", cents, time, won * n, parts)

    def _return(self, name: str, sums: _Sums) -> Return:
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


def reached(depths: Sequence[int]) -> tuple[int, ...]:
    """Give how many reached each stage, from how many came just so far."""
    return tuple(accumulate(reversed(depths)))[::-1]


def effort_cents(hour_cents: float, hours: Mapping[str, float]) -> dict[str, int]:
    """Give what the hours of sales that a stage takes cost, by stage."""
    return {stage: round(hour_cents * given) for stage, given in hours.items()}
