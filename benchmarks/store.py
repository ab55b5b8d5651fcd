"""How a store grows with activities, and how soon a killed pull is at work again.

    python -m benchmarks.store

Growth is the difference between two stores with the same people, so that what people take is in
neither. Recovery kills a first pull when half of its rows are in, starts it anew, and counts the
rows it asked for twice; the store must then hold every row with its own values.
"""

from __future__ import annotations

import argparse
import os
import signal
import sqlite3
import subprocess
import tempfile
import time
from contextlib import closing, suppress
from pathlib import Path

from benchmarks.measuring import ROOT, measured, module, table
from benchmarks.pull import serving

PEOPLE, ACTIVITIES = 20_000, 400_000
ROWS = 50_000
_SECRET = {"BENCH_SECRET": "pat-bench"}
_MILLION = 1_000_000


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(prog="benchmarks.store")
    asked.add_argument("--people", type=int, default=PEOPLE)
    asked.add_argument("--activities", type=int, default=ACTIVITIES)
    asked.add_argument("--rows", type=int, default=ROWS)
    given = asked.parse_args()
    print(growth(given.people, given.activities))
    print(recovery(given.rows))


def growth(people: int, activities: int) -> str:
    """Fill two stores, the second with twice the activities; gives the table."""
    sizes = [_size(people, count) for count in (activities, 2 * activities)]
    each = (sizes[1] - sizes[0]) / activities
    rows = [
        [f"{people:,} people, {activities:,} activities", f"{sizes[0] / _MILLION:.0f}"],
        [f"{people:,} people, {2 * activities:,} activities", f"{sizes[1] / _MILLION:.0f}"],
        ["each million activities more", f"{each:.0f}"],
    ]
    return table("growth of a SQLite store", ("", "MB"), rows)


def _size(people: int, activities: int) -> int:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "s.db"
        data = measured(module("benchmarks.activities", people, activities)).said
        filled = measured(module("benchmarks.clients.filled", data, path)).said
        if filled != activities:
            raise SystemExit(f"{filled} of {activities} activities are in the store")
        return path.stat().st_size


def recovery(rows: int) -> str:
    """Kill a first pull half way and go on; gives the table."""
    with serving("salesforce", rows) as address, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        killed = _pulling(folder, address)
        _wait(killed, folder, rows // 2)
        killed.send_signal(signal.SIGKILL)
        killed.communicate()
        before = _held(folder)
        begun = time.perf_counter()
        again = _pulling(folder, address)
        _wait(again, folder, before + 1)
        first = time.perf_counter() - begun
        out, _ = again.communicate()
        took = time.perf_counter() - begun
        measured(module("benchmarks.clients.verified", folder, "salesforce", rows))
    twice = before + int(out) - rows
    columns = ("", "rows in at the kill", "s to the next row", "s to the end", "read twice")
    cells = ["Salesforce", f"{before:,}", f"{first:.1f}", f"{took:.1f}", f"{twice:,}"]
    return table(f"recovery: a first pull of {rows:,} rows killed half way", columns, [cells])


def _pulling(folder: Path, address: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        module("benchmarks.clients.our_pull", folder, "salesforce", address),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), **_SECRET},
    )


def _wait(pulling: subprocess.Popen[str], folder: Path, rows: int) -> None:
    """Return once so many rows are in the store; end with 1 when the pull ends before."""
    while _held(folder) < rows:
        if pulling.poll() is not None and _held(folder) < rows:
            raise SystemExit(f"the pull ended with {_held(folder)} of {rows} rows")
        time.sleep(0.005)


def _held(folder: Path) -> int:
    path = f"file:{folder / 's.db'}?mode=ro"
    with suppress(sqlite3.Error), closing(sqlite3.connect(path, uri=True)) as store:
        return int(store.execute("SELECT count(*) FROM record").fetchone()[0])
    return 0


if __name__ == "__main__":
    main()
