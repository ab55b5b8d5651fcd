"""The three drivers of a return: how many buy, what they bring, and what both cost.

For each campaign the money that one driver alone would make if it were as good as it is over all
campaigns together: where that is most, there is most to gain.
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from connector.funnel.returns import NO_CAMPAIGN, Return, Returns

LEAST = 30
"""Fewer leads, and what they did is more chance than merit."""
DRIVERS = ("conversion", "value", "cost")


class Drivers(NamedTuple):
    """A campaign by the leads it touched first; None in `campaign` is all together.

    `conversion` is sales of leads (0 to 1); money in cents. A gain is what the campaign's profit
    would be more; 0 where it is better than all together. `first` is the driver with most to gain.
    """

    campaign: str | None
    leads: int
    conversion: float
    value_per_sale: int | None
    cost_per_lead: int
    gain_conversion: int
    gain_value: int
    gain_cost: int
    first: str | None


class _Sums(NamedTuple):
    leads: int
    sales: int
    value: int
    spent: int


def drivers(found: Returns, margin: float = 1.0) -> tuple[Drivers, ...]:
    """Give all together, then each campaign with leads enough, most to gain first."""
    known = [r for r in found.campaigns if r.campaign != NO_CAMPAIGN and r.reached[0] >= LEAST]
    parts = {one.campaign: _sums(one) for one in known}
    if not parts:
        return ()
    everything = _Sums(*(sum(values) for values in zip(*parts.values(), strict=True)))
    rows = [_drivers(name, mine, everything, margin) for name, mine in parts.items()]
    rows.sort(key=lambda r: (-max(r.gain_conversion, r.gain_value, r.gain_cost), r.campaign or ""))
    return (_drivers(None, everything, everything, margin), *rows)


def _sums(one: Return) -> _Sums:
    spent = (one.cost or 0) + one.first_touch.sales_time
    return _Sums(one.reached[0], round(one.first_touch.sales), one.first_touch.value, spent)


def _drivers(name: str | None, mine: _Sums, usual: _Sums, margin: float) -> Drivers:
    part = Fraction(margin)
    worth = Fraction(usual.value, usual.sales) if usual.sales else Fraction(0)
    own = Fraction(mine.value, mine.sales) if mine.sales else worth
    more_sales = Fraction(usual.sales * mine.leads, usual.leads) - mine.sales
    less_cost = mine.spent - Fraction(usual.spent * mine.leads, usual.leads)
    gains = (
        max(0, round(more_sales * own * part)),
        max(0, round((worth - own) * mine.sales * part)),
        max(0, round(less_cost)),
    )
    best = max(gains)
    return Drivers(
        name,
        mine.leads,
        mine.sales / mine.leads,
        round(own) if mine.sales else None,
        round(Fraction(mine.spent, mine.leads)),
        *gains,
        DRIVERS[gains.index(best)] if best else None,
    )
