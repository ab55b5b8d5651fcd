"""Hints: what a CRM's webhooks spoke of is read again, and what it erased for good is erased here.

A hint carries no value: the CRM is asked by id, so that events which came twice, late or out of
order do no harm. Whatever is missing then is gone, into another record where that one says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial

from sqlalchemy import Connection

from connector.adapters.base import ERASED, Page
from connector.domain.moment import Micros
from connector.errors import FeatureError, RemoteError, UsageError
from connector.mapping.compile import CompiledObject
from connector.store.database import Store
from connector.store.incoming import hints
from connector.store.incoming.hints import Hint
from connector.store.incoming.records import PageCounts
from connector.sync.context import Loop, Source
from connector.sync.reading.erasing import erase
from connector.sync.reading.storing import store_page


def note(store: Store, connection: str, said: Iterable[str], now: Micros) -> int:
    """Keep what `Hooks.verify` gave until the next run; gives how many records it is about."""
    found = [_hint(one, now) for one in dict.fromkeys(said)]
    with store.write() as tx:
        hints.note(tx, connection, found)
    return len({(one.source, one.id) for one in found})


def follow(loop: Loop, source: Source, counts: Counter[str]) -> None:
    """Read again what was spoken of, and erase what is erased in the CRM.

    A record whose object nobody mapped is no business of ours. What cannot be read keeps its hint.
    """
    with loop.store.read() as tx:
        known = hints.of(tx, source.name)
    if not known:
        return
    for one in source.objects.values():
        mine = [hint for hint in known if hint.source == one.source]
        lost = [hint for hint in mine if hint.erased]
        if lost:
            erase(loop, source, one, [hint.id for hint in lost], counts)
        _read(loop, source, one, [hint for hint in mine if not hint.erased], counts)
    strange = {one.source for one in known} - {one.source for one in source.objects.values()}
    with loop.store.write() as tx:
        source.hold(tx)
        done = [hint for hint in known if hint.source in strange or hint.erased]
        hints.drop(tx, source.name, done)


def _read(
    loop: Loop, source: Source, one: CompiledObject, mine: Sequence[Hint], counts: Counter[str]
) -> None:
    size = source.adapter.capabilities.id_batch
    for start in range(0, len(mine), size):
        some = mine[start : start + size]
        ids = [hint.id for hint in some]
        try:
            rows = source.adapter.read_ids(one.source, source.names(one), ids)
        except (FeatureError, RemoteError, UsageError) as error:
            loop.warn(f"{source.name}: what a webhook said of {one.name} waits: {error}")
            return
        there = {str(row.get(one.key)) for row in rows}
        gone: dict[str, str | None] = {ident: None for ident in ids if ident not in there}
        for row in rows:
            gone.update(dict.fromkeys(source.adapter.losers(row), str(row[one.key])))
        page = Page(rows, "", gone=gone)
        store_page(loop, source, one, page, partial(_followed, source.name, some), counts)


def _followed(connection: str, some: Sequence[Hint], tx: Connection, _stored: PageCounts) -> None:
    hints.drop(tx, connection, some)


def _hint(said: str, now: Micros) -> Hint:
    source, _, ident = said.removeprefix(ERASED).rpartition("/")
    return Hint(source, ident, said.startswith(ERASED), now)
