"""What the loop notes about itself: one small value by name."""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy import Connection, delete, select

from connector.store.persons.people import dumps
from connector.store.schema import note as table
from connector.store.statements.upsert import upsert


def get(tx: Connection, name: str) -> Any:
    """Give the value; None when there is none."""
    text = tx.execute(select(table.c.value).where(table.c.name == name)).scalar()
    return orjson.loads(text) if text is not None else None


def put(tx: Connection, name: str, value: object) -> None:
    """Store the value, JSON of any shape."""
    upsert(tx, table, [{"name": name, "value": dumps(value)}])


def drop(tx: Connection, name: str) -> None:
    """Forget the value."""
    tx.execute(delete(table).where(table.c.name == name))
