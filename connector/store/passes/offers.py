"""Offers to partners, and what they said to them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, case, func, select, update

from connector.domain.moment import Micros
from connector.store.persons.people import chunks
from connector.store.schema import cycle, person
from connector.store.schema import offer as table
from connector.store.statements.upsert import upsert

OPEN = ("offered", "yes", "no")
"""Offers the loop has still to act on; `yes` and `no` are answers it has not taken in yet."""


class Offer(NamedTuple):
    """A lead offered to a partner, named by the partner's owner key in the CRM."""

    person: str
    number: int
    partner: str
    state: str
    code: str
    offered_at: Micros
    due_at: Micros
    answered_at: Micros | None = None
    delivered: str = ""


_COLUMNS = [table.c[name] for name in Offer._fields]


def save(tx: Connection, rows: Sequence[Offer]) -> None:
    """Store offers, new ones and changed ones alike."""
    upsert(tx, table, [one._asdict() for one in rows])


def unsettled(tx: Connection) -> list[Offer]:
    """Give the offers the loop has still to act on, oldest first."""
    rows = tx.execute(
        select(*_COLUMNS)
        .where(table.c.state.in_(OPEN))
        .order_by(table.c.offered_at, table.c.person, table.c.partner)
    )
    return [Offer(*row) for row in rows.all()]


def of_partner(tx: Connection, partner: str) -> list[Offer]:
    """Give what a partner may see: open and accepted offers of people we know, oldest first."""
    rows = tx.execute(
        select(*_COLUMNS)
        .join(person, person.c.id == table.c.person)
        .where(table.c.partner == partner, table.c.state.in_((*OPEN, "accepted")))
        .order_by(table.c.offered_at, table.c.code)
    )
    return [Offer(*row) for row in rows.all()]


def codes_of(tx: Connection, people: Iterable[str]) -> list[str]:
    """Give the codes under which partners know these people."""
    found: list[str] = []
    for ids in chunks(people):
        found += tx.execute(select(table.c.code).where(table.c.person.in_(ids))).scalars()
    return sorted(found)


def refused(tx: Connection, people: Iterable[str]) -> dict[str, set[str]]:
    """Give the partners who declined each of these people, or never answered."""
    found: dict[str, set[str]] = {}
    for ids in chunks(people):
        rows = tx.execute(
            select(table.c.person, table.c.partner).where(
                table.c.person.in_(ids), table.c.state.in_(("declined", "timed_out"))
            )
        )
        for row in rows:
            found.setdefault(row.person, set()).add(row.partner)
    return found


def answer(tx: Connection, code: str, word: str, now: Micros) -> bool:
    """Note a partner's answer (`yes` or `no`); gives whether such an offer waits for one."""
    done = tx.execute(
        update(table)
        .where(table.c.code == code, table.c.state == "offered")
        .values(state=word, answered_at=now)
    )
    return bool(done.rowcount)


def conversion(tx: Connection) -> list[dict[str, int | str]]:
    """Count for each partner what was offered, accepted, declined, left unanswered and won."""

    def count(state: str) -> object:
        return func.sum(case((table.c.state == state, 1), else_=0)).label(state)

    won = func.sum(
        case(((table.c.state == "accepted") & (cycle.c.state == "won"), 1), else_=0)
    ).label("won")
    rows = tx.execute(
        select(
            table.c.partner,
            func.count().label("offers"),
            count("accepted"),  # type: ignore[call-overload]
            count("declined"),
            count("timed_out"),
            won,
        )
        .outerjoin(cycle, (cycle.c.person == table.c.person) & (cycle.c.number == table.c.number))
        .group_by(table.c.partner)
        .order_by(table.c.partner)
    )
    return [dict(row._mapping) for row in rows]
