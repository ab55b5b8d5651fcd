"""Runs a compiled program up to its scores: makes the tables that these are asked of."""

from __future__ import annotations

import duckdb

from connector.engine.duck import make_empty, make_table
from connector.engine.steps import COUNTED_BEFORE, SLICE, Program

_AT_ONCE = 50_000
"""People of whom lists are gathered at a time: DuckDB holds those of all in memory at once."""


def make_tables(duck: duckdb.DuckDBPyConnection, program: Program) -> None:
    """Count everybody: make the tables that the scores are asked of.

    Of what was counted before, tables that are not there are made, empty.
    """
    for name, columns in COUNTED_BEFORE.items():
        make_empty(duck, name, columns)
    duck.execute("CREATE TABLE IF NOT EXISTS again AS FROM activities LIMIT 0")
    (changed,) = duck.execute("SELECT EXISTS (FROM changed)").fetchone() or (False,)
    (people,) = duck.execute("SELECT count(*) FROM people").fetchone() or (0,)
    for name, query in program.steps(changed=changed):
        if not query:
            duck.execute(f"DROP TABLE {name}")
            continue
        first, *others = _slices(query, 1 + people // _AT_ONCE)
        make_table(duck, name, first)
        for slice_ in others:
            duck.execute(f"INSERT INTO {name} {slice_}")


def _slices(query: str, count: int) -> list[str]:
    if SLICE not in query:
        return [query]
    return [query.replace(SLICE, f"hash(person) % {count} = {n}") for n in range(count)]
