"""How far each object has been read. A checkpoint is saved with the rows it covers."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, select

from connector.domain.moment import Micros
from connector.store.schema import checkpoint as table
from connector.store.upsert import upsert


class Checkpoint(NamedTuple):
    """Everything below `done_until` is in the store.

    While a window is open, [window_since, window_until), `position` is where its next page begins.
    """

    connection: str
    object: str
    kind: str
    done_until: Micros | None
    window_since: Micros | None
    window_until: Micros | None
    position: str | None
    mapping: str
    run: str
    fence: int


def load(tx: Connection, connection: str, obj: str, kind: str = "increment") -> Checkpoint | None:
    """Give the checkpoint of an object; None before its first page."""
    row = tx.execute(
        select(table).where(
            table.c.connection == connection, table.c.object == obj, table.c.kind == kind
        )
    ).one_or_none()
    return Checkpoint(**row._mapping) if row is not None else None


def save(tx: Connection, one: Checkpoint) -> None:
    """Store the checkpoint, in the transaction of the rows it covers."""
    upsert(tx, table, [one._asdict()])
