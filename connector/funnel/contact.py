"""Contact and success of leads that marketing gave to sales, and of those sales found itself."""

from __future__ import annotations

from typing import NamedTuple

from connector.funnel.history import STAGES, History
from connector.funnel.measure import Measure
from connector.funnel.statistics import mean, share, wilson

MARKETING, SALES = "marketing", "sales"
_HANDED_OFF, _QUALIFIED = STAGES.index("handed_off"), STAGES.index("qualified")


class Contact(NamedTuple):
    """Leads in sales' hands by who brought them. Shares are 0 to 1; money in cents.

    `contacted` are those for which some owner did something, `efforts` all that owners did.
    """

    origin: str
    leads: int
    contacted: int
    share: float | None
    interval: tuple[float, float] | None
    efforts: int
    qualified: int
    won: int
    value: int
    value_per_sale: int | None


class ContactMeasure(Measure):
    """Counts in one pass. What we handed off is marketing's; what we found there is sales' own."""

    sums = ("_sums",)

    def __init__(self) -> None:
        self._sums: dict[str, list[int]] = {}

    def add(self, one: History, times: int = 1) -> None:
        """Count a cycle, or so many alike, if it came into sales' hands."""
        depth = one.depth
        if depth < _HANDED_OFF:
            return
        sums = self._sums.setdefault(SALES if one.handoff is None else MARKETING, [0] * 7)
        valued = one.won and one.won_cents is not None
        found = (1, one.efforts > 0, one.efforts, depth >= _QUALIFIED, one.won, valued,
                 one.won_cents if valued else 0)  # fmt: skip
        for at, value in enumerate(found):
            sums[at] += times * (value or 0)

    def result(self) -> tuple[Contact, ...]:
        """Give marketing's, then sales' own; none of which there is no lead."""
        return tuple(_contact(name, self._sums[name]) for name in sorted(self._sums))


def _contact(origin: str, sums: list[int]) -> Contact:
    leads, contacted, efforts, qualified, won, valued, value = sums
    return Contact(
        origin,
        leads,
        contacted,
        share(contacted, leads),
        wilson(contacted, leads),
        efforts,
        qualified,
        won,
        value,
        mean(value, valued),
    )
