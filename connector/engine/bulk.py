"""Reads the store in bulk by ADBC, read-only. Imported in processes of their own alone."""

from __future__ import annotations

import sys
from typing import Any

import duckdb

from connector.errors import TryLaterError

TABLES = ("people", "activities", "tallies")


def read_store(duck: duckdb.DuckDBPyConnection, source: dict[str, Any]) -> None:
    """Copy what the queries select into tables: people, activities, and tallies if asked for."""
    connection = connect(source["store"])
    try:
        for table in TABLES:
            if table not in source:
                continue
            copy(duck, connection, table, source[table])
    finally:
        connection.close()
    duck.execute("ALTER TABLE activities ALTER machine TYPE BOOLEAN USING machine = 1")
    for name, kind in source["fields"].items():
        if kind == "bool":
            column = '"' + name.replace('"', '""') + '"'
            duck.execute(f"ALTER TABLE people ALTER {column} TYPE BOOLEAN USING {column} = 1")


def driver(database: str) -> Any:
    """Load the bulk driver of a database, sqlite or postgresql, and give it."""
    # The drivers load whichever of these is installed; the rows go to DuckDB as they are.
    for unused in ("polars", "pyarrow"):
        sys.modules.setdefault(unused, None)  # type: ignore[arg-type]
    if database == "sqlite":
        from adbc_driver_sqlite import dbapi  # noqa: PLC0415

        return dbapi
    from adbc_driver_postgresql import dbapi as postgresql  # noqa: PLC0415

    return postgresql


def connect(url: str) -> Any:
    if url.startswith("sqlite:///"):
        return driver("sqlite").connect(f"file:{url.removeprefix('sqlite:///')}?mode=ro")
    postgresql = driver("postgresql")
    try:
        return postgresql.connect(url)
    except postgresql.OperationalError:
        raise TryLaterError(
            "the bulk driver could not reach the PostgreSQL store",
            hint="Check that the database takes two more connections",
        ) from None


def copy(
    duck: duckdb.DuckDBPyConnection, connection: Any, table: str, query: str, columns: str = "*"
) -> None:
    """Make a table of the rows of a query that have a person; `columns` are in DuckDB's words."""
    with connection.cursor() as cursor:
        cursor.execute(query)
        duck.register("incoming", cursor.fetch_arrow())
        duck.execute(f"CREATE TABLE {table} AS SELECT {columns} FROM incoming WHERE person <> ''")
        duck.unregister("incoming")
