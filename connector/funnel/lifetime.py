"""What customers are worth over all their purchases, and which products they bought."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from connector.domain.moment import Micros
from connector.funnel.measure import Ask
from connector.funnel.statistics import mean, share

_Sale = tuple[Micros, int | None]


class Product(NamedTuple):
    """Won leads whose deals name a product, and all that these leads brought, in cents.

    Deals that name several products count whole for each: there is no amount for each line.
    """

    name: str
    leads: int
    value: int


class Lifetime(NamedTuple):
    """Customers are people with a won deal. Money in cents; shares are 0 to 1, None of nothing.

    `per_customer` is over the `valued` ones, of whom some amount is known; `later` is what came
    after each one's first deal.
    """

    customers: int
    again: int
    again_share: float | None
    valued: int
    value: int
    per_customer: int | None
    later: int
    later_share: float | None
    products: tuple[Product, ...]


class LifetimeMeasure:
    """Collects won deals by person, over all passes."""

    def result(self, ask: Ask) -> Lifetime:
        """Give the figures; products that brought most come first."""
        found: dict[str, Counter[_Sale]] = {}
        sold: dict[str, list[int]] = {}
        for who, sales, products in ask(
            "SELECT person, sales, products FROM pass WHERE len(sales) > 0"
        ):
            mine = found.setdefault(who, Counter())
            for sale in sales:
                at = sale["moment"]
                mine[-1 if at is None else at, sale["cents"]] += 1
            for name in products or ():
                sums = sold.setdefault(name, [0, 0])
                sums[0] += 1
                sums[1] += sum(sale["cents"] or 0 for sale in sales)
        everybody = found.values()
        valued = sum(any(cents is not None for _, cents in mine) for mine in everybody)
        value = sum((cents or 0) * n for mine in everybody for (_, cents), n in mine.items())
        first = sum(min(mine, key=_when)[1] or 0 for mine in everybody)
        again = sum(mine.total() > 1 for mine in everybody)
        products = [Product(name, *sums) for name, sums in sold.items()]
        return Lifetime(
            customers=len(everybody),
            again=again,
            again_share=share(again, len(everybody)),
            valued=valued,
            value=value,
            per_customer=mean(value, valued),
            later=value - first,
            later_share=share(value - first, value),
            products=tuple(sorted(products, key=lambda p: (-p.value, -p.leads, p.name))),
        )


def _when(sale: _Sale) -> tuple[Micros, int]:
    """Deals without a date come first; of the same moment, the smaller."""
    return sale[0], sale[1] or 0
