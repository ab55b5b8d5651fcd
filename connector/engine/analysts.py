"""Turns a CSV file of known columns into Parquet with their types."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from connector.engine.duck import open_duck


def to_parquet(file: Path, columns: Mapping[str, str], target: Path) -> None:
    """Write the rows of `file` to `target`; `columns` gives each column's type, in order."""
    duck = open_duck()
    try:
        kinds = ", ".join(f"{_text(name)}: {_text(kind)}" for name, kind in columns.items())
        duck.execute(
            f"COPY (SELECT * FROM read_csv({_text(str(file))}, header=true, auto_detect=false, "
            f"columns={{{kinds}}}, delim=',', quote='\"', escape='\"', nullstr='', "
            "strict_mode=true, max_line_size=10000000, "
            f"timestampformat='%Y-%m-%dT%H:%M:%SZ')) TO {_text(str(target))} (FORMAT PARQUET)"
        )
    finally:
        duck.close()


def _text(value: str) -> str:
    doubled = value.replace("'", "''")
    return f"'{doubled}'"
