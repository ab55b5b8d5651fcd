"""Pull: read each object's next window, page by page; rows and checkpoint in one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from connector.adapters.base import Page, Window
from connector.domain.moment import Micros
from connector.domain.record import Activity, Kind, Record, Rejected
from connector.errors import LeadloopError
from connector.mapping.compile import CompiledObject
from connector.store import checkpoints, records
from connector.store.checkpoints import Checkpoint
from connector.store.records import PageCounts
from connector.sync.context import Loop, Source

_KIND = "increment"
_ROWS = 2_000
"""Rows kept in one transaction, as far as the CRM's own pages are smaller."""


def pull(loop: Loop, source: Source) -> Counter[str]:
    """Bring every object of one connection up to date; gives what came, by kind of news."""
    counts: Counter[str] = Counter()
    for one in source.objects.values():
        _pull_object(loop, source, one, counts)
        loop.tell(f"pull {source.name} {one.name}", counts)
    return counts


def _pull_object(loop: Loop, source: Source, one: CompiledObject, counts: Counter[str]) -> None:
    with loop.store.read() as tx:
        known = checkpoints.load(tx, source.name, one.name, _KIND)
    window, after = _window(source, one, known)
    for page in _gathered(source.adapter.read(one.source, one.names, window, after)):
        open_until = Checkpoint(
            connection=source.name,
            object=one.name,
            kind=_KIND,
            done_until=known.done_until if known else None,
            window_since=window.since,
            window_until=window.until,
            position=page.position,
            mapping=one.hash,
            run=loop.run,
            fence=loop.lease.fence,
        )
        _store(loop, source, one, page, open_until, counts)
        after = page.position
        loop.tell(f"pull {source.name} {one.name}", counts)
    closed = Checkpoint(
        connection=source.name,
        object=one.name,
        kind=_KIND,
        done_until=window.until,
        window_since=None,
        window_until=None,
        position=None if source.adapter.capabilities.windows else after,
        mapping=one.hash,
        run=loop.run,
        fence=loop.lease.fence,
    )
    with loop.store.write() as tx:
        loop.lease.check(tx)
        checkpoints.save(tx, closed)


def _gathered(pages: Iterable[Page]) -> Iterator[Page]:
    """Join small pages that follow each other: a commit costs the same for one row or 2,000.

    What came before the CRM broke off is handed on first, so that nothing is read twice. A page
    that tells of deletions stays alone: the order of a row and its end means something.
    """
    held: list[Page] = []
    size = 0
    try:
        for page in pages:
            if page.gone and held:
                yield _joined(held)
                held, size = [], 0
            held.append(page)
            size += len(page.rows) + len(page.rejected)
            if size >= _ROWS or page.gone:
                yield _joined(held)
                held, size = [], 0
    except LeadloopError:
        if held:
            yield _joined(held)
        raise
    if held:
        yield _joined(held)


def _joined(pages: Sequence[Page]) -> Page:
    if len(pages) == 1:
        return pages[0]
    placed = any(page.places for page in pages)
    places = [place for page in pages for place in page.places or [""] * len(page.rows)]
    return replace(
        pages[-1],
        rows=[row for page in pages for row in page.rows],
        places=places if placed else None,
        rejected=[row for page in pages for row in page.rejected],
    )


def _window(
    source: Source, one: CompiledObject, known: Checkpoint | None
) -> tuple[Window, str | None]:
    """The window to read next and where in it to begin.

    An open one is gone on with; a new mapping reads everything anew. The window closes at the
    server's time, less the lag after which it shows what was committed, and reaches below the
    last one by the overlap, for rows stamped before but committed after it closed.
    """
    capabilities = source.adapter.capabilities
    same = known is not None and known.mapping == one.hash
    if not capabilities.windows:
        until = source.adapter.server_now()
        return Window(None, until), known.position if same and known else None
    if same and known is not None and known.window_until is not None:
        return Window(known.window_since, known.window_until), known.position
    until = source.adapter.server_now() - capabilities.lag
    since: Micros | None = None
    if same and known is not None and known.done_until is not None and one.changed:
        since = known.done_until - capabilities.overlap
    return Window(since, until), None


def _store(
    loop: Loop,
    source: Source,
    one: CompiledObject,
    page: Page,
    checkpoint: Checkpoint,
    counts: Counter[str],
) -> None:
    found, activities, rejected, read = _convert(one, page)
    with loop.store.write() as tx:
        loop.lease.check(tx)
        if one.kind is Kind.ACTIVITY:
            stored = records.store_activities(
                tx, connection=source.name, object=one.name, activities=activities
            )
        else:
            stored = records.store_page(
                tx,
                connection=source.name,
                object=one.name,
                kind=one.kind.value,
                records=found,
                mapping_hash=one.hash,
                run=loop.run,
                gone=page.gone,
            )
        fresh = records.quarantine_rows(tx, source.name, one.name, rejected, loop.run)
        records.clear_quarantine(tx, source.name, one.name, read)
        checkpoints.save(tx, checkpoint)
    _count(counts, one, page, stored, len(rejected), fresh)


def _convert(
    one: CompiledObject, page: Page
) -> tuple[list[Record], list[Activity], list[Rejected], list[str]]:
    found: list[Record] = []
    activities: list[Activity] = []
    rejected = list(page.rejected)
    read: dict[str, None] = {}
    places: Sequence[str] = page.places or ()
    for index, row in enumerate(page.rows):
        converted = one.convert(row, places[index] if places else "")
        if isinstance(converted, Record):
            found.append(converted)
            read[converted.id] = None
        elif isinstance(converted, Rejected):
            rejected.append(converted)
            read.pop(converted.id or "", None)  # the newest reading of a row counts
        elif converted is not None:
            activities.extend(converted)
            read[str(row[one.key])] = None
    return found, activities, rejected, list(read)


def _count(
    counts: Counter[str],
    one: CompiledObject,
    page: Page,
    stored: PageCounts,
    rejected: int,
    fresh: int,
) -> None:
    counts["read"] += len(page.rows) + len(page.rejected)
    counts[f"new {one.kind}"] += stored.new
    counts["changed"] += stored.changed + stored.remote_changed
    counts["unchanged"] += stored.unchanged
    counts["gone"] += stored.gone
    counts["rejected"] += rejected
    counts["newly rejected"] += fresh
