"""How many calls HubSpot is asked for, beside the fewest its documented batch sizes allow.

A practice HubSpot answers, with its real limits; calls and refusals are counted where ours leave.
The fewest are: 100 records to a page of a full list, 200 to a search, 100 to an update, one call
each for definitions and the list of what was archived, and one for every 50 records whose lead
status is a verdict: when it was given stands in the property's history alone. Searches for where
stretches of a list begin are not among them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from benchmarks.counting import (
    COLUMNS,
    Counted,
    begun,
    install,
    line,
    opened,
    parts,
    practice,
    write,
)
from benchmarks.measuring import ROOT, table
from connector.adapters.base import Adapter, Page, Window
from connector.mapping.compile import CompiledObject, compile_mapping
from connector.mapping.document import load_mapping
from connector.transport.budget import metered

SCORE = "leadloop_score"


def part(people: int, writes: int) -> str:
    """Measure; gives the table."""
    counted = Counted()
    contact = compile_mapping(load_mapping(ROOT / "mappings" / "hubspot.yaml"))["contact"]
    with (
        practice("hubspot", people) as (address, token),
        metered(counted),
        opened("hubspot", address, {"token": token}) as crm,
    ):
        install(crm, contact)
        lines = list(_phases(crm, contact, counted, writes))
    return table(f"calls to HubSpot: {people:,} people in the practice portal", COLUMNS, lines)


def _phases(
    crm: Adapter, contact: CompiledObject, counted: Counted, writes: int
) -> Iterator[list[str]]:
    names, source = contact.names, contact.source
    since = begun(counted)
    pages = list(crm.read(source, names, Window(None, crm.server_now()), None))
    ids = [str(row["id"]) for page in pages for row in page.rows]
    fewest = parts(len(ids), 100) + parts(_verdicts(contact, pages), 50) + 2
    yield line("first load", len(ids), fewest, since, counted)

    start = crm.server_now()
    changed = ids[:: max(1, len(ids) // (len(ids) // 100 or 1))]
    write(crm, source, SCORE, changed, 1)
    time.sleep(crm.capabilities.lag / 1_000_000 + 1)
    until = crm.server_now() - crm.capabilities.lag
    since = begun(counted)
    pages = list(crm.read(source, names, Window(start - 1_000_000, until + 1_000_000), None))
    found = sum(len(page.rows) for page in pages)
    fewest = parts(found, 200) + parts(_verdicts(contact, pages), 50) + 1
    yield line("1% changed", found, fewest, since, counted)

    since, done, turn = begun(counted), 0, 1
    while done < writes:
        turn += 1
        some = ids[: writes - done]
        write(crm, source, SCORE, some, turn)
        done += len(some)
    yield line("scores written", done, parts(done, 100), since, counted)


def _verdicts(contact: CompiledObject, pages: Sequence[Page]) -> int:
    """How many records have a status that says something to us."""
    assert contact.says is not None
    told = {value for values in contact.says.means.values() for value in values}
    field = contact.says.field
    return sum(str(row.get(field)) in told for page in pages for row in page.rows)
