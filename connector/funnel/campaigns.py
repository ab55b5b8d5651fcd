"""What campaigns brought, and whether that was worth their cost.

A campaign gets credit for a pass of a person in three ways, side by side, because none of them is
the truth: the first touch, the last touch before the lead was sales-ready, and an even split among
all campaigns that touched it. Money is in cents.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from connector.funnel.history import STAGES, History
from connector.funnel.statistics import mean, share, wilson

NO_CAMPAIGN = "no campaign"
FEW = 30
"""Below so many hand-offs a rate says little: it is shown with its interval and ranks nobody."""


class Effort(NamedTuple):
    """What is assumed: the cost of the sales time a hand-off takes, the margin of won value."""

    per_handoff: int | None = None
    margin: float | None = None


class Credit(NamedTuple):
    """Won value under one way of giving credit, and what comes back for each unit spent."""

    value: int
    roi: float | None


class Campaign(NamedTuple):
    """One campaign. `leads` came by it first; from `sales_ready` on it was the last touch before.

    `cost` is None where the cost file does not name it, `sales_cost` where no time is assumed.
    ROI is (won value x margin - cost - sales time) / (cost + sales time).
    """

    name: str
    leads: int
    sales_ready: int
    handed_off: int
    accepted: int
    won: int
    acceptance: float | None
    acceptance_between: tuple[float, float] | None
    few: bool
    cost: int | None
    sales_cost: int | None
    first: Credit
    last: Credit
    even: Credit


class Spent(NamedTuple):
    """The whole cost file, and what it comes to for each lead that reached a stage."""

    cost: int
    each: Mapping[str, int | None]


class CampaignMeasure:
    """Counts by campaign, in one pass.

    Args:
        costs: Cents by the campaign's name as activities have it (normalised).
        spelled: How people write the name, by the normalised one.
    """

    def __init__(
        self,
        costs: Mapping[str, int] | None = None,
        spelled: Mapping[str, str] | None = None,
        effort: Effort | None = None,
    ) -> None:
        self._costs = costs or {}
        self._spelled = spelled or {}
        self._effort = effort or Effort()
        self._leads: Counter[str] = Counter()
        self._reached: dict[str, list[int]] = {}
        self._values: dict[str, list[int]] = {}
        self._stages = [0] * len(STAGES)

    def add(self, one: History) -> None:
        """Count a pass."""
        touches = one.touches
        first = touches[0][1] if touches else NO_CAMPAIGN
        last = _last(one)
        self._leads[first] += 1
        reached = self._reached.setdefault(last, [0] * len(STAGES))
        for stage in range(one.depth + 1):
            reached[stage] += 1
            self._stages[stage] += 1
        if one.won and one.won_cents is not None:
            self._value(first)[0] += one.won_cents
            self._value(last)[1] += one.won_cents
            names = list(dict.fromkeys(name for _, name in touches)) or [NO_CAMPAIGN]
            part, rest = divmod(one.won_cents, len(names))
            for place, name in enumerate(names):
                self._value(name)[2] += part + (place < rest)

    def _value(self, name: str) -> list[int]:
        return self._values.setdefault(name, [0, 0, 0])

    def result(self) -> tuple[Campaign, ...]:
        """Give the campaigns, most won value by last touch first; no campaign comes last."""
        names = {*self._leads, *self._reached, *self._values, *self._costs}
        found = [self._campaign(name) for name in names]
        found.sort(
            key=lambda c: (c.name == NO_CAMPAIGN, -c.last.value, -c.won, -c.sales_ready, c.name)
        )
        return tuple(found)

    def spent(self) -> Spent | None:
        """Give what each lead cost, by the stage it reached; None without a cost file."""
        if not self._costs:
            return None
        cost = sum(self._costs.values())
        return Spent(
            cost, {name: mean(cost, n) for name, n in zip(STAGES, self._stages, strict=True)}
        )

    def _campaign(self, name: str) -> Campaign:
        _, ready, handed, accepted, _, won = self._reached.get(name, [0] * len(STAGES))
        values = self._values.get(name, [0, 0, 0])
        cost = self._costs.get(name)
        each = self._effort.per_handoff
        sales = None if each is None else each * handed
        given = [Credit(value, self._roi(value, cost, sales)) for value in values]
        return Campaign(
            name=self._spelled.get(name, name),
            leads=self._leads[name],
            sales_ready=ready,
            handed_off=handed,
            accepted=accepted,
            won=won,
            acceptance=share(accepted, handed),
            acceptance_between=wilson(accepted, handed),
            few=handed < FEW,
            cost=cost,
            sales_cost=sales,
            first=given[0],
            last=given[1],
            even=given[2],
        )

    def _roi(self, value: int, cost: int | None, sales: int | None) -> float | None:
        spent = (cost or 0) + (sales or 0)
        if cost is None or not spent:
            return None
        margin = 1.0 if self._effort.margin is None else self._effort.margin
        return (value * margin - spent) / spent


def _last(one: History) -> str:
    """The last campaign before the lead was sales-ready; before its hand-off where only that is
    known; its first one where all came later."""
    if not one.touches:
        return NO_CAMPAIGN
    until = one.reached.get("sales_ready", one.reached.get("handed_off"))
    before = [name for at, name in one.touches if until is None or at <= until]
    return before[-1] if before else one.touches[0][1]
