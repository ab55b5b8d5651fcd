"""Hands: what people set in fields we share, though the value alone does not show it.

A person may set the very value we wrote, or set another and go back, before or after our last
read. Where the CRM keeps who gave a field its value, we ask that of the rows about to be sent, and
of fields alone in which a person's word counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connector.domain.record import Scalar
from connector.mapping.outbound import same
from connector.store.outgoing import plans, written
from connector.store.outgoing.outbox import Row
from connector.sync.context import Loop, Source

Held = Mapping[str, Mapping[str, Scalar]]


def words_of(loop: Loop, source: Source, rows: Sequence[Row], held: Held) -> dict[int, Row]:
    """Give the rows, by id, that would be written over a person's word.

    That is one given after the row was planned; or any about a value that we wrote and they have
    said again since: it is remembered as theirs, so that the next plan lets it stand.
    """
    names = _shared(source, rows)
    if not names:
        return {}
    one = source.objects[rows[0].object]
    said = source.adapter.set_by_hand(one.source, names, [row.record for row in rows])
    if not said:
        return {}
    with loop.store.read() as tx:
        bases = written.bases(tx, [_key(row) for row in rows])
        known = {name: plans.get_plan(tx, name) for name in {row.plan for row in rows}}
    theirs: dict[int, Row] = {}
    again: list[tuple[str, str, str, str, Scalar]] = []
    for row in rows:
        plan = known[row.plan]
        read_until = plan.created_at - source.adapter.capabilities.lag if plan else loop.now
        for name, at in said.get(row.record, {}).items():
            if name not in row.changes:
                continue
            value = held[row.record].get(name)
            base = bases.get(_key(row), {}).get(name)
            repeated = base is not None and same(base[0], value) and not same(value, None)
            if repeated:
                again.append((*_key(row), name, value))
            if repeated or at > read_until:
                theirs[row.id] = row
    if again:
        with loop.store.write() as tx:
            source.hold(tx)
            written.save_edits(tx, again, loop.now, loop.run)
    return theirs


def _shared(source: Source, rows: Sequence[Row]) -> list[str]:
    """The fields of these rows in which a person's word counts."""
    if not rows:
        return []
    targets = {target.to: target for target in source.objects[rows[0].object].writes.values()}
    named = dict.fromkeys(name for row in rows for name in row.changes)
    return [name for name in named if name in targets and targets[name].policy != "ours"]


def _key(row: Row) -> written.Key:
    return row.connection, row.object, row.record
