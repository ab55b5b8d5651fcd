"""Fills a new store with the people and activities of Parquet files; says how many activities.

filled FOLDER STORE          through the store, page by page, as resolve leaves them
filled FOLDER STORE quick    activities past it: the same rows and indexes, laid down at once
"""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import duckdb

from connector.store.database import Store, open_store
from connector.store.persons import people
from connector.store.schema import activity
from connector.store.statements.bulk import insert_many

PAGE = 20_000
_ACTIVITY = {
    "connection": "'crm'",
    "object": "'visit'",
    "duplicate": "false",
    "person": "person",
    "id": "id",
    "type": "type",
    "time": "time",
    "url": "url",
    "asset": "asset",
    "campaign": "campaign",
    "form": "form",
    "channel": "channel",
    "visit": "visit",
    "machine": "machine",
}
"""What each column of the store's is, in DuckDB's words."""


def fill(folder: str, path: str, how: str = "") -> int:
    """Write everything as resolve leaves it; gives the number of activities."""
    store = open_store(f"sqlite:///{path}")
    with store.write() as tx:
        for page in _pages(f"SELECT p FROM '{folder}/people.parquet' p"):
            people.save_people(tx, [_person(one) for (one,) in page], "0")
    rows = _pages(f"SELECT {', '.join(_ACTIVITY.values())} FROM '{folder}/activities.parquet'")
    if how != "quick":
        done = sum(_page(store, page) for page in rows)
        store.close()
        return done
    store.close()
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        return _at_once(file, rows)


def _page(store: Store, rows: list[tuple[Any, ...]]) -> int:
    with store.write() as tx:
        insert_many(tx, activity, tuple(_ACTIVITY), rows)
    return len(rows)


def _at_once(file: sqlite3.Connection, pages: Iterator[list[tuple[Any, ...]]]) -> int:
    """Nothing need survive a crash, and an index over all rows is sorted once."""
    file.execute("PRAGMA synchronous = OFF")
    indexes = file.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'activity' "
        "AND sql IS NOT NULL"
    ).fetchall()
    for name, _ in indexes:
        file.execute(f"DROP INDEX {name}")
    marks = ", ".join("?" for _ in _ACTIVITY)
    for page in pages:
        file.execute("BEGIN")
        file.executemany(f"INSERT INTO activity ({', '.join(_ACTIVITY)}) VALUES ({marks})", page)
        file.execute("COMMIT")
    for _, made in indexes:
        file.execute(made)
    return int(file.execute("SELECT count(*) FROM activity").fetchone()[0])


def _person(known: dict[str, Any]) -> dict[str, Any]:
    """Ten people make an account."""
    who = known.pop("person")
    known["account.key"] = f"crm/{who[:-1] or 'p'}"
    facts = {name: value for name, value in known.items() if value not in {None, ""}}
    return {"id": who, "facts": people.dumps(facts), "doc": "{}", "excluded": None}


def _pages(query: str) -> Iterator[list[tuple[Any, ...]]]:
    rows = duckdb.execute(query)
    while page := rows.fetchmany(PAGE):
        yield page


if __name__ == "__main__":
    print(json.dumps(fill(*sys.argv[1:])))
