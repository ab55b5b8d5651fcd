"""Rows of several tables side by side, person by person, with no more than a page in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select

PAGE = 2_000
Row = tuple[Any, ...]


def in_order(tx: Connection, column: ColumnElement[str]) -> ColumnElement[str]:
    """Give the column to order by so that both databases order texts as Python compares them."""
    return column.collate("C") if tx.dialect.name == "postgresql" else column


def rows(tx: Connection, query: Select[Any]) -> Iterator[Row]:
    """Yield the rows of a query as the driver gives them: on SQLite a truth is 1 or 0."""
    if tx.dialect.name == "postgresql":
        for page in tx.execute(query, execution_options={"yield_per": PAGE}).partitions():
            yield from map(tuple, page)
        return
    result = tx.execute(query)
    cursor = result.cursor  # SQLite gives rows as they are found; SQLAlchemy would wrap each
    while cursor is not None and (page := cursor.fetchmany(PAGE)):
        yield from page
    result.close()


class Stream:
    """Rows whose first column is a person, in that order; asked for people in that order too."""

    def __init__(self, found: Iterator[Row]) -> None:
        self._rows = found
        self._head = next(found, None)

    def of(self, person: str) -> list[Row]:
        """Give the rows of one person; those of people nobody asks for are passed over."""
        head, more = self._head, self._rows
        mine: list[Row] = []
        while head is not None and head[0] <= person:
            if head[0] == person:
                mine.append(head)
            head = next(more, None)
        self._head = head
        return mine
