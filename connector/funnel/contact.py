"""Contact and success of leads that marketing gave to sales, and of those sales found itself."""

from __future__ import annotations

from typing import NamedTuple

from connector.funnel.history import STAGES
from connector.funnel.measure import Ask, quoted
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


class ContactMeasure:
    """Counts leads in sales' hands: what we handed off is marketing's; what we found is sales'."""

    def result(self, ask: Ask) -> tuple[Contact, ...]:
        """Give marketing's, then sales' own; none of which there is no lead."""
        rows = ask(
            f"""SELECT CASE WHEN given_at IS NULL THEN {quoted(SALES)} ELSE {quoted(MARKETING)} END
                    AS origin,
                count(*), count(*) FILTER (efforts > 0), sum(efforts),
                count(*) FILTER (depth >= {_QUALIFIED}), count(*) FILTER (won),
                count(won_cents) FILTER (won), coalesce(sum(won_cents) FILTER (won), 0)
            FROM pass WHERE depth >= {_HANDED_OFF} GROUP BY origin ORDER BY origin"""
        )
        return tuple(_contact(name, sums) for name, *sums in rows)


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
