"""What fields held before: edits that a CRM tells of, and differences that runs saw themselves."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, Row, delete, func, select

from connector.domain.moment import Micros
from connector.domain.record import Edit, Scalar
from connector.store.persons import suppressed
from connector.store.persons.news import note_news
from connector.store.persons.people import chunks
from connector.store.running import notes
from connector.store.schema import record, run
from connector.store.schema_sync import field_history as table
from connector.store.statements.among import among
from connector.store.statements.upsert import upsert

Key = tuple[str, str, str]
"""connection, object, record"""


class Kept(NamedTuple):
    """An edit as it is kept; `told` says that the CRM itself tells of it, not two readings."""

    at: Micros
    field: str
    before: Scalar
    after: Scalar
    by: str | None
    told: bool


def store_edits(
    tx: Connection, connection: str, obj: str, edits: Sequence[Edit], run_id: str
) -> int:
    """Keep what the CRM tells of an object's records; gives how many edits are new.

    Their people are planned again, for what sales said meanwhile may be among them. Those who were
    forgotten are not let in.
    """
    edits = suppressed.let_in_edits(tx, connection, obj, edits)
    known = _known(tx, connection, obj, edits)
    rows = [_row(connection, obj, one, run_id, told=True) for one in edits]
    fresh = [row for row in rows if (row["record"], row["field"], row["id"]) not in known]
    upsert(tx, table, rows)
    _note(tx, connection, obj, {row["record"] for row in fresh})
    return len(fresh)


def store_differences(
    tx: Connection, connection: str, obj: str, edits: Sequence[Edit], run_id: str
) -> None:
    """Keep what differs between two readings of a record; each edit's id is the run's."""
    upsert(tx, table, [_row(connection, obj, one, run_id, told=False) for one in edits])


def _row(connection: str, obj: str, one: Edit, run_id: str, *, told: bool) -> dict[str, Any]:
    return {
        "connection": connection,
        "object": obj,
        "record": one.record,
        "field": one.field,
        "id": one.id,
        "at": one.at,
        "before": _json(one.before),
        "after": _json(one.after),
        "by": one.by,
        "told": told,
        "run": run_id,
    }


def _json(value: Scalar) -> str:
    return orjson.dumps(value).decode()


def _known(
    tx: Connection, connection: str, obj: str, edits: Sequence[Edit]
) -> set[tuple[str, str, str]]:
    found: set[tuple[str, str, str]] = set()
    for some in chunks({one.record for one in edits}):
        rows = tx.execute(
            select(table.c.record, table.c.field, table.c.id).where(
                table.c.connection == connection,
                table.c.object == obj,
                among(table.c.record, some),
            )
        )
        found.update(tuple(row) for row in rows)
    return found


def _note(tx: Connection, connection: str, obj: str, ids: Collection[str]) -> None:
    people: set[str] = set()
    for some in chunks(ids):
        rows = tx.execute(
            select(record.c.person).where(
                record.c.connection == connection,
                record.c.object == obj,
                among(record.c.id, some),
                record.c.person.is_not(None),
            )
        )
        people.update(rows.scalars())
    note_news(tx, people)


def edits_of(
    tx: Connection, keys: Iterable[Key], fields: Collection[str] | None = None
) -> dict[Key, list[Kept]]:
    """Give the edits of these records, oldest first; of these fields alone, if any are named."""
    found: dict[Key, list[Kept]] = {}
    by_object: dict[tuple[str, str], list[str]] = {}
    for connection, obj, ident in keys:
        by_object.setdefault((connection, obj), []).append(ident)
    wanted = () if fields is None else (table.c.field.in_(sorted(fields)),)
    for (connection, obj), ids in by_object.items():
        for some in chunks(ids):
            rows = tx.execute(
                select(table)
                .where(
                    table.c.connection == connection,
                    table.c.object == obj,
                    among(table.c.record, some),
                    *wanted,
                )
                .order_by(table.c.record, table.c.at, table.c.id)
            )
            for row in rows:
                found.setdefault((connection, obj, row.record), []).append(_kept(row))
    return found


def _kept(row: Row[Any]) -> Kept:
    before, after = orjson.loads(row.before), orjson.loads(row.after)
    return Kept(row.at, row.field, before, after, row.by, row.told)


def drop(tx: Connection, keys: Iterable[Key]) -> int:
    """Forget what these records held before."""
    count = 0
    for connection, obj, ident in keys:
        here = (table.c.connection == connection, table.c.object == obj, table.c.record == ident)
        count += int(tx.execute(delete(table).where(*here)).rowcount)
    return count


# --- since when it is known ----------------------------------------------------------------------


def told_since(tx: Connection) -> dict[tuple[str, str, str], Micros]:
    """Give the first edit a CRM tells of, by connection, object and field: from then on it tracks
    the field for certain."""
    rows = tx.execute(
        select(table.c.connection, table.c.object, table.c.field, func.min(table.c.at))
        .where(table.c.told)
        .group_by(table.c.connection, table.c.object, table.c.field)
    )
    return {(connection, obj, field): int(at) for connection, obj, field, at in rows}


def watch(tx: Connection, connection: str, obj: str, fields: Iterable[str], now: Micros) -> None:
    """Note since when runs look for differences in these fields, and in no others."""
    name = _note_name(connection, obj)
    known: Mapping[str, Micros] = notes.get(tx, name) or {}
    wanted = {field: known.get(field, now) for field in sorted(fields)}
    if wanted == known:
        return
    if wanted:
        notes.put(tx, name, wanted)
    else:
        notes.drop(tx, name)


def watched_since(tx: Connection, connection: str, obj: str) -> Mapping[str, Micros]:
    """Give since when runs look for differences in the fields of an object."""
    found: Mapping[str, Micros] = notes.get(tx, _note_name(connection, obj)) or {}
    return found


def first_seen(tx: Connection, keys: Iterable[Key]) -> dict[Key, Micros]:
    """Give when each record was first read."""
    found: dict[Key, Micros] = {}
    by_object: dict[tuple[str, str], list[str]] = {}
    for connection, obj, ident in keys:
        by_object.setdefault((connection, obj), []).append(ident)
    for (connection, obj), ids in by_object.items():
        for some in chunks(ids):
            rows = tx.execute(
                select(record.c.id, run.c.now)
                .join(run, run.c.id == record.c.first_run)
                .where(
                    record.c.connection == connection,
                    record.c.object == obj,
                    among(record.c.id, some),
                )
            )
            found.update({(connection, obj, ident): int(now) for ident, now in rows})
    return found


def _note_name(connection: str, obj: str) -> str:
    return f"history {connection} {obj}"
