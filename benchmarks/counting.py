"""Counts the calls that an adapter makes, with a practice CRM of its own to make them to."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks.measuring import ROOT, module
from connector.adapters import open_adapter
from connector.adapters.base import Adapter, FieldStep
from connector.config.settings import Connection
from connector.domain.change import Result, Write
from connector.domain.outward import ASKED, OUTWARD, FieldType
from connector.mapping.compile import CompiledObject
from connector.transport.budget import Allowance

COLUMNS = ("", "records", "calls", "fewest", "429", "wall s", "calls/s")
_ROOT = re.compile(r"^/services/data(/v[\d.]+)?/?")
_JOB = re.compile(r"\b750\w{15}\b")


class Counted:
    """Counts the calls that leave, by what they ask for, and the refusals that come back."""

    def __init__(self) -> None:
        self.purpose = "increment"
        self.asked: Counter[str] = Counter()
        self.refused = 0

    def take(self, path: str) -> None:
        """One more call leaves."""
        self.asked[_JOB.sub("*", _ROOT.sub("", path)) or "time"] += 1

    def heard(self, status: int, allowances: Sequence[Allowance]) -> None:
        """One more answer came."""
        del allowances
        self.refused += status == 429


class Since(NamedTuple):
    """Where a phase began."""

    asked: Counter[str]
    refused: int
    at: float


def begun(counted: Counted) -> Since:
    """Begin a phase."""
    return Since(counted.asked.copy(), counted.refused, time.monotonic())


def line(name: str, records: int, fewest: int, since: Since, counted: Counted) -> list[str]:
    """End a phase; gives its line of the table."""
    calls, wall = (counted.asked - since.asked).total(), time.monotonic() - since.at
    refused = counted.refused - since.refused
    shown = (f"{records:,}", f"{calls:,}", f"{fewest:,}", f"{refused}", f"{wall:.1f}")
    return [name, *shown, f"{calls / wall:.1f}"]


def listed(name: str, since: Since, counted: Counted) -> str:
    """Say what a phase asked for."""
    asked = (counted.asked - since.asked).most_common()
    return f"{name}: " + ", ".join(f"{path} {count}" for path, count in asked)


def parts(records: int, size: int) -> int:
    """Give how many calls of a size so many records take."""
    return -(-records // size)


def install(crm: Adapter, one: CompiledObject) -> None:
    """Make the fields that an object's mapping writes and asks for."""
    fields = [(way.to, OUTWARD[way.field]) for way in one.writes.values()]
    fields += [(name, ASKED[ours]) for ours, name in one.asks.items()]
    wanted = [
        FieldStep(one.source, name, field.type, field.label, field.length, "create")
        for name, field in fields
        if field.type is not FieldType.OWNER
    ]
    crm.create_fields(crm.plan_fields(wanted))


def write(crm: Adapter, source: str, field: str, ids: Sequence[str], score: int) -> None:
    """Write a score to each record. Ends where one was not applied."""
    size = crm.capabilities.batch_size
    for start in range(0, len(ids), size):
        batch = [Write(source, ident, {field: score}) for ident in ids[start : start + size]]
        bad = [one for one in crm.write(batch) if one.result is not Result.APPLIED]
        if bad:
            raise SystemExit(f"{len(bad)} writes were not applied: {bad[0].code}")


@contextmanager
def opened(kind: str, address: str, auth: dict[str, str]) -> Iterator[Adapter]:
    """Open the adapter as a run does; the values of `auth` are laid down as its secrets."""
    with tempfile.TemporaryDirectory() as folder:
        secrets = {}
        for name, value in auth.items():
            path = Path(folder) / name
            path.write_text(value)
            secrets[name] = {"file": str(path)}
        connection = Connection(
            name="crm", kind=kind, mapping=f"{kind}.yaml", address=address, auth=secrets
        )
        adapter = open_adapter(connection, Path(folder), {}, lambda: time.time_ns() // 1000)
        try:
            yield adapter
        finally:
            adapter.close()


@contextmanager
def practice(kind: str, people: int) -> Iterator[tuple[str, str]]:
    """Start a practice CRM; gives its address and the secret that lets one in."""
    server = subprocess.Popen(
        module("connector", "practice", kind, "--people", people),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
    )
    assert server.stdout is not None
    try:
        said = ""
        while "auth:" not in said:
            more = server.stdout.readline()
            if not more:
                raise SystemExit(f"the practice {kind} did not start")
            said += more
        address, secret = re.search(r"http://\S+", said), re.search(r"export \w+=(\S+)", said)
        assert address is not None
        assert secret is not None
        yield address[0], secret[1]
    finally:
        server.terminate()
        server.communicate()
