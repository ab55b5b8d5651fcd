"""What we wrote and had confirmed, what others wrote into fields we share, and the journal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import orjson
from sqlalchemy import BigInteger, Connection, bindparam, delete, insert, literal, select, update

from connector.domain.moment import Micros
from connector.domain.record import Scalar
from connector.store.persons.people import chunks, dumps
from connector.store.schema import human_edit, journal, last_written, outbox, record
from connector.store.statements.among import among, among_numbers
from connector.store.statements.bulk import execute_many
from connector.store.statements.upsert import upsert

Key = tuple[str, str, str]
"""connection, object, record id"""


class Sent(NamedTuple):
    """The fields of one record in one outbox row: remote name -> (before, after)."""

    outbox: int
    key: Key
    changes: Mapping[str, Sequence[Scalar]]


class Journaled(NamedTuple):
    """One attempt to write one outbox row: what stood there, and what we sent."""

    outbox: int
    connection: str
    object: str
    record: str
    grp: str
    person: str
    state: str
    changes: Mapping[str, Sequence[Scalar]]


_JOURNAL = ("outbox", "connection", "object", "record", "changes", "at", "run")
_FORGET = delete(human_edit).where(
    human_edit.c.connection == bindparam("c"),
    human_edit.c.object == bindparam("o"),
    human_edit.c.record == bindparam("r"),
    human_edit.c.field == bindparam("f"),
)
_HOLD = (
    update(record)
    .where(
        record.c.connection == bindparam("c"),
        record.c.object == bindparam("o"),
        record.c.id == bindparam("i"),
    )
    .values(remote=bindparam("r"))
)


def write_journal(tx: Connection, rows: Sequence[int], now: Micros, run: str) -> None:
    """Append the fields of outbox rows before and after; called before the request leaves."""
    told = [outbox.c[name] for name in ("connection", "object", "record", "changes")]
    found = (
        select(outbox.c.id, *told, literal(now, BigInteger), literal(run))
        .where(among_numbers(outbox.c.id, rows))
        .order_by(outbox.c.id)
    )
    tx.execute(insert(journal).from_select(_JOURNAL, found))


def confirm(
    tx: Connection,
    sent: Sequence[Sent],
    now: Micros,
    run: str,
    held: Mapping[Key, Mapping[str, tuple[Scalar, Micros]]] | None = None,
) -> None:
    """Note confirmed values as our last written ones and as what the records hold now.

    `held` is what `bases` says of these records, for a caller who has asked already.
    """
    known = bases(tx, [row.key for row in sent]) if held is None else held
    values: dict[Key, dict[str, Scalar]] = {}
    for row in sent:
        mine = values.setdefault(row.key, {})
        mine.update([(name, pair[1]) for name, pair in row.changes.items()])
    fields = {
        key: {**known.get(key, {}), **{name: (value, now) for name, value in mine.items()}}
        for key, mine in values.items()
    }
    _save(tx, fields, run)
    _forget_edits(tx, sent)
    _hold(tx, values)


def seed(
    tx: Connection, rows: Sequence[tuple[str, str, str, str, Scalar, Micros]], run: str
) -> None:
    """Take values for our last written ones: (connection, object, record, field, value, at).

    For a store that lost its memory of what it wrote, and found it in the CRM.
    """
    known = bases(tx, [row[:3] for row in rows])
    fields: dict[Key, dict[str, tuple[Scalar, Micros]]] = {}
    for connection, obj, ident, name, value, at in rows:
        key = (connection, obj, ident)
        fields.setdefault(key, dict(known.get(key, {})))[name] = (value, at)
    _save(tx, fields, run)


def _save(
    tx: Connection, fields: Mapping[Key, Mapping[str, tuple[Scalar, Micros]]], run: str
) -> None:
    upsert(
        tx,
        last_written,
        [
            {"connection": c, "object": o, "record": r, "fields": dumps(mine), "run": run}
            for (c, o, r), mine in fields.items()
        ],
    )


def _forget_edits(tx: Connection, sent: Sequence[Sent]) -> None:
    known = edits(tx, [row.key for row in sent])
    if not known:
        return
    execute_many(
        tx,
        _FORGET,
        [
            {"c": row.key[0], "o": row.key[1], "r": row.key[2], "f": name}
            for row in sent
            for name in row.changes
            if name in known.get(row.key, {})
        ],
    )


def bases(tx: Connection, keys: Iterable[Key]) -> dict[Key, dict[str, tuple[Scalar, Micros]]]:
    """Give what we last wrote to each (connection, object, record), by remote field."""
    found: dict[Key, dict[str, tuple[Scalar, Micros]]] = {}
    for connection, obj, ids in grouped(keys):
        rows = tx.execute(
            select(last_written.c.record, last_written.c.fields).where(
                last_written.c.connection == connection,
                last_written.c.object == obj,
                among(last_written.c.record, ids),
            )
        )
        for ident, text in rows.all():
            fields = orjson.loads(text)
            found[connection, obj, ident] = {n: (value, at) for n, (value, at) in fields.items()}
    return found


def edits(tx: Connection, keys: Iterable[Key]) -> dict[Key, dict[str, tuple[Scalar, Micros]]]:
    """Give values of others we have seen in fields we share, and since when, by remote field."""
    found: dict[Key, dict[str, tuple[Scalar, Micros]]] = {}
    for connection, obj, ids in grouped(keys):
        rows = tx.execute(
            select(human_edit).where(
                human_edit.c.connection == connection,
                human_edit.c.object == obj,
                among(human_edit.c.record, ids),
            )
        )
        for row in rows.all():
            fields = found.setdefault((connection, obj, row.record), {})
            fields[row.field] = (orjson.loads(row.value), row.seen_at)
    return found


def save_edits(
    tx: Connection, rows: Sequence[tuple[str, str, str, str, Scalar]], now: Micros, run: str
) -> None:
    """Remember other people's values: (connection, object, record, field, value), seen now."""
    upsert(
        tx,
        human_edit,
        [
            {
                "connection": connection,
                "object": obj,
                "record": rec,
                "field": name,
                "value": dumps(value),
                "seen_at": now,
                "run": run,
            }
            for connection, obj, rec, name, value in rows
        ],
    )


def _hold(tx: Connection, changes: Mapping[Key, Mapping[str, Scalar]]) -> None:
    """Put confirmed values into what the record holds, so that their echo is no news."""
    updates = []
    for connection, obj, ids in grouped(changes):
        rows = tx.execute(
            select(record.c.id, record.c.remote).where(
                record.c.connection == connection, record.c.object == obj, among(record.c.id, ids)
            )
        )
        for ident, text in rows.all():
            held = {**orjson.loads(text), **changes[connection, obj, ident]}
            updates.append({"c": connection, "o": obj, "i": ident, "r": dumps(held)})
    execute_many(tx, _HOLD, updates)


def edited_before(
    tx: Connection, connection: str, obj: str, field: str, before: Micros
) -> list[str]:
    """Give the people whose records hold somebody else's value of a field since before a moment."""
    rows = tx.execute(
        select(record.c.person)
        .join(
            human_edit,
            (human_edit.c.connection == record.c.connection)
            & (human_edit.c.object == record.c.object)
            & (human_edit.c.record == record.c.id),
        )
        .where(
            human_edit.c.connection == connection,
            human_edit.c.object == obj,
            human_edit.c.field == field,
            human_edit.c.seen_at <= before,
            record.c.person.is_not(None),
        )
    )
    return list(rows.scalars())


def journal_of_run(tx: Connection, run: str, after: int, limit: int) -> list[Journaled]:
    """Give what a run wrote, of the next `limit` outbox rows past `after`, in order."""
    of_run = (
        select(journal.c.outbox)
        .distinct()
        .where(journal.c.run == run, journal.c.outbox > after)
        .order_by(journal.c.outbox)
        .limit(limit)
        .subquery()
    )
    columns = [*(journal.c[name] for name in ("outbox", "connection", "object", "record"))]
    rows = tx.execute(
        select(*columns, outbox.c.grp, outbox.c.person, outbox.c.state, journal.c.changes)
        .join(of_run, of_run.c.outbox == journal.c.outbox)
        .join(outbox, outbox.c.id == journal.c.outbox)
        .where(journal.c.run == run)
        .order_by(journal.c.outbox, journal.c.seq)
    )
    return [Journaled(*(*told, orjson.loads(text))) for *told, text in rows.all()]


def grouped(keys: Iterable[Key]) -> Iterable[tuple[str, str, list[str]]]:
    """Cut record keys into (connection, object, ids) that a statement can bind."""
    together: dict[tuple[str, str], list[str]] = {}
    for connection, obj, ident in keys:
        together.setdefault((connection, obj), []).append(ident)
    for (connection, obj), ids in together.items():
        for some in chunks(ids):
            yield connection, obj, some
