"""Reads the store in bulk by ADBC, read-only. Imported in processes of their own alone."""

from __future__ import annotations

import sys
from contextlib import closing
from typing import Any

import duckdb

from connector.errors import TryLaterError

TABLES = ("people", "activities", "tallies", "again", "changed")
_SQLITE = {"adbc.sqlite.query.batch_rows": "16384"}
"""With its own 1,024 rows at once the driver spends a fifth of its time between them."""


class BulkReader:
    """A store that is open for reading, closed by `close`."""

    def __init__(self, connection: Any, options: dict[str, str] | None = None) -> None:
        self._connection = connection
        self._options = options

    def copy(
        self, duck: duckdb.DuckDBPyConnection, table: str, query: str, columns: str = "*"
    ) -> None:
        """Make a table of the rows of a query that have a person; `columns` are in DuckDB's
        words."""
        with self._connection.cursor(adbc_stmt_kwargs=self._options) as cursor:
            cursor.execute(query)
            duck.register("incoming", cursor.fetch_arrow())
            duck.execute(
                f"CREATE TABLE {table} AS SELECT {columns} FROM incoming WHERE person <> ''"
            )
            duck.unregister("incoming")

    def close(self) -> None:
        """Let the store go."""
        self._connection.close()


def read_store(duck: duckdb.DuckDBPyConnection, source: dict[str, Any]) -> None:
    """Copy what the queries select into tables; those that nobody asks for are not made."""
    with closing(connect(source["store"])) as reader:
        for table in TABLES:
            if table in source:
                reader.copy(duck, table, source[table])
    for table in {"activities", "again"} & source.keys():
        duck.execute(f"ALTER TABLE {table} ALTER machine TYPE BOOLEAN USING machine = 1")
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


def connect(url: str) -> BulkReader:
    """Open a store; raises TryLaterError when a server takes no more connections."""
    if url.startswith("sqlite:///"):
        path = url.removeprefix("sqlite:///")
        return BulkReader(driver("sqlite").connect(f"file:{path}?mode=ro"), _SQLITE)
    postgresql = driver("postgresql")
    try:
        return BulkReader(postgresql.connect(url))
    except postgresql.OperationalError:
        raise TryLaterError(
            "the bulk driver could not reach the PostgreSQL store",
            hint="Check that the database takes two more connections",
        ) from None
