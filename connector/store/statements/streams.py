"""Rows of several tables side by side, person by person, with no more than a page in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import closing
from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, Connection, Select, TextClause, text

PAGE = 2_000
Row = tuple[Any, ...]


def in_order(tx: Connection, column: ColumnElement[str]) -> ColumnElement[str]:
    """Give the column to order by so that both databases order texts as Python compares them."""
    return column.collate("C") if tx.dialect.name == "postgresql" else column


Query = Select[Any] | CompoundSelect[Any] | TextClause | str
"""A text is SQL that is taken as it stands."""


def rows(tx: Connection, query: Query) -> Generator[Row, None, None]:
    """Yield the rows of a query as the driver gives them: on SQLite a truth is 1 or 0."""
    with closing(pages(tx, query)) as found:
        for page in found:
            yield from page


def pages(tx: Connection, query: Query) -> Generator[Sequence[Row], None, None]:
    """Yield the same, a page at a time."""
    on_server = tx.dialect.name == "postgresql"
    how: dict[str, Any] = {"yield_per": PAGE} if on_server else {}
    if isinstance(query, str):
        result = tx.exec_driver_sql(query, execution_options={**how, "no_parameters": True})
    else:
        result = tx.execute(query, execution_options=how)
    try:
        if on_server:
            for found in result.partitions():
                yield [tuple(row) for row in found]
            return
        cursor = result.cursor  # SQLite gives rows as they are found; SQLAlchemy would wrap each
        while cursor is not None and (page := cursor.fetchmany(PAGE)):
            yield page
    finally:
        result.close()


def counted(tx: Connection, columns: Sequence[str], source: str) -> dict[Row, int]:
    """Count the rows that are alike in all columns; SQLite would sort all rows to group them."""
    query = f"SELECT {', '.join(columns)}"
    if tx.dialect.name != "postgresql":
        return Counter(rows(tx, text(f"{query} FROM {source}")))
    places = ", ".join(str(place + 1) for place in range(len(columns)))
    found = tx.execute(text(f"{query}, COUNT(*) FROM {source} GROUP BY {places}"))
    return {tuple(row): int(n) for *row, n in found}


_NOBODY = "\U0010ffff"
"""Behind everybody, in the order of code points."""


class Stream:
    """Rows whose first column is a person, in that order; asked for people in that order too."""

    def __init__(self, found: Generator[Row, None, None]) -> None:
        self._rows = found
        self._head = next(found, None)
        self._person = self._head[0] if self._head is not None else _NOBODY

    def of(self, person: str) -> list[Row]:
        """Give the rows of one person; those of people nobody asks for are passed over."""
        if self._person > person:
            return []
        head, more = self._head, self._rows
        mine: list[Row] = []
        while head is not None and (at := head[0]) <= person:
            if at == person:
                mine.append(head)
            head = next(more, None)
        self._head = head
        self._person = head[0] if head is not None else _NOBODY
        return mine

    def close(self) -> None:
        """Let go of rows that nobody asks for any more."""
        self._rows.close()
