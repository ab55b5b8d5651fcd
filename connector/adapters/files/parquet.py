"""Reads Parquet files by DuckDB, in pages; no extension is installed or loaded for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb

from connector.adapters.files.reading import At, Read
from connector.errors import UsageError

_PAGE = 2_000


def parquet_columns(path: Path) -> list[str]:
    """Give the column names."""
    with _open() as connection:
        return [
            str(row[0]) for row in _query(connection, "DESCRIBE SELECT * FROM", path).fetchall()
        ]


def parquet_rows(path: Path, start: At | None) -> Iterator[Read]:
    """Yield rows in file order; a place is `file:row`."""
    done = start.offset if start else 0
    with _open() as connection:
        result = _query(connection, "SELECT * FROM", path, f" LIMIT ALL OFFSET {done}")
        names = [column[0] for column in result.description]
        while page := result.fetchmany(_PAGE):
            for values in page:
                done += 1
                row = dict(zip(names, values, strict=True))
                yield Read(row, None, f"{path.name}:{done}", At(done, done))


def _open() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(
        config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
    )


def _query(
    connection: duckdb.DuckDBPyConnection, select: str, path: Path, rest: str = ""
) -> duckdb.DuckDBPyConnection:
    quoted = str(path).replace("'", "''")
    try:
        return connection.execute(f"{select} read_parquet('{quoted}'){rest}")
    except duckdb.Error as error:
        raise UsageError(
            f"{path.name} is not a Parquet file we can read ({type(error).__name__})",
            hint="Write it anew, or give the data as CSV",
        ) from None
