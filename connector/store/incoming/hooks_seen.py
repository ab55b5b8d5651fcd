"""Calls of CRMs that were taken in, so that one sent twice counts once; kept for two days."""

from __future__ import annotations

from sqlalchemy import delete, select

from connector.domain.moment import DAY, Micros
from connector.store.database import Store
from connector.store.schema_review import hook_seen as table
from connector.store.statements.upsert import upsert

_KEPT = 2 * DAY
"""CRMs sign each call with its time and are refused when it is minutes old."""


def is_new(store: Store, connection: str, digest: str) -> bool:
    """Whether this very call has not been taken in yet."""
    with store.read() as tx:
        query = select(table.c.at).where(table.c.connection == connection, table.c.digest == digest)
        return tx.execute(query).first() is None


def add(store: Store, connection: str, digest: str, now: Micros) -> None:
    """Remember a call, and forget old ones."""
    with store.write() as tx:
        upsert(tx, table, [{"connection": connection, "digest": digest, "at": now}])
        tx.execute(delete(table).where(table.c.at < now - _KEPT))
