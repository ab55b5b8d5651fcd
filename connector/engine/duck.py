"""Opens DuckDB the one way we use it: no extension installed or loaded, memory bounded."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb


def open_duck(folder: Path | None = None, *, memory: str = "1400MB") -> duckdb.DuckDBPyConnection:
    """Open a database in memory that spills into `folder`."""
    config: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "memory_limit": memory,
        "preserve_insertion_order": "false",
    }
    if folder is not None:
        config["temp_directory"] = str(folder)
    return duckdb.connect(config=config)


_STEP = re.compile(r'^("__duckdb_s\d+" AS) NOT MATERIALIZED \($', re.MULTILINE)


def query_of(relation: duckdb.DuckDBPyRelation) -> str:
    """Give a relation's query in which DuckDB may read what several steps share once.

    The relations forbid it step by step, so that every grouping would scan the activities anew.
    """
    return _STEP.sub(r"\1 (", relation.sql_query())
