"""The book of runs: what was started, how it ended and what it did."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, func, select, update
from sqlalchemy import insert as sql_insert

from connector.domain.moment import Micros
from connector.store.persons.people import chunks, dumps
from connector.store.schema import connection as connection_table
from connector.store.schema import run as table

_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"


class Run(NamedTuple):
    """One line of the book."""

    id: str
    command: str
    status: str
    now: Micros
    started_at: Micros
    ended_at: Micros | None
    model: str | None
    plan: str | None
    counts: dict[str, Any]
    error: str | None


def new_id(started: Micros) -> str:
    """Make a run id: sortable by time, unique by chance (50 random bits)."""
    number = (started // 1000) << 50 | secrets.randbits(50)
    letters = []
    for _ in range(20):
        number, digit = divmod(number, 32)
        letters.append(_LETTERS[digit])
    return "".join(reversed(letters))


def start(
    tx: Connection,
    run_id: str,
    command: str,
    *,
    now: Micros,
    started: Micros,
    alive: Collection[str] = (),
) -> None:
    """Open a line; runs still open are noted as crashed, but for those `alive` beside us."""
    tx.execute(
        update(table)
        .where(table.c.status == "running", table.c.id.not_in(list(alive)))
        .values(status="crashed")
    )
    tx.execute(
        sql_insert(table).values(
            id=run_id, command=command, status="running", now=now, started_at=started, counts="{}"
        )
    )


def finish(
    tx: Connection,
    run_id: str,
    *,
    status: str,
    ended: Micros,
    counts: Mapping[str, Any],
    model: str | None = None,
    plan: str | None = None,
    error: str | None = None,
) -> None:
    """Close a line with the envelope's status and what was counted."""
    tx.execute(
        update(table)
        .where(table.c.id == run_id)
        .values(
            status=status,
            ended_at=ended,
            counts=dumps(dict(counts)),
            model=model,
            plan=plan,
            error=error,
        )
    )


def get(tx: Connection, run_id: str) -> Run | None:
    """Give a run by its id."""
    row = tx.execute(select(table).where(table.c.id == run_id)).one_or_none()
    return _run(row) if row is not None else None


def known(tx: Connection, ids: Iterable[str]) -> set[str]:
    """Give those of these run ids that this store knows."""
    found: set[str] = set()
    for some in chunks(ids):
        found.update(tx.execute(select(table.c.id).where(table.c.id.in_(some))).scalars())
    return found


DONE = ("ok", "partial", "needs_approval")
"""A run that went through every step, whatever the guard or the CRM said of some rows."""


def any_done(tx: Connection) -> bool:
    """Whether any run ever went through to its end."""
    query = select(table.c.id).where(table.c.status.in_(DONE), table.c.command.in_(["run", "plan"]))
    return tx.execute(query.limit(1)).scalar() is not None


def last_done(tx: Connection) -> Run | None:
    """Give the newest `run` that went through to its end."""
    query = select(table).where(table.c.status.in_(DONE), table.c.command == "run")
    row = tx.execute(query.order_by(table.c.started_at.desc()).limit(1)).one_or_none()
    return _run(row) if row is not None else None


def newest(tx: Connection, limit: int = 20) -> list[Run]:
    """Give runs, newest first."""
    rows = tx.execute(select(table).order_by(table.c.started_at.desc(), table.c.id).limit(limit))
    return [_run(row) for row in rows]


def last_full_score(tx: Connection) -> Run | None:
    """Give the newest run that scored everybody."""
    rows = tx.execute(
        select(table)
        .where(table.c.counts.like('%"scored_all":true%'))
        .order_by(table.c.now.desc())
        .limit(1)
    )
    row = rows.one_or_none()
    return _run(row) if row is not None else None


def pin_organisation(
    tx: Connection, name: str, kind: str, organisation: str, now: Micros
) -> str | None:
    """Remember which organisation a connection reached first; gives another one it was before."""
    row = tx.execute(select(connection_table).where(connection_table.c.name == name)).one_or_none()
    if row is None:
        tx.execute(
            sql_insert(connection_table).values(
                name=name, kind=kind, organisation=organisation, first_seen=now
            )
        )
        return None
    return row.organisation if row.organisation != organisation else None


def _run(row: Any) -> Run:
    values = {name: getattr(row, name) for name in Run._fields}
    return Run(**{**values, "counts": orjson.loads(row.counts)})


def first_moment(tx: Connection) -> int | None:
    """Give the moment as of which the first run ran; None when there was none."""
    at = tx.execute(select(func.min(table.c.now))).scalar()
    return None if at is None else int(at)
