"""Whether owners are still there: asked of the CRM itself, just before records are given to them.

What we have read of an owner may be hours old when a plan was waiting for approval, and some CRMs
give a record to somebody who left without a word.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from connector.domain.record import Record
from connector.mapping.compile import CompiledObject
from connector.store.outgoing import outbox
from connector.store.outgoing.outbox import Row
from connector.store.persons import people
from connector.store.persons.news import note_news
from connector.sync.context import Loop, Source

LEFT = "owner_left"
"""What is noted of a row whose owner was there when it was planned, and is no more."""


def to_the_living(
    loop: Loop, source: Source, rows: Sequence[Row], counts: Counter[str]
) -> list[Row]:
    """Hold back rows that would give a record to somebody who left; gives the others.

    Their people are planned again with the next run, which chooses somebody else.
    """
    names = {t.to for t in source.objects[rows[0].object].writes.values() if t.field == "owner"}
    chosen = {row.id: _owners(row, names) for row in rows}
    left = departed(loop, source, {one for some in chosen.values() for one in some})
    if not left:
        return list(rows)
    held = [row for row in rows if chosen[row.id] & left]
    with loop.store.write() as tx:
        source.hold(tx)
        outbox.settle(tx, (row.id for row in held), "conflict", loop.now, LEFT)
        note_news(tx, (row.person for row in held))
    counts["conflict"] += len(held)
    loop.warn(
        f"{source.name}: {len(held)} records were to be given to owners who left since the plan "
        f"was made ({', '.join(sorted(left))}); nothing was written to these, and the next run "
        "chooses somebody else"
    )
    return [row for row in rows if not chosen[row.id] & left]


def departed(loop: Loop, source: Source, ids: Iterable[str]) -> set[str]:
    """Give those of these owners that the CRM does not show as active now.

    Ids of which we never read an owner are left to the CRM to refuse.
    """
    with loop.store.read() as tx:
        known = people.records_by_id(tx, source.name, "owner", ids)
    asked: dict[str, list[str]] = {}
    for ident, row in known.items():
        asked.setdefault(row.object, []).append(ident)
    left: set[str] = set()
    for name, some in asked.items():
        one = source.objects.get(name)
        if one is not None:
            left |= set(some).difference(_active(source, one, sorted(some)))
    return left


def _active(source: Source, one: CompiledObject, ids: Sequence[str]) -> Iterator[str]:
    size = source.adapter.capabilities.id_batch
    for start in range(0, len(ids), size):
        some = ids[start : start + size]
        for row in source.adapter.read_ids(one.source, source.names(one), some):
            owner = one.convert(row, "")
            if isinstance(owner, Record) and owner.doc.get("active") is not False:
                yield owner.id


def _owners(row: Row, names: set[str]) -> set[str]:
    return {str(after) for n, (_, after) in row.changes.items() if n in names and after is not None}
