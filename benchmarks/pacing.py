"""How much of HubSpot's two buckets reading uses when every answer takes a quarter of a second.

    python -m benchmarks.pacing --people 50000

A server on loopback answers 250 ms late, with HubSpot's real limits: 190 calls in ten seconds, and
five searches a second. All contacts are listed, read by id, and searched, by the adapter over a
store that holds the paces. Shown are the calls that count for a bucket as a share of what the
bucket allows in that time, and how often we were told "too many".
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from benchmarks.counting import opened
from benchmarks.measuring import ROOT, module, table
from connector.adapters.base import Adapter, Window
from connector.store.budgets import StoreBudget
from connector.store.database import open_store
from connector.transport.budget import Allowance, metered

LATENCY = 0.25
ALLOWED = {"ten seconds": 19.0, "search": 5.0}
COLUMNS = ("", "records", "calls", "wall s", "calls/s", "allowed", "share", "429")
NAMES = ("id", "email", "jobtitle", "country", "lastmodifieddate", "associations.companies")


class Counted:
    """Counts calls by bucket, and refusals, on their way to the budget."""

    def __init__(self, budget: StoreBudget) -> None:
        self.purpose = "increment"
        self.calls: Counter[str] = Counter()
        self._budget = budget

    def take(self, path: str) -> None:
        """One more call leaves, when its turn comes."""
        self._budget.take(path)
        exempt = "associations" if "/associations/" in path else "ten seconds"
        self.calls["search" if path.endswith("/search") else exempt] += 1

    def heard(self, status: int, allowances: Sequence[Allowance]) -> None:
        """One more answer came."""
        self._budget.heard(status, allowances)
        self.calls["429"] += status == 429


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(prog="benchmarks.pacing")
    asked.add_argument("--people", type=int, default=50_000)
    asked.add_argument("--list-only", action="store_true", help="neither by id nor by search")
    given = asked.parse_args()
    print(part(given.people, list_only=given.list_only))


def part(people: int, *, list_only: bool = False) -> str:
    """Measure; gives the table."""
    with tempfile.TemporaryDirectory() as name:
        store = open_store(f"sqlite:///{Path(name)}/s.db")
        budget = StoreBudget(store, "hs", reserve=0, clock=lambda: time.time_ns() // 1000)
        counted = Counted(budget)
        with (
            served(people) as address,
            metered(counted),
            opened("hubspot", address, {"token": "t0ken"}) as crm,
        ):
            budget.keep(crm.capabilities.paces)
            lines = list(islice(_phases(crm, counted), 1 if list_only else None))
        store.close()
    title = f"reading HubSpot at {LATENCY * 1000:.0f} ms an answer: {people:,} contacts"
    return table(title, COLUMNS, lines)


@contextmanager
def served(people: int) -> Iterator[str]:
    """Start the server; gives its address."""
    server = subprocess.Popen(
        module("benchmarks.late_hubspot", people, LATENCY),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(server.stdout.readline())}"
    finally:
        server.terminate()
        server.wait()


def _phases(crm: Adapter, counted: Counted) -> Iterator[list[str]]:
    size, ids = crm.capabilities.id_batch, list[str]()

    def listed() -> int:
        for page in crm.read("contacts", NAMES, Window(None, crm.server_now()), None):
            ids.extend(str(row["id"]) for row in page.rows)
        return len(ids)

    def by_id() -> int:
        some = [ids[start : start + size] for start in range(0, len(ids), size)]
        return sum(len(crm.read_ids("contacts", NAMES, few)) for few in some)

    def searched() -> int:
        window = Window(0, crm.server_now())
        pages = crm.read("contacts", NAMES, window, "id:0")  # so that none is listed instead
        return sum(len(page.rows) for page in pages)

    yield _line("listed", "ten seconds", listed, counted)
    time.sleep(10)
    yield _line("read by id", "ten seconds", by_id, counted)
    time.sleep(2)
    yield _line("searched", "search", searched, counted)


def _line(name: str, bucket: str, read: Callable[[], int], counted: Counted) -> list[str]:
    before, begun = counted.calls.copy(), time.monotonic()
    records = read()
    wall = time.monotonic() - begun
    calls, refused = counted.calls[bucket] - before[bucket], counted.calls["429"] - before["429"]
    rate = calls / wall
    share = rate / ALLOWED[bucket]
    shown = (f"{records:,}", f"{calls:,}", f"{wall:.1f}", f"{rate:.2f}", f"{ALLOWED[bucket]:.0f}")
    return [name, *shown, f"{share:.1%}", f"{refused}"]


if __name__ == "__main__":
    main()
