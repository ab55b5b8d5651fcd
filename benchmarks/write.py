"""How fast scores are planned and written back, journal and all, to a CRM that takes everything.

    python -m benchmarks.write --rows 50000           an org without the Bulk API: requests of 200
    python -m benchmarks.write --rows 50000 --bulk    jobs of 20,000

The first run reads, scores and plans everybody; a second plan is made anew with nothing to read;
then it is approved and applied. The CRM answers from loopback at once, so the client is measured.
Every write must be confirmed in the store, journaled, and have reached the CRM once.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import tempfile
from contextlib import closing
from math import isnan, nan
from pathlib import Path
from urllib.request import urlopen

from benchmarks.clients.our_pull import prepare
from benchmarks.measuring import Measured, measured, module, table
from benchmarks.pull import serving

ROWS = 50_000
NOW = "2026-06-01T00:00:00Z"
COLUMNS = ("", "wall s", "CPU s", "rows/CPU-s", "peak MB")


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(prog="benchmarks.write")
    asked.add_argument("--rows", type=int, default=ROWS)
    asked.add_argument("--bulk", action="store_true", help="written by jobs of the Bulk API")
    given = asked.parse_args()
    print(part(given.rows, "salesforce-bulk" if given.bulk else "salesforce"))


def part(rows: int, kind: str = "salesforce") -> str:
    """Measure; gives the table."""
    with serving(kind, rows) as address, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder, "salesforce", address, stage="score")
        run = _leadloop(folder, 5, "run", "-q", "--now", NOW)
        plan = _leadloop(folder, 0, "plan", "-q", "--now", NOW)
        apply = _apply(folder, _plan(folder))
        again = _leadloop(folder, 0, "run", "-q", "--now", NOW)
        with urlopen(f"{address}/written") as answer:
            reached = json.load(answer)
        planned, applied, journaled = _counts(folder)
    if not planned == applied == reached or not journaled >= applied:
        raise SystemExit(
            f"planned {planned}, applied {applied}, journaled {journaled} fields, reached {reached}"
        )
    title = (
        f"write-back: {rows:,} leads; {applied:,} rows written once, {journaled:,} fields journaled"
    )
    both = Measured(plan.wall + apply.wall, plan.cpu + apply.cpu, max(plan.peak, apply.peak), None)
    lines = {
        "first run: pull to plan": run,
        "plan anew": plan,
        "apply": apply,
        "of it sending, as in a run": apply._replace(cpu=apply.said["sending"], wall=nan),
        "plan + apply": both,
        "second run: nothing new": again,
    }
    return table(
        title,
        COLUMNS,
        [
            [
                name,
                "" if isnan(one.wall) else f"{one.wall:.1f}",
                f"{one.cpu:.2f}",
                f"{rows / one.cpu:,.0f}",
                f"{one.peak:.0f}",
            ]
            for name, one in lines.items()
        ],
    )


def _leadloop(folder: Path, code: int, *words: str) -> Measured:
    settings = str(folder / "leadloop.yaml")
    command = module("connector", words[0], "-c", settings, *words[1:])
    return measured(command, {"BENCH_SECRET": "bench"}, code)


def _apply(folder: Path, plan: str) -> Measured:
    command = module("benchmarks.clients.our_apply", folder / "leadloop.yaml", plan, NOW)
    return measured(command, {"BENCH_SECRET": "bench"})


def _plan(folder: Path) -> str:
    with closing(sqlite3.connect(folder / "s.db")) as store:
        found = store.execute("SELECT id FROM plan ORDER BY created_at DESC, id DESC").fetchone()
    return str(found[0])


def _counts(folder: Path) -> tuple[int, int, int]:
    with closing(sqlite3.connect(folder / "s.db")) as store:
        queries = (
            "SELECT count(*) FROM outbox WHERE state <> 'superseded'",
            "SELECT count(*) FROM outbox WHERE state = 'applied'",
            "SELECT count(*) FROM journal, json_each(journal.changes)",
        )
        planned, applied, journaled = (store.execute(q).fetchone()[0] for q in queries)
    return planned, applied, journaled


if __name__ == "__main__":
    main()
