"""Insert, or replace what stands under the same primary key: one statement on both databases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def upsert(tx: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store the rows; where the key exists, all other columns take the new values."""
    if not rows:
        return
    insert = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
    statement = insert(table)
    keys = [column.name for column in table.primary_key]
    values = {n: statement.excluded[n] for n in rows[0] if n not in keys}
    tx.execute(
        statement.on_conflict_do_update(index_elements=keys, set_=values),
        [dict(row) for row in rows],
    )
