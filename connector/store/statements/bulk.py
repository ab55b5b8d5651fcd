"""Many rows by one statement: compiled once, its rows handed to the driver as they are.

SQLAlchemy looks at each parameter of each row; for a page of thousands that costs more than the
database's own work. Values must be such as the driver takes: text, numbers, truths, None.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import Boolean, Connection, Executable, Table
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError

_SQLITE = sqlite.dialect()
_VALUES = 999
"""Values to a statement at most: so many every SQLite takes, however it was built."""

Row = Mapping[str, Any]


class _Compiled(NamedTuple):
    sql: str
    arrange: Callable[[Row], Any]


def execute_many(tx: Connection, statement: Executable, rows: Sequence[Row]) -> None:
    """Run a statement once for each row of its parameters.

    The statement is remembered by identity: it stands at the top of a module, made once.
    """
    if rows:
        sql, arrange = _compiled(statement, tx.dialect.name)
        tx.exec_driver_sql(sql, [arrange(row) for row in rows])


def insert_many(
    tx: Connection, table: Table, names: tuple[str, ...], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Insert new rows, each a tuple in the order of `names`: COPY where there is one.

    On SQLite a column that holds nothing in any row is left to its default, which must be NULL.
    """
    if not rows:
        return
    if tx.dialect.name != "postgresql":
        _insert_on_sqlite(tx, table, *_as_bound(table, names, rows))
        return
    import psycopg  # noqa: PLC0415  only where PostgreSQL is the store

    if not tx.in_transaction():
        tx.begin()  # COPY passes SQLAlchemy by, which would see nothing to commit

    try:
        with (
            tx.connection.driver_connection.cursor() as cursor,  # type: ignore[union-attr]
            cursor.copy(f'COPY "{table.name}" ({_listed(names)}) FROM STDIN') as copy,
        ):
            for row in rows:
                copy.write_row(row)
    except psycopg.Error as error:
        raise DBAPIError.instance(
            f"COPY {table.name}", None, error, psycopg.Error, dialect=tx.dialect
        ) from error


def _as_bound(
    table: Table, names: tuple[str, ...], rows: Sequence[tuple[Any, ...]]
) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """The columns that hold something, and their values: text and numbers are bound as they are,
    for a None or a truth the driver looks up each time how it is to be written.
    """
    held: dict[str, Any] = {}
    for name, column in zip(names, zip(*rows, strict=True), strict=True):
        nothing = column.count(None)
        if nothing < len(column):
            is_truth = not nothing and isinstance(table.c[name].type, Boolean)
            held[name] = map(int, column) if is_truth else column
    return tuple(held), list(zip(*held.values(), strict=True))


def _insert_on_sqlite(
    tx: Connection, table: Table, names: tuple[str, ...], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Insert many rows by each statement, and what is left one by one: a statement begins anew at
    the root of each index, and a row that follows the one before is found to do so only within it.
    """
    most = _VALUES // len(names)
    begun = len(rows) % most if len(rows) >= most else len(rows)
    if begun:
        tx.exec_driver_sql(_insert(table, names, 1), list(rows[:begun]))
    if begun < len(rows):
        joined = [
            tuple(chain.from_iterable(rows[start : start + most]))
            for start in range(begun, len(rows), most)
        ]
        tx.exec_driver_sql(_insert(table, names, most), joined)


@lru_cache(maxsize=256)
def _insert(table: Table, names: tuple[str, ...], rows: int) -> str:
    marks = ", ".join("?" * len(names))
    values = ", ".join([f"({marks})"] * rows)
    return f'INSERT INTO "{table.name}" ({_listed(names)}) VALUES {values}'


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f'"{name}"' for name in names)


@lru_cache(maxsize=1)
def _postgresql() -> Any:
    from sqlalchemy.dialects import postgresql  # noqa: PLC0415  only where it is the store

    return postgresql.psycopg.dialect()  # type: ignore[no-untyped-call]


@lru_cache(maxsize=64)
def _compiled(statement: Executable, dialect: str) -> _Compiled:
    """The statement's text, and the function that lays a row out as the driver wants it."""
    on_postgresql = dialect == "postgresql"
    made: Any = statement.compile(  # type: ignore[attr-defined]
        dialect=_postgresql() if on_postgresql else _SQLITE
    )
    fixed = {name: value for name, value in made.params.items() if value is not None}
    if on_postgresql:
        return _Compiled(str(made), lambda row: {**fixed, **row})
    order = made.positiontup
    if fixed or len(order) == 1:
        return _Compiled(
            str(made), lambda row: tuple(row[n] if n in row else fixed[n] for n in order)
        )
    return _Compiled(str(made), itemgetter(*order))
