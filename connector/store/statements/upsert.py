"""Insert, or replace or leave what stands under the same primary key: alike on both databases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Executable, Table
from sqlalchemy.dialects import sqlite

from connector.store.statements.bulk import execute_many


def upsert(tx: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store the rows, all with the same columns; where the key exists, the others are replaced."""
    if rows:
        execute_many(tx, _statement(table, tuple(rows[0]), tx.dialect.name), rows)


def insert_missing(tx: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store the rows, all with the same columns; where the key exists, what is there stays."""
    if rows:
        execute_many(tx, _insert_missing(table, tuple(rows[0]), tx.dialect.name), rows)


@lru_cache(maxsize=64)
def _insert_missing(table: Table, names: tuple[str, ...], dialect: str) -> Executable:
    statement: Any = _insert(dialect)(table).values(dict.fromkeys(names))
    made: Executable = statement.on_conflict_do_nothing()
    return made


@lru_cache(maxsize=64)
def _statement(table: Table, names: tuple[str, ...], dialect: str) -> Executable:
    statement: Any = _insert(dialect)(table).values(dict.fromkeys(names))
    keys = [column.name for column in table.primary_key]
    values = {name: statement.excluded[name] for name in names if name not in keys}
    made: Executable = statement.on_conflict_do_update(index_elements=keys, set_=values)
    return made


def _insert(dialect: str) -> Any:
    if dialect != "postgresql":
        return sqlite.insert
    from sqlalchemy.dialects import postgresql  # noqa: PLC0415  only where it is the store

    return postgresql.insert
