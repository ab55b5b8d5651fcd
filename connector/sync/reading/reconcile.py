"""Reconcile: walk an object by id once a night, mend what differs, and say how much did.

It finds what no window can: rows that were committed late, values that change without a stamp,
deletes a CRM does not tell. A record the walk did not meet is asked for by its id before it is
believed gone; too many at once are not believed at all. What the CRM says it has nowhere, not even
in its bin, was erased there for good, and is erased here.
"""

from __future__ import annotations

from collections import Counter
from functools import partial

from sqlalchemy import Connection

from connector.adapters.base import Eraser, Window, Witness
from connector.domain.moment import Micros
from connector.domain.record import Kind
from connector.mapping.compile import CompiledObject
from connector.store.incoming import checkpoints, reconciling, records
from connector.store.incoming.checkpoints import Checkpoint
from connector.store.incoming.reconciling import Drift
from connector.store.incoming.records import PageCounts
from connector.store.outgoing import outbox
from connector.sync.context import Loop, Reading, Source
from connector.sync.reading.erasing import erase
from connector.sync.reading.storing import store_page

RECONCILE = "reconcile"
FEW = 10
"""So many gone records are always believed, once the CRM confirms each."""


def reconcile(
    loop: Loop,
    source: Source,
    one: CompiledObject,
    filled_at: Micros,
    known: Checkpoint | None,
    now: Micros,
    counts: Counter[str],
) -> None:
    """Go on with an open reconcile, or begin one when the last is old enough.

    It compares what is below `known`'s end, where nothing should differ any more.
    """
    with loop.store.read() as tx:
        last = checkpoints.load(tx, source.name, one.name, RECONCILE)
    is_open = last is not None and last.window_until is not None and last.mapping == one.hash
    done_at = max(filled_at, last.done_until or 0) if last is not None else filled_at
    if not is_open and now - done_at < source.reconcile_every:
        return
    if is_open and last is not None and last.window_until is not None:
        until, after = last.window_until, last.position
    else:
        until, after = (known.done_until if known and known.done_until else filled_at), None
        _begin(loop, source, one, _point(loop, source, one, done_at, until, None))
    found: Counter[str] = Counter()
    for page in source.adapter.read(one.source, source.names(one), Window(None, until), after):
        after = page.position
        ids = [str(row.get(one.key)).strip() for row in page.rows]
        point = _point(loop, source, one, done_at, until, after)
        store_page(loop, source, one, page, partial(_keep, point, ids), found)
        loop.tell(f"reconcile {source.name} {one.name}", found)
    binned = now - done_at < source.adapter.capabilities.bin
    checked = _finish(loop, source, one, now, found, binned=binned)
    counts["erased"] += found["erased"]
    loop.readings.append(Reading(source.name, one.name, checked, None, until))
    counts["drift"] += found["drift"]
    counts["reconciled"] += found["read"]
    for name in ("rejected", "newly rejected"):
        counts[name] += found[name]


def _begin(loop: Loop, source: Source, one: CompiledObject, point: Checkpoint) -> None:
    with loop.store.write() as tx:
        source.hold(tx)
        reconciling.begin(tx, source.name, one.name)
        reconciling.save(tx, Drift(source.name, one.name, loop.now, 0, 0, 0, 0, 0, loop.run))
        checkpoints.save(tx, point)


def _keep(point: Checkpoint, ids: list[str], tx: Connection, stored: PageCounts) -> None:
    reconciling.seen(tx, point.connection, point.object, ids)
    differing = stored.changed + stored.remote_changed
    reconciling.count(tx, point.connection, point.object, stored.new, differing)
    checkpoints.save(tx, point)


def _finish(
    loop: Loop,
    source: Source,
    one: CompiledObject,
    now: Micros,
    found: Counter[str],
    *,
    binned: bool,
) -> int:
    """Bury what is gone and close the reconcile; gives how many rows it met.

    `binned` says that what was deleted since the last one must still lie in the CRM's bin.
    """
    with loop.store.read() as tx:
        lost, live = reconciling.count_unseen(tx, source.name, one.name)
        checked = reconciling.count_seen(tx, source.name, one.name)
    limit = max(float(FEW), loop.settings.write.limits.records * live)
    held = lost if lost > limit else 0
    if held:
        loop.warn(
            f"{source.name}: {lost} of {live} {one.name} records did not show up; so many at once "
            "are not taken for deleted: check what our user may read, or raise "
            "write.limits.records"
        )
    else:
        _bury_lost(loop, source, one, found, binned=binned)
    if found["hidden"]:
        loop.warn(
            f"{source.name}: {found['hidden']} {one.name} records are neither shown nor deleted: "
            "our user may not see them any more, and they stay as they were; give it View All"
        )
    with loop.store.write() as tx:
        source.hold(tx)
        drift = reconciling.of(tx, source.name, one.name)._replace(
            at=loop.now, checked=checked, gone=found["lost"], held=held, run=loop.run
        )
        reconciling.save(tx, drift)
        reconciling.begin(tx, source.name, one.name)
        checkpoints.save(tx, _point(loop, source, one, now, None, None))
    found["drift"] = drift.missing + drift.differing + drift.gone
    return checked


def _bury_lost(
    loop: Loop, source: Source, one: CompiledObject, found: Counter[str], *, binned: bool
) -> None:
    """Ask for each record that did not show up; those the CRM does not have are gone, into the
    record that answers for them where there is one."""
    after = ""
    while True:
        with loop.store.read() as tx:
            size = source.adapter.capabilities.id_batch
            ids = reconciling.unseen(tx, source.name, one.name, after, size)
        if not ids:
            return
        after = ids[-1]
        rows = source.adapter.read_ids(one.source, source.names(one), ids)
        there = {str(row[one.key]) for row in rows}
        winners = {loser: str(r[one.key]) for r in rows for loser in source.adapter.losers(r)}
        missing = [ident for ident in ids if ident not in there]
        unseen = set(_hidden(source, one, missing)) if missing else set()
        found["hidden"] += len(unseen)
        gone = {i: winners.get(i) for i in missing if i not in unseen}
        nowhere = [i for i, into in gone.items() if into is None]
        erased = _erased(source, one, nowhere) if binned and nowhere else []
        if erased:
            erase(loop, source, one, erased, found)
            found["lost"] += len(erased)
            gone = {i: into for i, into in gone.items() if i not in erased}
        if gone:
            with loop.store.write() as tx:
                source.hold(tx)
                records.bury(tx, source.name, one.name, gone)
                outbox.cancel_gone(tx, source.name, one.name, gone, loop.now)
        found["lost"] += len(gone)


def _erased(source: Source, one: CompiledObject, ids: list[str]) -> list[str]:
    """Those that lie nowhere in the CRM; of people alone, for only they are erased by law."""
    adapter = source.adapter
    if one.kind is not Kind.PERSON or not isinstance(adapter, Eraser):
        return []
    return adapter.erased(one.source, ids)


def _hidden(source: Source, one: CompiledObject, ids: list[str]) -> list[str]:
    """Those of the missing that nobody deleted: our user may not see them any more."""
    adapter = source.adapter
    return adapter.hidden(one.source, ids) if isinstance(adapter, Witness) else []


def _point(
    loop: Loop,
    source: Source,
    one: CompiledObject,
    done: Micros,
    until: Micros | None,
    after: str | None,
) -> Checkpoint:
    return Checkpoint(
        connection=source.name,
        object=one.name,
        kind=RECONCILE,
        done_until=done,
        window_since=None,
        window_until=until,
        position=after,
        mapping=one.hash,
        run=loop.run,
        fence=source.lease.fence if source.lease else 0,
    )
