"""How many calls Salesforce is asked for, beside the fewest its documented sizes allow.

A practice org answers: so many leads and ten tasks for each, with the life cycle of its Bulk jobs.
The fewest of a load are a log-in, the time, and of each object its description, the call that says
how late its rows may come, and the cheaper of two ways: pages of 2,000 by REST, or a first page,
which says how much there is, and one Bulk job that is made, asked after until it is done and read
in answers of 50,000 rows. The org's jobs are done at the third question, whoever asks. The fewest
of an increment are the time, the same pages, and how late the rows of each object may come. The
fewest of writing are one Bulk job (made, filled, handed in, asked after) or collections of 200,
whichever is less; a job that took every record says so itself.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.request import Request, urlopen

from benchmarks.counting import (
    COLUMNS,
    Counted,
    Since,
    begun,
    install,
    line,
    listed,
    opened,
    parts,
    practice,
    write,
)
from benchmarks.crm_rows import STATUSES
from benchmarks.measuring import ROOT, table
from connector.adapters.base import Adapter, Window
from connector.mapping.compile import CompiledObject, compile_mapping
from connector.mapping.document import load_mapping
from connector.practice.filled import CLIENT
from connector.transport.budget import metered

TASKS = 10
"""Of each lead."""
SCORE = "Leadloop_Score__c"
QUESTIONS = 3
"""After a job, until the practice org has done it."""
_STAMP = "2026-05-01T09:00:00.000+0000"
_STAMPS = {"CreatedDate": _STAMP, "LastModifiedDate": _STAMP, "SystemModstamp": _STAMP}
_LOADED = 20_000
"""Rows that the practice org is given at once."""


def part(people: int, writes: int) -> str:
    """Measure; gives the table, and what each phase asked for."""
    counted = Counted()
    objects = compile_mapping(load_mapping(ROOT / "mappings" / "salesforce.yaml"))
    read = [objects["lead"], objects["task"]]
    with practice("salesforce", 0) as (address, secret):
        auth = {"client_id": CLIENT, "client_secret": secret}
        with opened("salesforce", address, auth) as admin:
            install(admin, objects["lead"])
        _load(address, people)
        with metered(counted), opened("salesforce", address, auth) as crm:
            told = list(_phases(crm, address, read, counted, writes))
    title = f"calls to Salesforce: {people:,} leads and {TASKS * people:,} tasks in a practice org"
    shown = table(title, COLUMNS, [cells for cells, _ in told])
    return "\n".join([shown, *(said for _, said in told), ""])


def _phases(
    crm: Adapter, address: str, read: Sequence[CompiledObject], counted: Counted, writes: int
) -> Iterator[tuple[list[str], str]]:
    def phase(name: str, records: int, fewest: int, since: Since) -> tuple[list[str], str]:
        return line(name, records, fewest, since, counted), listed(name, since, counted)

    since = begun(counted)
    now = crm.server_now() - crm.capabilities.lag
    ids = {one.source: _ids(crm, one, Window(None, now)) for one in read}
    counts = [len(some) for some in ids.values()]
    fewest = 2 + sum(2 + _fewest_read(count) for count in counts)
    yield phase("first load", sum(counts), fewest, since)

    changed = [ident for some in ids.values() for ident in some[::100]]
    time.sleep(2)
    _steer(address, "bump", {"ids": changed})
    time.sleep(2)
    since = begun(counted)
    until = crm.server_now() - crm.capabilities.lag
    window = Window(now - crm.capabilities.overlap, until)
    news = {one.source: _ids(crm, one, window) for one in read}
    if sorted(ident for some in news.values() for ident in some) != sorted(changed):
        raise SystemExit("the increment gave other rows than were changed")
    fewest = 1 + sum(1 + _fewest_read(len(some)) for some in news.values())
    yield phase("1% changed", len(changed), fewest, since)

    leads = ids["Lead"]
    size = min(crm.capabilities.batch_size, len(leads))
    since = begun(counted)
    for start in range(0, writes, size):
        some = [leads[n % len(leads)] for n in range(start, min(start + size, writes))]
        write(crm, "Lead", SCORE, some, start // size)
    yield phase("scores written", writes, min(3 + QUESTIONS, parts(writes, 200)), since)


def _ids(crm: Adapter, one: CompiledObject, window: Window) -> list[str]:
    pages = crm.read(one.source, one.names, window, None)
    return [str(row["Id"]) for page in pages for row in page.rows]


def _fewest_read(count: int) -> int:
    """The cheaper of pages and a job; a page that is not full says that it is the last."""
    job = 1 + 1 + QUESTIONS + max(1, parts(count - 2_000, 50_000))
    return min(count // 2_000 + 1, job)


def _load(address: str, people: int) -> None:
    """Fill the org. All rows changed at one moment, long before anybody looked."""
    for start in range(0, people, _LOADED):
        rows = [_lead(n) for n in range(start, min(people, start + _LOADED))]
        _steer(address, "load", {"Lead": rows})
    many = {"object": "Task", "set": _TASK, "many": TASKS * people, "link": "WhoId", "to": "Lead"}
    _steer(address, "plenty", many)


def _lead(n: int) -> dict[str, Any]:
    return {
        "FirstName": "Anna",
        "LastName": f"Müller-{n}",
        "Email": f"p{n}@c{n % 997}.example",
        "Company": f"Company {n % 997}",
        "Status": STATUSES[n % 3],
        **_STAMPS,
    }


_TASK = {
    "Subject": "Call",
    "TaskSubtype": "Call",
    "Status": "Completed",
    "CompletedDateTime": _STAMP,
    **_STAMPS,
}


def _steer(address: str, verb: str, given: Any) -> Any:
    body = json.dumps(given).encode()
    with urlopen(Request(f"{address}/__practice__/{verb}", body, method="POST")) as answer:
        return json.load(answer)
