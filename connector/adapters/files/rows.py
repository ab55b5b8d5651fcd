"""Reads rows out of CSV, JSONL and Parquet files: one at a time, each with its place.

A row that is broken becomes a Rejected with `file:line`, and reading goes on with the next line:
no neighbour is lost and no file, however hostile, is held in memory.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from connector.adapters.base import Row
from connector.adapters.files.reading import At, Read
from connector.domain.record import Rejected
from connector.errors import UsageError

MAX_ROW = 1_000_000
MAX_COLUMNS = 2_000
SUFFIXES = (".csv", ".jsonl", ".parquet")


def columns(path: Path) -> list[str]:
    """Give the column names of a file; of JSONL, those of its first hundred lines."""
    match path.suffix:
        case ".csv":
            with path.open("rb") as file:
                return _header(path, file)[0]
        case ".jsonl":
            names: dict[str, None] = {}
            for number, read in enumerate(rows(path, None)):
                names.update(dict.fromkeys(read.row or {}))
                if number >= 100:
                    break
            return list(names)
    from connector.adapters.files.parquet import parquet_columns  # noqa: PLC0415  DuckDB is large

    return parquet_columns(path)


def rows(path: Path, start: At | None) -> Iterator[Read]:
    """Yield every row from `start` on, in file order."""
    match path.suffix:
        case ".csv":
            yield from _csv(path, start)
        case ".jsonl":
            yield from _jsonl(path, start)
        case _:
            from connector.adapters.files.parquet import parquet_rows  # noqa: PLC0415

            yield from parquet_rows(path, start)


# --- CSV -----------------------------------------------------------------------------------------


def _csv(path: Path, start: At | None) -> Iterator[Read]:
    with path.open("rb") as file:
        names, at = _header(path, file)
        if start is not None:
            at = start
            file.seek(at.offset)
        while True:
            record, lines, refused = _record(file)
            if not record:
                return
            place = f"{path.name}:{at.line + 1}"
            at = At(at.offset + len(record), at.line + lines)
            if refused is None and not record.strip():
                continue
            row, reason = (None, refused) if refused else _fields(record, names)
            rejected = None if reason is None else Rejected(place, reason)
            yield Read(row, rejected, place, at)


def _header(path: Path, file: BinaryIO) -> tuple[list[str], At]:
    raw, lines, refused = _record(file)
    hint = "Give the file one line of column names, each once"
    if refused is not None:
        raise UsageError(f"{path.name}:1: the header {refused}", hint=hint)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(
            f"{path.name}:1: the header is not UTF-8", hint="Save the file as UTF-8"
        ) from None
    names = [name.strip() for name in next(csv.reader([text]), [])]
    doubled = {name for name in names if names.count(name) > 1}
    if not names or doubled or not all(names) or len(names) > MAX_COLUMNS:
        what = f"names {sorted(doubled)[0]} twice" if doubled else "has an empty name or no column"
        if len(names) > MAX_COLUMNS:
            what = f"has more than {MAX_COLUMNS:,} columns"
        raise UsageError(f"{path.name}:1: the header {what}", hint=hint)
    return names, At(len(raw), lines)


def _record(file: BinaryIO) -> tuple[bytes, int, str | None]:
    """Take one record, quoted line ends included: (bytes, lines, why it is refused or None).

    A quote that is never closed within a row's largest size refuses its first line only, so that
    reading is in step again on the next.
    """
    begin = file.tell()
    first = _line(file)
    if first.count(b'"') % 2 == 0:
        return first, 1, _too_long(first)
    parts, size, quotes = [first], len(first), first.count(b'"')
    while size <= MAX_ROW:
        more = _line(file)
        if not more:
            break
        parts.append(more)
        size += len(more)
        quotes += more.count(b'"')
        if quotes % 2 == 0:
            whole = b"".join(parts)
            return whole, len(parts), _too_long(whole)
    file.seek(begin + len(first))
    return first, 1, "has a quote that is never closed"


def _line(file: BinaryIO) -> bytes:
    """Take one physical line whole; what lies beyond the largest size is read and thrown away."""
    line = file.readline(MAX_ROW + 1)
    if len(line) <= MAX_ROW or line.endswith(b"\n"):
        return line
    length = len(line)
    while more := file.readline(MAX_ROW):
        length += len(more)
        if more.endswith(b"\n"):
            break
    return _Long(line[:64], length)


class _Long(bytes):
    """The beginning of an overlong line, with the length the whole one had."""

    _length: int

    def __new__(cls, head: bytes, length: int) -> _Long:
        made = super().__new__(cls, head.replace(b'"', b" "))
        made._length = length
        return made

    def __len__(self) -> int:
        return self._length


def _too_long(record: bytes) -> str | None:
    return f"is longer than {MAX_ROW:,} bytes" if len(record) > MAX_ROW else None


def _fields(record: bytes, names: list[str]) -> tuple[Row | None, str | None]:
    try:
        text = record.decode("utf-8")
    except UnicodeDecodeError as error:
        return None, f"is not UTF-8 (byte {error.start} of the row)"
    if "\x00" in text:
        return None, "holds a NUL byte"
    try:
        values = next(csv.reader([text], strict=True), [])
    except csv.Error:
        return None, "has a quote in the wrong place"
    if len(values) != len(names):
        return None, f"has {len(values)} values for {len(names)} columns"
    return {n: (v if v != "" else None) for n, v in zip(names, values, strict=True)}, None


# --- JSONL ---------------------------------------------------------------------------------------


def _jsonl(path: Path, start: At | None) -> Iterator[Read]:
    at = start or At(0, 0)
    with path.open("rb") as file:
        file.seek(at.offset)
        while line := _line(file):
            place = f"{path.name}:{at.line + 1}"
            at = At(at.offset + len(line), at.line + 1)
            reason = _too_long(line)
            if reason is None and not line.strip():
                continue
            row: Any = None
            if reason is None:
                row, reason = _object(line)
            yield Read(row, Rejected(place, reason) if reason else None, place, at)


def _object(line: bytes) -> tuple[Row | None, str | None]:
    try:
        value = orjson.loads(line.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError:
        return None, "is not JSON"
    if not isinstance(value, dict):
        return None, "is not a JSON object"
    if len(value) > MAX_COLUMNS:
        return None, f"has more than {MAX_COLUMNS:,} fields"
    return value, None
