"""What a run costs that has nothing to do, by the size of the store, and what the store takes.

    python -m benchmarks.idle --people 1000000

A thousand leads go through the whole loop; then their rows in the store are multiplied by SQL, so
that a store of any size is made in minutes, with everybody scored and written. Nothing moves in the
CRM from then on. The first run afterwards is not counted: it meets a cold cache.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from urllib.request import urlopen

from benchmarks.clients.our_pull import prepare
from benchmarks.measuring import Measured, measured, module, table
from benchmarks.pull import serving

BASE = 1_000
SIZES = (1_000, 100_000, 1_000_000)
FIRST, LATER = "2026-06-01T00:00:00Z", "2026-06-01T00:15:00Z"
COLUMNS = ("people", "wall s", "CPU s", "peak MB", "calls", "rows added", "store MB", "bytes each")
_TABLES = (
    "person",
    "record",
    "identity_key",
    "score",
    "cycle",
    "move",
    "last_written",
    "outbox",
    "journal",
)
_NAMES = frozenset({"id", "record", "person", "value"})
"""Columns that name one person or record; their copies get a number behind the name."""


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(prog="benchmarks.idle")
    asked.add_argument("--people", type=int, default=SIZES[-1])
    most = asked.parse_args().people
    print(part([size for size in SIZES if size < most] + [most]))


def part(sizes: list[int]) -> str:
    """Measure a growing store; gives the table."""
    shown = []
    with serving("salesforce", BASE) as address, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder, "salesforce", address, stage="score")
        _leadloop(folder, FIRST, 5, "run")
        _leadloop(folder, FIRST, 0, "apply", _plan(folder), "--approve")
        here = BASE
        for size in sizes:
            _grow(folder / "s.db", here, size)
            here = size
            _leadloop(folder, LATER, 0, "run")
            before, rows = _calls(address), _rows(folder / "s.db")
            one = _leadloop(folder, LATER, 0, "run")
            added = _rows(folder / "s.db") - rows
            shown.append(_cells(size, one, _calls(address) - before, added, folder / "s.db"))
    return table("a run with nothing to do", COLUMNS, shown)


def _cells(people: int, one: Measured, calls: int, added: int, path: Path) -> list[str]:
    size = path.stat().st_size
    return [
        f"{people:,}",
        f"{one.wall:.1f}",
        f"{one.cpu:.2f}",
        f"{one.peak:.0f}",
        str(calls),
        str(added),
        f"{size / 1e6:,.0f}",
        f"{size / people:,.0f}",
    ]


def _grow(path: Path, here: int, size: int) -> None:
    """Multiply the rows of the first thousand until there are that many people."""
    with closing(sqlite3.connect(path)) as store, store:
        for name in _TABLES:
            columns = store.execute(f"PRAGMA table_info({name})").fetchall()
            counted = sum(1 for one in columns if one[5]) == 1
            kept = [one[1] for one in columns if not (counted and one[5] and one[2] == "INTEGER")]
            listed = ", ".join(f'"{one}"' for one in kept)
            copied = ", ".join(_copied(one, name) for one in kept)
            store.execute(
                f"WITH RECURSIVE copy(n) AS (SELECT {here // BASE} UNION ALL "
                f"SELECT n + 1 FROM copy WHERE n + 1 < {size // BASE}) "
                f"INSERT INTO {name} ({listed}) SELECT {copied} FROM copy, "
                f"(SELECT * FROM {name} WHERE {_first(name)} NOT LIKE '%~%') "
                f"WHERE {size} > {here}"
            )
    with closing(sqlite3.connect(path)) as store:
        store.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _copied(column: str, of: str) -> str:
    named = column in _NAMES and not (of == "journal" and column == "outbox")
    return f"\"{column}\" || '~' || n" if named else f'"{column}"'


def _first(name: str) -> str:
    return {"person": "id", "record": "id", "last_written": "record", "journal": "record"}.get(
        name, "person"
    )


def _leadloop(folder: Path, now: str, code: int, *words: str) -> Measured:
    settings = str(folder / "leadloop.yaml")
    command = module("connector", words[0], "-c", settings, *words[1:], "-q", "--now", now)
    return measured(command, {"BENCH_SECRET": "bench"}, code)


def _plan(folder: Path) -> str:
    with closing(sqlite3.connect(folder / "s.db")) as store:
        return str(store.execute("SELECT id FROM plan ORDER BY created_at DESC").fetchone()[0])


def _rows(path: Path) -> int:
    """Rows of all tables but the book of runs, which each run writes a line into."""
    with closing(sqlite3.connect(path)) as store:
        names = store.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        counts = [
            store.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]
            for (name,) in names
            if name != "run"
        ]
    return sum(counts)


def _calls(address: str) -> int:
    with urlopen(f"{address}/calls") as answer:
        return int(json.load(answer))


if __name__ == "__main__":
    main()
