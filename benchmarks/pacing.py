"""How much of HubSpot's two buckets we use when every answer takes a quarter of a second.

    python -m benchmarks.pacing --people 50000

A server on loopback answers 250 ms late, with HubSpot's real limits: 190 calls in ten seconds, and
five searches a second. All contacts are listed, read by id, and searched, by the adapter over a
store that holds the paces; then scores that wait in the outbox are sent, journal and all, as a run
does it. Shown are the calls that count for a bucket as a share of what the bucket allows in that
time, the most of them in any ten seconds as a share of what those allow, and how often we were told
"too many".
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import cast

from benchmarks.clients.our_pull import clock, prepare
from benchmarks.counting import opened
from benchmarks.measuring import ROOT, module, table
from connector.adapters.base import Adapter, Window
from connector.config.load import load_settings
from connector.store.database import open_store
from connector.store.outgoing import outbox
from connector.store.running.budgets import StoreBudget
from connector.sync.apply import apply
from connector.sync.context import Loop, Source
from connector.sync.opening import open_loop
from connector.transport.budget import Allowance, metered

LATENCY = 0.25
ALLOWED = {"ten seconds": 19.0, "search": 5.0}
COLUMNS = ("", "records", "calls", "wall s", "calls/s", "allowed", "share", "best 10 s", "429")
SPAN = 10.0
NAMES = ("id", "email", "jobtitle", "country", "lastmodifieddate", "associations.companies")


class Counted:
    """Counts calls by bucket, and refusals, on their way to the budget."""

    def __init__(self, budget: StoreBudget) -> None:
        self.purpose = "increment"
        self.calls: Counter[str] = Counter()
        self.left: list[tuple[float, str]] = []
        """When each call left, and for which bucket."""
        self._take, self._heard = budget.take, budget.heard

    def take(self, path: str) -> None:
        """One more call leaves, when its turn comes."""
        self._take(path)
        exempt = "associations" if "/associations/" in path else "ten seconds"
        bucket = "search" if path.endswith("/search") else exempt
        self.calls[bucket] += 1
        self.left.append((time.monotonic(), bucket))

    def heard(self, status: int, allowances: Sequence[Allowance]) -> None:
        """One more answer came."""
        self._heard(status, allowances)
        self.calls["429"] += status == 429


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(prog="benchmarks.pacing")
    asked.add_argument("--people", type=int, default=50_000)
    asked.add_argument("--list-only", action="store_true", help="neither by id nor by search")
    asked.add_argument("--writes", type=int, help="scores to send; as many as people, if not given")
    given = asked.parse_args()
    writes = given.people if given.writes is None else given.writes
    print(part(given.people, 0 if given.list_only else writes, list_only=given.list_only))


def part(people: int, writes: int, *, list_only: bool = False) -> str:
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
            if writes:
                lines.append(_written(address, Path(name), writes))
        store.close()
    title = f"HubSpot at {LATENCY * 1000:.0f} ms an answer: {people:,} contacts"
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


def _written(address: str, folder: Path, writes: int) -> list[str]:
    """Send scores that wait in a store of their own. Ends where one was not applied."""
    prepare(folder, "hubspot", address, stage="score")
    os.environ["BENCH_SECRET"] = "t0ken"
    loaded = load_settings(folder / "leadloop.yaml", environ=os.environ)
    time.sleep(SPAN)
    with open_loop(
        loaded,
        now=clock(),
        clock=clock,
        command="run",
        candidate=True,
        tell=lambda _step, _counts: None,
        warn=print,
    ) as loop:
        source = loop.sources[0]
        assert source.lease is not None
        source.lease.take()
        with loop.store.write() as tx:
            outbox.add(tx, "p1", [_waiting(1000 + n * 7) for n in range(writes)])
        budget = cast("StoreBudget", source.budget)
        counted = Counted(budget)
        budget.take, budget.heard = counted.take, counted.heard  # type: ignore[method-assign, assignment]
        counts: Counter[str] = Counter()
        line = _line("written", "ten seconds", lambda: _sent(loop, source, counts), counted)
    if counts["applied"] != writes:
        raise SystemExit(f"{counts} of {writes} writes")
    return line


def _sent(loop: Loop, source: Source, counts: Counter[str]) -> int:
    apply(loop, source, counts)
    return counts["applied"]


def _waiting(ident: int) -> outbox.Planned:
    changes: outbox.Changes = {"leadloop_score": (None, 60), "leadloop_grade": (None, "B2")}
    person = f"crm/contact/{ident}"
    return outbox.Planned(
        "crm", "contact", str(ident), "score", person, "approved", changes, quiet=False
    )


def _line(name: str, bucket: str, read: Callable[[], int], counted: Counted) -> list[str]:
    before, begun = counted.calls.copy(), time.monotonic()
    counted.left.clear()
    records = read()
    wall = time.monotonic() - begun
    calls, refused = counted.calls[bucket] - before[bucket], counted.calls["429"] - before["429"]
    rate = calls / wall
    share = rate / ALLOWED[bucket]
    shown = (f"{records:,}", f"{calls:,}", f"{wall:.1f}", f"{rate:.2f}", f"{ALLOWED[bucket]:.0f}")
    best = _most([at for at, its in counted.left if its == bucket]) / SPAN / ALLOWED[bucket]
    return [name, *shown, f"{share:.1%}", f"{best:.1%}", f"{refused}"]


def _most(left: Sequence[float]) -> int:
    """The most calls that left within any span."""
    return max((bisect_left(left, at + SPAN) - n for n, at in enumerate(left)), default=0)


if __name__ == "__main__":
    main()
