"""How many calls HubSpot is asked for, beside the fewest its documented batch sizes allow.

    python -m benchmarks.calls --people 5000

A practice HubSpot answers, with its real limits; calls and refusals are counted where ours leave.
The fewest are: 100 records to a page of a full list, 200 to a search, 100 to an update, and one
call each for definitions, the portal, and the list of what was archived.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.measuring import ROOT, module, table
from connector.adapters import open_adapter
from connector.adapters.base import Adapter, FieldStep, Window
from connector.config.settings import Connection
from connector.domain.change import Result, Write
from connector.domain.outward import OUTWARD, FieldType
from connector.mapping.compile import CompiledObject, compile_mapping
from connector.mapping.document import load_mapping
from connector.transport.budget import Allowance, metered

WRITES = 20_000
COLUMNS = ("", "records", "calls", "fewest", "429", "wall s", "calls/s")


class Counted:
    """Counts the calls that leave, and the refusals that come back."""

    def __init__(self) -> None:
        self.purpose = "increment"
        self.calls = self.refused = 0

    def take(self, path: str) -> None:
        """One more call leaves."""
        del path
        self.calls += 1

    def heard(self, status: int, allowances: Sequence[Allowance]) -> None:
        """One more answer came."""
        del allowances
        self.refused += status == 429


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(prog="benchmarks.calls")
    asked.add_argument("--people", type=int, default=5000)
    asked.add_argument("--writes", type=int, default=WRITES)
    given = asked.parse_args()
    print(part(given.people, given.writes))


def part(people: int, writes: int) -> str:
    """Measure; gives the table."""
    counted = Counted()
    contact = compile_mapping(load_mapping(ROOT / "mappings" / "hubspot.yaml"))["contact"]
    with practice(people) as (address, token), metered(counted), opened(address, token) as crm:
        _install(crm, contact)
        lines = list(_phases(crm, contact, counted, writes))
    return table(f"calls to HubSpot: {people:,} people in the practice portal", COLUMNS, lines)


def _phases(
    crm: Adapter, contact: CompiledObject, counted: Counted, writes: int
) -> Iterator[list[str]]:
    names, source = contact.names, contact.source

    def line(name: str, records: int, fewest: int, begun: tuple[int, int, float]) -> list[str]:
        calls, refused = counted.calls - begun[0], counted.refused - begun[1]
        wall = time.monotonic() - begun[2]
        shown = (f"{records:,}", f"{calls:,}", f"{fewest:,}", f"{refused}", f"{wall:.1f}")
        return [name, *shown, f"{calls / wall:.1f}"]

    begun = (counted.calls, counted.refused, time.monotonic())
    pages = list(crm.read(source, names, Window(None, crm.server_now()), None))
    ids = [str(row["id"]) for page in pages for row in page.rows]
    yield line("first load", len(ids), _parts(len(ids), 100) + 2, begun)

    since = crm.server_now()
    changed = ids[:: max(1, len(ids) // (len(ids) // 100 or 1))]
    _write(crm, source, changed, 1)
    time.sleep(crm.capabilities.lag / 1_000_000 + 1)
    until = crm.server_now() - crm.capabilities.lag
    begun = (counted.calls, counted.refused, time.monotonic())
    pages = list(crm.read(source, names, Window(since - 1_000_000, until + 1_000_000), None))
    found = sum(len(page.rows) for page in pages)
    yield line("1% changed", found, _parts(found, 200) + 1, begun)

    begun, done, turn = (counted.calls, counted.refused, time.monotonic()), 0, 1
    while done < writes:
        turn += 1
        some = ids[: writes - done]
        _write(crm, source, some, turn)
        done += len(some)
    yield line("scores written", done, _parts(done, 100), begun)


def _write(crm: Adapter, source: str, ids: Sequence[str], score: int) -> None:
    size = crm.capabilities.batch_size
    for start in range(0, len(ids), size):
        batch = [
            Write(source, ident, {"leadloop_score": score}) for ident in ids[start : start + size]
        ]
        bad = [one for one in crm.write(batch) if one.result is not Result.APPLIED]
        if bad:
            raise SystemExit(f"{len(bad)} writes were not applied: {bad[0].code}")


def _install(crm: Adapter, contact: CompiledObject) -> None:
    wanted = [
        FieldStep(contact.source, one.to, OUTWARD[one.field].type, one.to, 255, "create")
        for one in contact.writes.values()
        if OUTWARD[one.field].type is not FieldType.OWNER
    ]
    crm.create_fields(crm.plan_fields(wanted))


def _parts(records: int, size: int) -> int:
    return -(-records // size)


@contextmanager
def opened(address: str, token: str) -> Iterator[Adapter]:
    """Open the adapter as a run does."""
    with tempfile.TemporaryDirectory() as folder:
        secret = Path(folder) / "token"
        secret.write_text(token)
        connection = Connection(
            name="hs",
            kind="hubspot",
            mapping="hubspot.yaml",
            address=address,
            auth={"token": {"file": str(secret)}},
        )
        adapter = open_adapter(connection, Path(folder), {}, lambda: time.time_ns() // 1000)
        try:
            yield adapter
        finally:
            adapter.close()


@contextmanager
def practice(people: int) -> Iterator[tuple[str, str]]:
    """Start a practice HubSpot; gives its address and its token."""
    server = subprocess.Popen(
        module("connector", "practice", "hubspot", "--people", people),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
    )
    assert server.stdout is not None
    try:
        said = ""
        while "auth:" not in said:
            line = server.stdout.readline()
            if not line:
                raise SystemExit("the practice HubSpot did not start")
            said += line
        address, token = re.search(r"http://\S+", said), re.search(r"HUBSPOT_TOKEN=(\S+)", said)
        assert address is not None
        assert token is not None
        yield address[0], token[1]
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
