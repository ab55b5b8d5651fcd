"""The fields of each remote object, as the CRM last described them."""

from __future__ import annotations

from typing import NamedTuple

import orjson
from sqlalchemy import Connection, select

from connector.domain.moment import Micros
from connector.store.persons.people import dumps
from connector.store.schema_sync import schema_snapshot
from connector.store.statements.upsert import upsert


class Snapshot(NamedTuple):
    """Fields with their type (None where the CRM does not tell), and those in use that are lost."""

    fields: dict[str, str | None]
    lost: frozenset[str]


def load(tx: Connection, connection: str, source: str) -> Snapshot | None:
    """Give the last snapshot of a remote object; None before the first."""
    row = tx.execute(
        select(schema_snapshot).where(
            schema_snapshot.c.connection == connection, schema_snapshot.c.source == source
        )
    ).one_or_none()
    if row is None:
        return None
    return Snapshot(orjson.loads(row.fields), frozenset(orjson.loads(row.lost)))


def lost_fields(tx: Connection) -> list[tuple[str, str, str]]:
    """Give (connection, remote object, field) of what mappings use and CRMs no longer have."""
    rows = tx.execute(
        select(schema_snapshot.c.connection, schema_snapshot.c.source, schema_snapshot.c.lost)
        .where(schema_snapshot.c.lost != "[]")
        .order_by(schema_snapshot.c.connection, schema_snapshot.c.source)
    )
    return [(r.connection, r.source, name) for r in rows for name in orjson.loads(r.lost)]


def save(
    tx: Connection, connection: str, source: str, one: Snapshot, *, now: Micros, run: str
) -> None:
    """Keep a snapshot."""
    upsert(
        tx,
        schema_snapshot,
        [
            {
                "connection": connection,
                "source": source,
                "fields": dumps(one.fields),
                "lost": dumps(sorted(one.lost)),
                "seen_at": now,
                "run": run,
            }
        ],
    )
