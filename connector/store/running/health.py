"""How each connection is: one whose log-in was refused, or that is down, is not hammered."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, delete, select

from connector.domain.moment import HOUR, MINUTE, Micros
from connector.store.schema_sync import health
from connector.store.statements.upsert import upsert

OK, LOGIN, PARKED = "ok", "login", "parked"
PATIENCE = 3
"""So many runs in a row may fail before a connection that is down is left alone for a while."""
LONGEST: Micros = HOUR


class Health(NamedTuple):
    """`until` is when to try again; None means now. `since` is when it began."""

    state: str = OK
    failures: int = 0
    until: Micros | None = None
    code: str | None = None
    since: Micros = 0


def of(tx: Connection, connection: str) -> Health:
    """Give how a connection is; well, when nothing is known."""
    row = tx.execute(select(health).where(health.c.connection == connection)).one_or_none()
    return Health(row.state, row.failures, row.until, row.code, row.since) if row else Health()


def every(tx: Connection) -> dict[str, Health]:
    """Give the connections that are in trouble."""
    return {
        r.connection: Health(r.state, r.failures, r.until, r.code, r.since)
        for r in tx.execute(select(health).order_by(health.c.connection))
    }


def note_failure(
    tx: Connection, connection: str, state: str, code: str, now: Micros, wait: Micros | None
) -> Health:
    """Note that a run could not use a connection. `wait` is what the CRM asked for, if it did.

    A refused log-in waits at once, and longer each time; a connection that is down only after
    some runs in a row.
    """
    before = of(tx, connection)
    failures = before.failures + 1 if before.state == state else 1
    patience = 0 if state == LOGIN else PATIENCE - 1
    turns = failures - patience
    pause = min(LONGEST, MINUTE * 4 ** min(turns - 1, 5)) if turns > 0 else None
    longest = max((p for p in (pause, wait) if p is not None), default=None)
    one = Health(
        state,
        failures,
        now + longest if longest is not None else None,
        code,
        before.since if before.state == state else now,
    )
    upsert(tx, health, [{"connection": connection, **one._asdict()}])
    return one


def note_well(tx: Connection, connection: str) -> None:
    """Note that a connection can be used: what was wrong is forgotten."""
    tx.execute(delete(health).where(health.c.connection == connection))
