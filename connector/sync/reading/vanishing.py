"""Activities that vanished without a delete we saw, found once a night in the CRM's own log.

People and deals are compared one by one; of activities there are too many for that. So the log is
asked for what was deleted since the last time, by id alone, and each that we hold is looked for
before it is believed gone: it may have been brought back.
"""

from __future__ import annotations

from collections import Counter

from connector.domain.moment import DAY, Micros, format_iso
from connector.mapping.compile import CompiledObject
from connector.store.incoming import activities, records
from connector.store.persons.people import chunks
from connector.store.running import notes
from connector.sync.context import Loop, Source

BACK = 29 * DAY
"""How far back a log of deletes is asked, at most."""


def drop_vanished(
    loop: Loop,
    source: Source,
    one: CompiledObject,
    since: Micros,
    now: Micros,
    counts: Counter[str],
) -> None:
    """Ask the log once the last time is old enough; gone ones count no more.

    Args:
        since: When the object was first read whole, where the log was never asked.
    """
    key = f"deletes {source.name} {one.name}"
    with loop.store.read() as tx:
        last = notes.get(tx, key)
    begin = int(last["until"]) if last is not None else since
    if now - begin < source.reconcile_every:
        return
    told = source.adapter.deleted(one.source, max(begin, now - BACK), now)
    if told is None:
        return
    if now - begin > BACK:
        loop.warn(
            f"{source.name}: what was deleted of {one.source} between {format_iso(begin)} and "
            f"{format_iso(now - BACK)} is not in the CRM's log any more; activities deleted then "
            "for good still count"
        )
    found = 0
    for some in chunks(told.ids):
        found += _drop(loop, source, one, some)
    with loop.store.write() as tx:
        source.hold(tx)
        notes.put(tx, key, {"until": min(told.until, now)})
    if found:
        counts["gone"] += found
        counts["vanished"] += found
        loop.tell(f"reconcile {source.name} {one.name}", counts)


def _drop(loop: Loop, source: Source, one: CompiledObject, ids: list[str]) -> int:
    with loop.store.read() as tx:
        held = activities.held(tx, source.name, one.name, ids)
    gone: list[str] = []
    size = source.adapter.capabilities.id_batch
    for start in range(0, len(held), size):
        some = held[start : start + size]
        rows = source.adapter.read_ids(one.source, [one.key], some)
        there = {str(row[one.key]) for row in rows}
        gone += [ident for ident in some if ident not in there]
    if not gone:
        return 0
    with loop.store.write() as tx:
        source.hold(tx)
        done = records.store_activities(
            tx, connection=source.name, object=one.name, activities=(), gone=gone
        )
    return done.gone
