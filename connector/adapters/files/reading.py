"""What reading a file gives, whatever its format: a row, or why there is none, and what is next."""

from __future__ import annotations

from typing import NamedTuple

from connector.adapters.base import Row
from connector.domain.record import Rejected


class At(NamedTuple):
    """Where the next row begins: byte offset (rows for Parquet) and line, both before it."""

    offset: int
    line: int


class Read(NamedTuple):
    """One row or its rejection, its place, and where the next one begins."""

    row: Row | None
    rejected: Rejected | None
    place: str
    next: At
