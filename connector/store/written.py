"""What we wrote and had confirmed, what others wrote into fields we share, and the journal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, bindparam, delete, select, update
from sqlalchemy import insert as sql_insert

from connector.domain.moment import Micros
from connector.domain.record import Scalar
from connector.store.people import chunks, dumps
from connector.store.schema import human_edit, journal, last_written, outbox, record
from connector.store.upsert import upsert

Key = tuple[str, str, str]
"""connection, object, record id"""


class Sent(NamedTuple):
    """The fields of one record in one outbox row: remote name -> (before, after)."""

    outbox: int
    key: Key
    changes: Mapping[str, tuple[Scalar, Scalar]]


def write_journal(tx: Connection, sent: Sequence[Sent], now: Micros, run: str) -> None:
    """Append each field's before and after; called before the request leaves."""
    entries = [
        {
            "outbox": row.outbox,
            "connection": row.key[0],
            "object": row.key[1],
            "record": row.key[2],
            "field": name,
            "before": dumps(before),
            "after": dumps(after),
            "at": now,
            "run": run,
        }
        for row in sent
        for name, (before, after) in row.changes.items()
    ]
    if entries:
        tx.execute(sql_insert(journal), entries)


def confirm(tx: Connection, sent: Sequence[Sent], now: Micros, run: str) -> None:
    """Note confirmed values as our last written ones and as what the records hold now."""
    upsert(
        tx,
        last_written,
        [
            {
                "connection": row.key[0],
                "object": row.key[1],
                "record": row.key[2],
                "field": name,
                "value": dumps(after),
                "at": now,
                "run": run,
            }
            for row in sent
            for name, (_, after) in row.changes.items()
        ],
    )
    _forget_edits(tx, sent)
    _hold(tx, {row.key: row.changes for row in sent})


def seed(
    tx: Connection, rows: Sequence[tuple[str, str, str, str, Scalar, Micros]], run: str
) -> None:
    """Take values for our last written ones: (connection, object, record, field, value, at).

    For a store that lost its memory of what it wrote, and found it in the CRM.
    """
    names = ("connection", "object", "record", "field")
    upsert(
        tx,
        last_written,
        [
            {**dict(zip(names, row[:4], strict=True)), "value": dumps(row[4]), "at": row[5]}
            | {"run": run}
            for row in rows
        ],
    )


def _forget_edits(tx: Connection, sent: Sequence[Sent]) -> None:
    names = [
        {"c": row.key[0], "o": row.key[1], "r": row.key[2], "f": name}
        for row in sent
        for name in row.changes
    ]
    if names:
        tx.execute(
            delete(human_edit).where(
                human_edit.c.connection == bindparam("c"),
                human_edit.c.object == bindparam("o"),
                human_edit.c.record == bindparam("r"),
                human_edit.c.field == bindparam("f"),
            ),
            names,
        )


def bases(tx: Connection, keys: Iterable[Key]) -> dict[Key, dict[str, tuple[Scalar, Micros]]]:
    """Give what we last wrote to each (connection, object, record), by remote field."""
    found: dict[Key, dict[str, tuple[Scalar, Micros]]] = {}
    for connection, obj, ids in grouped(keys):
        rows = tx.execute(
            select(last_written).where(
                last_written.c.connection == connection,
                last_written.c.object == obj,
                last_written.c.record.in_(ids),
            )
        )
        for row in rows:
            fields = found.setdefault((connection, obj, row.record), {})
            fields[row.field] = (orjson.loads(row.value), row.at)
    return found


def edits(tx: Connection, keys: Iterable[Key]) -> dict[Key, dict[str, tuple[Scalar, Micros]]]:
    """Give values of others we have seen in fields we share, and since when, by remote field."""
    found: dict[Key, dict[str, tuple[Scalar, Micros]]] = {}
    for connection, obj, ids in grouped(keys):
        rows = tx.execute(
            select(human_edit).where(
                human_edit.c.connection == connection,
                human_edit.c.object == obj,
                human_edit.c.record.in_(ids),
            )
        )
        for row in rows:
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


def _hold(tx: Connection, changes: Mapping[Key, Mapping[str, tuple[Scalar, Scalar]]]) -> None:
    """Put confirmed values into what the record holds, so that their echo is no news."""
    updates = []
    for connection, obj, ids in grouped(changes):
        rows = tx.execute(
            select(record.c.id, record.c.remote).where(
                record.c.connection == connection, record.c.object == obj, record.c.id.in_(ids)
            )
        )
        for row in rows:
            held = orjson.loads(row.remote)
            held.update({n: after for n, (_, after) in changes[connection, obj, row.id].items()})
            updates.append({"c": connection, "o": obj, "i": row.id, "r": dumps(held)})
    if updates:
        tx.execute(
            update(record)
            .where(
                record.c.connection == bindparam("c"),
                record.c.object == bindparam("o"),
                record.c.id == bindparam("i"),
            )
            .values(remote=bindparam("r")),
            updates,
        )


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


def journal_of_run(tx: Connection, run: str, after: int, limit: int) -> list[dict[str, Any]]:
    """Give confirmed field changes a run made, of the next `limit` outbox rows past `after`."""
    of_run = (
        select(journal.c.outbox)
        .distinct()
        .where(journal.c.run == run, journal.c.outbox > after)
        .order_by(journal.c.outbox)
        .limit(limit)
        .subquery()
    )
    rows = tx.execute(
        select(journal, outbox.c.grp, outbox.c.person, outbox.c.state)
        .join(of_run, of_run.c.outbox == journal.c.outbox)
        .join(outbox, outbox.c.id == journal.c.outbox)
        .where(journal.c.run == run)
        .order_by(journal.c.outbox, journal.c.seq)
    )
    return [
        {
            **row._mapping,
            "before": orjson.loads(row.before),
            "after": orjson.loads(row.after),
        }
        for row in rows
    ]


def grouped(keys: Iterable[Key]) -> Iterable[tuple[str, str, list[str]]]:
    """Cut record keys into (connection, object, ids) that a statement can bind."""
    together: dict[tuple[str, str], list[str]] = {}
    for connection, obj, ident in keys:
        together.setdefault((connection, obj), []).append(ident)
    for (connection, obj), ids in together.items():
        for some in chunks(ids):
            yield connection, obj, some
