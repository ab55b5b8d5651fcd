"""How far each object has been read. A checkpoint is saved with the rows it covers."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, bindparam, select

from connector.domain.moment import Micros
from connector.store.schema import checkpoint as table
from connector.store.statements.upsert import upsert


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


_ONE = select(*(table.c[name] for name in Checkpoint._fields)).where(
    table.c.connection == bindparam("connection_"),
    table.c.object == bindparam("object_"),
    table.c.kind == bindparam("kind_"),
)


def load(tx: Connection, connection: str, obj: str, kind: str = "increment") -> Checkpoint | None:
    """Give the checkpoint of an object; None before its first page."""
    key = {"connection_": connection, "object_": obj, "kind_": kind}
    row = tx.execute(_ONE, key).one_or_none()
    return Checkpoint(*row) if row is not None else None


def save(tx: Connection, one: Checkpoint) -> None:
    """Store the checkpoint, in the transaction of the rows it covers."""
    upsert(tx, table, [one._asdict()])
