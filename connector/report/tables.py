"""The figures of the report as flat tables, one CSV file each."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from connector.domain.text import inert

Row = dict[str, Any]


def report_tables(data: Mapping[str, Any]) -> dict[str, list[Row]]:
    """Give every list of rows that figures hold, by its place in them, such as kinds.source.

    What stands in a row as a list of rows of its own (the stages of a kind) is one table, each row
    with the name of the one it stood in.
    """
    return {name: [flat for row in rows for flat in _flat(row)] for name, rows in _lists(data, "")}


def write_tables(data: Mapping[str, Any], folder: Path) -> list[tuple[str, int]]:
    """Write each table as NAME.csv; gives file names and rows."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, rows in report_tables(data).items():
        columns = list(dict.fromkeys(column for row in rows for column in row))
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows({name: inert(value) for name, value in row.items()} for row in rows)
        written.append((f"{name}.csv", len(rows)))
    return written


def _lists(value: Mapping[str, Any], under: str) -> Iterator[tuple[str, list[Row]]]:
    for name, one in value.items():
        place = f"{under}.{name}" if under else name
        if isinstance(one, Mapping):
            yield from _lists(one, place)
        elif isinstance(one, list) and one and isinstance(one[0], Mapping):
            yield place, one


def _flat(row: Mapping[str, Any]) -> Iterator[Row]:
    inner = next((v for v in row.values() if _is_rows(v)), None)
    mine = _cells({k: v for k, v in row.items() if not _is_rows(v)}, "")
    if inner is None:
        yield mine
        return
    for one in inner:
        yield mine | _cells(one, "")


def _is_rows(value: object) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], Mapping)


def _cells(row: Mapping[str, Any], under: str) -> Row:
    cells: Row = {}
    for name, value in row.items():
        place = f"{under}.{name}" if under else name
        if isinstance(value, Mapping):
            cells |= _cells(value, place)
        elif place.endswith("interval"):
            low, high = value or (None, None)
            cells |= {f"{place}.low": low, f"{place}.high": high}
        elif isinstance(value, list | tuple):
            cells[place] = "; ".join(map(str, value))
        else:
            cells[place] = value
    return cells
