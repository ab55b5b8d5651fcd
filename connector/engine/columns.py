"""Reads a table of any columns from CSV or Parquet, for learning."""

from __future__ import annotations

import csv
import math
from pathlib import Path

from connector.engine.duck import open_duck
from connector.errors import UsageError

Value = str | float | None


def read_columns(path: Path) -> dict[str, list[Value]]:
    """Give each column: numbers where all that is known is numbers, else texts; blanks are None.

    A header that names a column twice gets `.2` added to the second. Raises UsageError.
    """
    if not path.is_file():
        raise UsageError(f"there is no file {path}", hint="Check --table")
    names, rows = _parquet(path) if path.suffix == ".parquet" else _csv(path)
    columns = {name: [row[place] for row in rows] for place, name in enumerate(_unique(names))}
    return {name: _typed(column) for name, column in columns.items()}


def _csv(path: Path) -> tuple[list[str], list[list[str | None]]]:
    with path.open(encoding="utf-8-sig", newline="", errors="replace") as file:
        reader = csv.reader(file)
        names = next(reader, [])
        rows: list[list[str | None]] = []
        for row in reader:
            if not row:
                continue
            if len(row) != len(names):
                raise UsageError(
                    f"{path.name}:{reader.line_num}: {len(row)} values under {len(names)} names",
                    hint="Mend that line, or quote the value",
                )
            rows.append(list(row))
    if not names:
        raise UsageError(f"{path.name} is empty", hint="Its first line names the columns")
    return names, rows


def _parquet(path: Path) -> tuple[list[str], list[list[str | None]]]:
    duck = open_duck()
    try:
        quoted = str(path).replace("'", "''")
        result = duck.execute(f"SELECT * FROM read_parquet('{quoted}')")
        names = [column[0] for column in result.description]
        rows = [[None if v is None else str(v) for v in row] for row in result.fetchall()]
        return names, rows
    finally:
        duck.close()


def _unique(names: list[str]) -> list[str]:
    seen: dict[str, int] = {}
    given = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        given.append(name if seen[name] == 1 else f"{name}.{seen[name]}")
    return given


def _typed(column: list[str | None]) -> list[Value]:
    texts = [None if v is None or not v.strip() else v.strip() for v in column]
    numbers: list[Value] = []
    for text in texts:
        try:
            number = None if text is None else float(text)
        except ValueError:
            return list(texts)
        numbers.append(number if number is not None and math.isfinite(number) else None)
    return numbers
