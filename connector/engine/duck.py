"""Opens DuckDB the one way we use it: no extension installed or loaded, memory bounded."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import duckdb


def open_duck(
    folder: Path | None = None, *, memory: str = "1400MB", threads: int | None = None
) -> duckdb.DuckDBPyConnection:
    """Open a database in memory that spills into `folder`; a thread for each core, or as told."""
    config: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "memory_limit": memory,
        "preserve_insertion_order": "false",
    }
    if folder is not None:
        config["temp_directory"] = str(folder)
    if threads is not None:
        config["threads"] = threads
    duck = duckdb.connect(config=config)
    # Each step of a query is nested in the one before: 1,000 are those of some 120 rules.
    duck.execute("SET max_expression_depth TO 10000")
    return duck


_STEP = re.compile(r'^("__duckdb_s\d+" AS) NOT MATERIALIZED \($', re.MULTILINE)


def query_of(relation: duckdb.DuckDBPyRelation) -> str:
    """Give a relation's query in which DuckDB may read what several steps share once.

    The relations forbid it step by step, so that every grouping would scan the activities anew.
    """
    return _STEP.sub(r"\1 (", relation.sql_query())


def make_empty(duck: duckdb.DuckDBPyConnection, name: str, columns: Mapping[str, str]) -> None:
    """Make a table of these columns, each with its type, where there is none of that name."""
    listed = ", ".join(f'"{_doubled(column)}" {kind}' for column, kind in columns.items())
    duck.execute(f"CREATE TABLE IF NOT EXISTS {name} ({listed})")


def make_table(duck: duckdb.DuckDBPyConnection, name: str, query: str) -> None:
    """Make a table of what a query finds, which may read the one it replaces."""
    duck.execute(f"CREATE OR REPLACE TABLE {name} AS {query}")


_VALUE = re.compile(r"""(?<!\w)(["'])(?:.*\1(?!\w)|.*)|(?<=with value )\S+""")
"""A value in its words: quoted, to the end of the line where it goes on, or a number. That it
"can't" do something is no quote."""
_OF_NAMES = (duckdb.BinderException, duckdb.CatalogException)
"""What these quote are names of columns and tables."""


def safe_words(error: duckdb.Error) -> str:
    """Give the first line of DuckDB's words without values: what was wrong, and with what type."""
    said = str(error).splitlines()[0]
    if not isinstance(error, _OF_NAMES):
        said = _VALUE.sub("...", said)
    return f"{type(error).__name__}: {said[:300]}"


def _doubled(column: str) -> str:
    return column.replace('"', '""')
