"""What leads were worth: opportunities, and person records that name an amount themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import orjson
from sqlalchemy import Connection, Select, and_, case, or_, select

from connector.domain.moment import Micros
from connector.store.schema import person, record
from connector.store.statements.streams import Row, in_order

_DEAL = frozenset({"open", "won", "lost"})


class Deal(NamedTuple):
    """One opportunity: `cents` is None when it names no amount in the report's currency."""

    status: str | None
    cents: int | None
    created: Micros | None
    closed: Micros | None
    products: tuple[str, ...] = ()


class Counting(Protocol):
    """Counts deals, and those whose amount cannot be taken."""

    deals: int
    without_amount: int
    other_currency: int


def deals_query(tx: Connection, connection: str) -> Select[Any]:
    """Ask for each person's deals in one connection, for `deals_of`.

    Records of people that name no amount and have no opportunity are left out by the database.
    """
    own, deal = record.alias("own"), record.alias("deal")
    named = own.c.doc.like('%"amount"%')
    return (
        select(
            own.c.person,
            *(own.c.object, own.c.id, case((named, own.c.doc))),
            *(deal.c.object, deal.c.id, deal.c.doc),
        )
        .outerjoin(
            deal,
            and_(
                deal.c.connection == own.c.connection,
                deal.c.kind == "opportunity",
                deal.c.subject == own.c.id,
                ~deal.c.gone,
            ),
        )
        .where(
            own.c.person.in_(select(person.c.id)),
            own.c.connection == connection,
            own.c.kind == "person",
            ~own.c.gone,
            or_(named, deal.c.id.is_not(None)),
        )
        .order_by(in_order(tx, own.c.person), own.c.object, own.c.id, deal.c.object, deal.c.id)
    )


def deals_of(found: Sequence[Row], currency: str, worth: Counting) -> list[Deal]:
    """Read one person's deals, each once; counts them in `worth`."""
    if not found:
        return []
    own = {(row[1], row[2]): row[3] for row in found if row[3] is not None}
    named = [doc for doc in map(orjson.loads, own.values()) if "amount" in doc]
    opened = {(row[4], row[5]): row[6] for row in found if row[5] is not None}
    documents = [*named, *filter(_is_deal, map(orjson.loads, opened.values()))]
    return [_deal(doc, currency, worth) for doc in documents]


def _is_deal(doc: Mapping[str, Any]) -> bool:
    """Whether a record is worth something: one by which sales decides about a person is not."""
    return "amount" in doc or doc.get("status") in _DEAL


def _deal(doc: Mapping[str, Any], currency: str, worth: Counting) -> Deal:
    worth.deals += 1
    cents = _cents(doc.get("amount"))
    given = doc.get("currency")
    if cents is None:
        worth.without_amount += 1
    elif given is not None and str(given).strip().upper() != currency:
        worth.other_currency += 1
        cents = None
    status = doc.get("status")
    closed = moment_in(doc, "status_at") or moment_in(doc, "closed")
    return Deal(
        str(status) if status else None, cents, moment_in(doc, "created"), closed, _products(doc)
    )


def _products(doc: Mapping[str, Any]) -> tuple[str, ...]:
    """What was sold, each once, where the mapping reads line items (a list) or one name."""
    given = doc.get("products")
    names = given if isinstance(given, list) else [given]
    return tuple(sorted({str(name) for name in names if name not in (None, "")}))


def _cents(amount: object) -> int | None:
    """Whole cents; nothing, or less than a cent, is no amount."""
    if isinstance(amount, bool) or not isinstance(amount, int | float):
        return None
    cents = round(amount * 100)
    return cents if cents > 0 else None


def moment_in(doc: Mapping[str, Any], name: str) -> Micros | None:
    """A moment of a document, if it holds one under this name."""
    value = doc.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def pass_of(deal: Deal, opened: Sequence[tuple[int, Micros]]) -> int:
    """The pass a deal belongs to: the last one open when it was made, else the first."""
    at = deal.created if deal.created is not None else deal.closed
    if at is None:
        return opened[-1][0]
    return next((n for n, since in reversed(opened) if since <= at), opened[0][0])


def sum_of(deals: Iterable[Deal]) -> int | None:
    """The amounts together; None when none of them names one."""
    named = [deal.cents for deal in deals if deal.cents is not None]
    return sum(named) if named else None
