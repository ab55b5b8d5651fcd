"""All passes of all people as one table in memory, which measures ask in SQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from connector.engine.duck import open_duck
from connector.funnel.measure import COLUMNS, MACROS, Row

_MEMORY = "700MB"
"""Of two processors' work on a million people; beyond it DuckDB keeps a part in a file."""


class Passes:
    """The table `pass`, and what it is made of."""

    def __init__(self, duck: duckdb.DuckDBPyConnection) -> None:
        self.duck = duck
        columns = ", ".join(f'"{name}" {kind}' for name, kind in COLUMNS.items())
        duck.execute(MACROS)
        duck.execute(f"CREATE TABLE pass ({columns})")

    def ask(self, query: str, /) -> list[Row]:
        """Ask in SQL."""
        return self.duck.execute(query).fetchall()


@contextmanager
def open_passes() -> Iterator[Passes]:
    """Give an empty table, gone afterwards."""
    duck = open_duck(memory=_MEMORY)
    try:
        yield Passes(duck)
    finally:
        duck.close()
