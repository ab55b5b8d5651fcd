"""Records that a webhook spoke of. Each is kept once, until a run has read it again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import Connection, and_, bindparam, delete, select

from connector.domain.moment import Micros
from connector.store.schema_sync import hint as table
from connector.store.statements.upsert import upsert


class Hint(NamedTuple):
    """A record to look at; `erased` when the CRM says that it was deleted for good."""

    source: str
    id: str
    erased: bool
    seen_at: Micros


def note(tx: Connection, connection: str, hints: Iterable[Hint]) -> None:
    """Keep hints; one that is kept already becomes the newer, and stays erased once it was."""
    mine = {(one.source, one.id): one for one in hints}
    known = {(one.source, one.id) for one in of(tx, connection) if one.erased} if mine else set()
    rows = [
        {
            "connection": connection,
            **one._replace(erased=one.erased or key in known)._asdict(),
        }
        for key, one in mine.items()
    ]
    if rows:
        upsert(tx, table, rows)


def of(tx: Connection, connection: str) -> list[Hint]:
    """Give the hints about a connection, in the order of their ids."""
    query = (
        select(table.c.source, table.c.id, table.c.erased, table.c.seen_at)
        .where(table.c.connection == connection)
        .order_by(table.c.source, table.c.id)
    )
    return [Hint(*row) for row in tx.execute(query)]


def drop(tx: Connection, connection: str, hints: Iterable[Hint]) -> None:
    """Forget hints that were followed; one that came anew meanwhile stays."""
    followed = [{"s": one.source, "i": one.id, "at": one.seen_at} for one in hints]
    if followed:
        tx.execute(
            delete(table).where(
                and_(
                    table.c.connection == connection,
                    table.c.source == bindparam("s"),
                    table.c.id == bindparam("i"),
                    table.c.seen_at == bindparam("at"),
                )
            ),
            followed,
        )
