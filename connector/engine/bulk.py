"""Reads the store in bulk by ADBC, read-only. Imported where people are scored or counted alone."""

from __future__ import annotations

import sys
from importlib import import_module
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
    unused = [name for name in ("polars", "pyarrow") if name not in sys.modules]
    sys.modules.update(dict.fromkeys(unused))  # type: ignore[arg-type]
    try:
        return import_module(f"adbc_driver_{database}.dbapi")
    finally:
        for name in unused:
            del sys.modules[name]


def connect(url: str) -> Any:
    if url.startswith("sqlite:///"):
        return driver("sqlite").connect(f"file:{url.removeprefix('sqlite:///')}?mode=ro")
    postgresql = driver("postgresql")
    try:
        return postgresql.connect(url)
    except postgresql.OperationalError:
        raise TryLaterError(
            "the PostgreSQL store took no further connection to read in bulk",
            hint="Check that the database takes one more connection",
        ) from None


def copy(
    duck: duckdb.DuckDBPyConnection, connection: Any, table: str, query: str, columns: str = "*"
) -> None:
    """Make a table of those rows of a query that have a person; `columns` are in DuckDB's words."""
    with connection.cursor() as cursor:
        cursor.execute(query)
        duck.register("incoming", cursor.fetch_arrow())
        duck.execute(f"CREATE TABLE {table} AS SELECT {columns} FROM incoming WHERE person <> ''")
        duck.unregister("incoming")
