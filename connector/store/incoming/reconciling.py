"""What a reconcile has seen so far, what is amiss, and the figure it ends with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, delete, func, select, update
from sqlalchemy import insert as sql_insert

from connector.domain.moment import Micros
from connector.store.persons.people import chunks
from connector.store.schema import record
from connector.store.schema_sync import drift, sweep
from connector.store.statements.among import among
from connector.store.statements.upsert import upsert


class Drift(NamedTuple):
    """What one reconcile found and mended. `held` are gone records too many to believe."""

    connection: str
    object: str
    at: Micros
    checked: int
    missing: int
    differing: int
    gone: int
    held: int
    run: str

    @property
    def share(self) -> float:
        """The part of what was compared that was amiss, 0 to 1."""
        return (self.missing + self.differing + self.gone) / max(1, self.checked)


def begin(tx: Connection, connection: str, obj: str) -> None:
    """Forget what an earlier reconcile saw."""
    tx.execute(delete(sweep).where(sweep.c.connection == connection, sweep.c.object == obj))


def seen(tx: Connection, connection: str, obj: str, ids: Iterable[str]) -> None:
    """Note ids of a page; seeing one twice is no harm."""
    for some in chunks(ids):
        known = set(
            tx.execute(
                select(sweep.c.id).where(
                    sweep.c.connection == connection, sweep.c.object == obj, among(sweep.c.id, some)
                )
            ).scalars()
        )
        fresh = [i for i in some if i not in known]
        if fresh:
            tx.execute(
                sql_insert(sweep),
                [{"connection": connection, "object": obj, "id": i} for i in fresh],
            )


def count_seen(tx: Connection, connection: str, obj: str) -> int:
    """Count the ids seen."""
    query = select(func.count()).where(sweep.c.connection == connection, sweep.c.object == obj)
    return int(tx.execute(query).scalar_one())


def _unseen(connection: str, obj: str) -> Sequence[Any]:
    there = select(sweep.c.id).where(
        sweep.c.connection == connection, sweep.c.object == obj, sweep.c.id == record.c.id
    )
    return (
        record.c.connection == connection,
        record.c.object == obj,
        ~record.c.gone,
        ~there.exists(),
    )


def count_unseen(tx: Connection, connection: str, obj: str) -> tuple[int, int]:
    """Give how many live records the CRM did not show, and how many live ones there are."""
    live = select(func.count()).where(
        record.c.connection == connection, record.c.object == obj, ~record.c.gone
    )
    lost = select(func.count()).where(*_unseen(connection, obj))
    return int(tx.execute(lost).scalar_one()), int(tx.execute(live).scalar_one())


def unseen(tx: Connection, connection: str, obj: str, after: str, limit: int) -> list[str]:
    """Give ids past `after` of live records the CRM did not show."""
    rows = tx.execute(
        select(record.c.id)
        .where(*_unseen(connection, obj), record.c.id > after)
        .order_by(record.c.id)
        .limit(limit)
    )
    return list(rows.scalars())


def save(tx: Connection, one: Drift) -> None:
    """Keep the figure of the last reconcile of an object."""
    upsert(tx, drift, [one._asdict()])


def count(tx: Connection, connection: str, obj: str, missing: int, differing: int) -> None:
    """Add what a page of the reconcile brought to its figure."""
    if missing or differing:
        tx.execute(
            update(drift)
            .where(drift.c.connection == connection, drift.c.object == obj)
            .values(missing=drift.c.missing + missing, differing=drift.c.differing + differing)
        )


def of(tx: Connection, connection: str, obj: str) -> Drift:
    """Give the figure of an object; all zero before its first."""
    row = tx.execute(
        select(drift).where(drift.c.connection == connection, drift.c.object == obj)
    ).one_or_none()
    return Drift(**row._mapping) if row else Drift(connection, obj, 0, 0, 0, 0, 0, 0, "")


def last(tx: Connection) -> list[Drift]:
    """Give the last figure of each object."""
    rows = tx.execute(select(drift).order_by(drift.c.connection, drift.c.object))
    return [Drift(**row._mapping) for row in rows]
