"""Opens DuckDB the one way we use it: no extension installed or loaded, memory bounded."""

from __future__ import annotations

from pathlib import Path

import duckdb


def open_duck(folder: Path | None = None, *, memory: str = "2GB") -> duckdb.DuckDBPyConnection:
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
