"""Storing a page: its rows in our words, and its position, in one transaction.

A row that cannot be read is kept aside with its reason. One that the database cannot take is found
by halving the page and kept aside too; the page's position is saved once all its rows are settled.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import StatementError

from connector.adapters.base import Page
from connector.domain.record import Kind, Record, Rejected
from connector.errors import LeadloopError
from connector.mapping.compile import CompiledObject
from connector.store.incoming import field_history, records
from connector.store.incoming.records import PageCounts
from connector.store.outgoing import outbox
from connector.sync.context import Loop, Source

Also = Callable[[Connection, PageCounts], None]
"""What else belongs into the transaction of a page: its checkpoint."""


def store_page(
    loop: Loop,
    source: Source,
    one: CompiledObject,
    page: Page,
    also: Also,
    counts: Counter[str],
) -> PageCounts:
    """Store a page and whatever `also` saves; gives what it brought. Counts every row once."""
    try:
        stored = _store(loop, source, one, page, also, counts)
    except LeadloopError:
        raise
    except (StatementError, ValueError, TypeError, OverflowError, AttributeError, KeyError):
        stored = _store_in_parts(loop, source, one, page, counts)
        with loop.store.write() as tx:
            source.hold(tx)
            also(tx, stored)
    return stored


def _store_in_parts(
    loop: Loop, source: Source, one: CompiledObject, page: Page, counts: Counter[str]
) -> PageCounts:
    """Store what can be stored. Killed half way, the page is read again: no harm is done."""
    total = PageCounts()
    for part in _halves(page):
        try:
            stored = _store(loop, source, one, part, _nothing, counts)
        except LeadloopError:
            raise
        except Exception as error:  # noqa: BLE001  whatever it is, it must not stop the other rows
            if len(part.rows) > 1:
                stored = _store_in_parts(loop, source, one, part, counts)
            else:
                _set_aside(loop, source, one, part, error, counts)
                continue
        total = PageCounts(*(a + b for a, b in zip(total, stored, strict=True)))
    return total


def _nothing(_tx: Connection, _stored: PageCounts) -> None:
    return None


def _halves(page: Page) -> list[Page]:
    """Two halves of the rows; what else a page tells travels with the first."""
    half = max(1, len(page.rows) // 2)
    places = page.places or ()
    first = replace(page, rows=page.rows[:half], places=places[:half] or None)
    rest = replace(page, rows=page.rows[half:], places=places[half:] or None, rejected=(), gone={})
    return [part for part in (first, rest) if part.rows or part.rejected or part.gone]


def _set_aside(
    loop: Loop,
    source: Source,
    one: CompiledObject,
    part: Page,
    error: Exception,
    counts: Counter[str],
) -> None:
    if not part.rows:  # tombstones or rejected rows alone: nothing of a row is to blame
        raise error
    ident = _printable(str(part.rows[0].get(one.key)))
    place = part.places[0] if part.places else f"{one.name}/{ident}"
    kind = type(error.orig if isinstance(error, StatementError) and error.orig else error).__name__
    reason = f"the store cannot take it ({kind}): a value is too large or no text"
    with loop.store.write() as tx:
        source.hold(tx)
        fresh = records.quarantine_rows(
            tx, source.name, one.name, [Rejected(_printable(place), reason, ident)], loop.run
        )
    counts["read"] += 1
    counts["rejected"] += 1
    counts["newly rejected"] += fresh


def _printable(text: str) -> str:
    return text.replace("\x00", "").encode("utf-8", "replace").decode()[:200]


def _store(
    loop: Loop,
    source: Source,
    one: CompiledObject,
    page: Page,
    also: Also,
    counts: Counter[str],
) -> PageCounts:
    found, events, rejected, read = convert_page(one, page)
    with loop.store.write() as tx:
        source.hold(tx)
        if one.kind is Kind.ACTIVITY:
            stored = records.store_activities(
                tx,
                connection=source.name,
                object=one.name,
                activities=events,
                gone=page.gone,
            )
        elif one.kind is Kind.HISTORY:
            fresh_edits = field_history.store_edits(
                tx, source.name, one.name.rpartition(".")[0], events, loop.run
            )
            stored = PageCounts(new=fresh_edits, unchanged=len(events) - fresh_edits)
        else:
            stored = records.store_page(
                tx,
                connection=source.name,
                object=one.name,
                kind=one.kind.value,
                records=found,
                mapping_hash=one.hash,
                targets=one.targets,
                run=loop.run,
                gone=page.gone,
                dated=one.dated,
                now=loop.now,
            )
            lost = [*page.gone, *(r.id for r in found if r.gone)]
            outbox.cancel_gone(tx, source.name, one.name, lost, loop.now)
        fresh = records.quarantine_rows(tx, source.name, one.name, rejected, loop.run)
        records.clear_quarantine(tx, source.name, one.name, read)
        also(tx, stored)
    counts["read"] += len(page.rows) + len(page.rejected)
    counts[f"new {one.kind}"] += stored.new
    counts["changed"] += stored.changed + stored.remote_changed
    counts["unchanged"] += stored.unchanged
    counts["gone"] += stored.gone
    counts["rejected"] += len(rejected)
    counts["newly rejected"] += fresh
    return stored


Converted = tuple[list[Record], list[Any], list[Rejected], list[str]]


def convert_page(one: CompiledObject, page: Page) -> Converted:
    """Give a page's records, its activities or edits, rows kept aside, and the keys of rows that
    were read."""
    found: list[Record] = []
    events: list[Any] = []
    rejected = list(page.rejected)
    read: dict[str, None] = {}
    places: Sequence[str] = page.places or ()
    for index, row in enumerate(page.rows):
        place = places[index] if places else ""
        try:
            converted: Any = one.convert(row, place)
        except Exception as error:  # noqa: BLE001  one malformed row must not stop the others
            converted = _unreadable(one, row, place, error)
        if isinstance(converted, Record):
            found.append(converted)
            read[converted.id] = None
        elif isinstance(converted, Rejected):
            rejected.append(converted)
            read.pop(converted.id or "", None)  # the newest reading of a row counts
        elif converted is not None:
            events.extend(converted)
            read[str(row[one.key])] = None
    return found, events, rejected, list(read)


def _unreadable(
    one: CompiledObject, row: Mapping[str, Any], place: str, error: Exception
) -> Rejected:
    ident = _printable(str(row.get(one.key)))
    reason = f"it could not be read ({type(error).__name__})"
    return Rejected(_printable(place or f"{one.name}/{ident}"), reason, ident)
