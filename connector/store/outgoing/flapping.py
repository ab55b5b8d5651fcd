"""Fields somebody else keeps setting back: after too many turns we stop, and say so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, delete, select

from connector.domain.moment import DAY, Micros
from connector.domain.record import Scalar
from connector.mapping.outbound import same
from connector.store.outgoing.written import Key, Sent, grouped
from connector.store.schema_sync import flapping
from connector.store.statements.among import among
from connector.store.statements.upsert import upsert

TURNS = 3
"""So often we put our value back; at the next turn theirs stays."""
CALM: Micros = 30 * DAY
"""After so long without a turn, counting starts anew."""


def count_contested(
    tx: Connection,
    sent: Sequence[Sent],
    held: Mapping[Key, Mapping[str, tuple[Scalar, Micros]]],
    now: Micros,
    run: str,
) -> None:
    """Count confirmed writes that put our value in place of one somebody else had set.

    `held` is what we had last written to these records before.
    """
    fields = [
        (row.key, name)
        for row in sent
        if (bases := held.get(row.key))  # none at first
        for name, (before, _) in row.changes.items()
        if (base := bases.get(name)) is not None and not same(base[0], before)
    ]
    if not fields:
        return
    known = turns(tx, [key for key, _ in fields], now)
    upsert(
        tx,
        flapping,
        [
            {
                "connection": key[0],
                "object": key[1],
                "record": key[2],
                "field": name,
                "times": known.get(key, {}).get(name, 0) + 1,
                "last_at": now,
                "run": run,
            }
            for key, name in fields
        ],
    )


def turns(tx: Connection, keys: Iterable[Key], now: Micros) -> dict[Key, dict[str, int]]:
    """Give how often we put our value back, by record and remote field; old turns are forgotten."""
    found: dict[Key, dict[str, int]] = {}
    for connection, obj, ids in grouped(keys):
        rows = tx.execute(
            select(flapping).where(
                flapping.c.connection == connection,
                flapping.c.object == obj,
                among(flapping.c.record, ids),
                flapping.c.last_at > now - CALM,
            )
        )
        for row in rows:
            found.setdefault((connection, obj, row.record), {})[row.field] = row.times
    return found


def stopped(tx: Connection, now: Micros, limit: int = 100) -> list[dict[str, Any]]:
    """Give the fields we have stopped to put right, by record."""
    rows = tx.execute(
        select(flapping)
        .where(flapping.c.times >= TURNS, flapping.c.last_at > now - CALM)
        .order_by(flapping.c.connection, flapping.c.object, flapping.c.record, flapping.c.field)
        .limit(limit)
    )
    return [dict(row._mapping) for row in rows]


def forget(tx: Connection) -> None:
    """Begin to count anew everywhere: somebody has seen to it."""
    tx.execute(delete(flapping))
