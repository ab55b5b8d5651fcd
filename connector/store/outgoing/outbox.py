"""The outbox: what would be written, what was sent, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from sys import intern
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, bindparam, exists, func, select, update

from connector.domain.moment import Micros
from connector.domain.record import Scalar
from connector.store.outgoing.flapping import count_contested
from connector.store.outgoing.written import Sent, bases, confirm, write_journal
from connector.store.persons.people import CHUNK, chunks, dumps
from connector.store.schema import LIVE, is_live, outbox, person
from connector.store.schema import plan as plan_table
from connector.store.statements.among import among, among_numbers
from connector.store.statements.bulk import execute_many, insert_many

UNSENT = ("planned", "approved", "retry")
"""Live states of which nothing has left yet."""

Changes = Mapping[str, Sequence[Scalar]]
"""Remote field name -> (before, after)."""


class Row(NamedTuple):
    """One outbox row: the fields of one group of one record.

    Its changes are kept as they are stored and read when asked for: a turn holds thousands of rows.
    """

    id: int
    plan: str
    connection: str
    object: str
    record: str
    grp: str
    person: str
    state: str
    told: str
    quiet: bool
    attempts: int
    code: str | None = None
    field: str | None = None
    message: str | None = None
    hint: str | None = None

    @property
    def changes(self) -> Changes:
        """Remote field name -> (before, after)."""
        read: Changes = orjson.loads(self.told)
        return read


_ROW = [outbox.c["changes" if name == "told" else name] for name in Row._fields]


class Planned(NamedTuple):
    """One row to be planned, before it has an id. `refresh` is for the plan's own count."""

    connection: str
    object: str
    record: str
    grp: str
    person: str
    state: str
    changes: Changes
    quiet: bool
    refresh: bool = False


_NEW = ("plan", *Planned._fields[:-1])


def live(tx: Connection, people: Iterable[str]) -> dict[tuple[str, str, str, str], Row]:
    """Give the live rows of people by connection, object, record and group."""
    found = {}
    for ids in chunks(people):
        rows = tx.execute(select(*_ROW).where(among(outbox.c.person, ids), is_live))
        for row in rows.all():
            one = _row(row)
            found[one.connection, one.object, one.record, one.grp] = one
    return found


def add(tx: Connection, plan_id: str, rows: Sequence[Planned]) -> None:
    """Append planned rows."""
    insert_many(
        tx,
        outbox,
        _NEW,
        [(plan_id, *row[:6], dumps(row.changes), row.quiet) for row in rows],
    )


def settle(tx: Connection, ids: Iterable[int], state: str, now: Micros, code: str = "") -> None:
    """End rows as superseded, cancelled, noop or conflict."""
    for some in _chunks(ids):
        tx.execute(
            update(outbox)
            .where(among_numbers(outbox.c.id, some))
            .values(state=state, settled_at=now, code=code or None)
        )


def adopt(tx: Connection, ids: Iterable[int], plan_id: str) -> None:
    """Carry rows that still say what we want over into a newer plan."""
    for some in _chunks(ids):
        tx.execute(update(outbox).where(among_numbers(outbox.c.id, some)).values(plan=plan_id))


def approve(tx: Connection, plan_id: str, grp: str | None = None) -> int:
    """Mark the plan's planned rows, of one group or of all, as approved; gives how many."""
    query = update(outbox).where(outbox.c.plan == plan_id, outbox.c.state == "planned")
    if grp is not None:
        query = query.where(outbox.c.grp == grp)
    return int(tx.execute(query.values(state="approved")).rowcount)


def tally(tx: Connection, plan_id: str) -> dict[str, tuple[int, int]]:
    """Give, by group, how many rows a plan has and how many of them empty a field."""
    rows = tx.execute(
        select(
            outbox.c.grp,
            func.count(),
            func.count().filter(outbox.c.changes.like("%,null]%")),
        )
        .where(outbox.c.plan == plan_id, outbox.c.state == "planned")
        .group_by(outbox.c.grp)
    )
    return {grp: (int(n), int(cleared)) for grp, n, cleared in rows.all()}


def batch(tx: Connection, connection: str, limit: int, states: Sequence[str]) -> list[Row]:
    """Give rows of one connection in a state that may travel in one request, in planned order.

    They share object, group and quietness.
    """
    shared = (outbox.c.object, outbox.c.grp, outbox.c.quiet)
    one_of = outbox.c.state == states[0] if len(states) == 1 else outbox.c.state.in_(states)
    # In this order SQLite sees that one state is asked for, and has no need to sort.
    waiting = (outbox.c.connection == connection, one_of, is_live)
    first = tx.execute(
        select(*shared).where(*waiting).order_by(*shared, outbox.c.id).limit(1)
    ).one_or_none()
    if first is None:
        return []
    alike = [column == value for column, value in zip(shared, first, strict=True)]
    rows = tx.execute(select(*_ROW).where(*waiting, *alike).order_by(outbox.c.id).limit(limit))
    return [_row(row) for row in rows.all()]


def rows_of_plan(
    tx: Connection, plan_id: str, after: int = 0, limit: int = 1000, states: Sequence[str] = ()
) -> list[Row]:
    """Give a plan's rows by id."""
    query = select(*_ROW).where(outbox.c.plan == plan_id, outbox.c.id > after)
    if states:
        query = query.where(outbox.c.state.in_(states))
    return [_row(row) for row in tx.execute(query.order_by(outbox.c.id).limit(limit)).all()]


def supersede(tx: Connection, plan_id: str, now: Micros) -> None:
    """End every row of a plan that is still to be sent."""
    tx.execute(
        update(outbox)
        .where(outbox.c.plan == plan_id, is_live)
        .values(state="superseded", settled_at=now)
    )


MAX_ATTEMPTS = 5
"""A row the CRM puts off this often is a dead letter: a person has to look."""


def try_again(tx: Connection, connection: str, now: Micros) -> None:
    """Approve rows the CRM put off, except those put off too often: they are dead letters."""
    put_off = (outbox.c.connection == connection, outbox.c.state == "retry", is_live)
    tx.execute(
        update(outbox)
        .where(*put_off, outbox.c.attempts >= MAX_ATTEMPTS)
        .values(
            state="dead",
            settled_at=now,
            hint="The CRM put it off each time; when it is free again: leadloop runs retry",
        )
    )
    tx.execute(update(outbox).where(*put_off).values(state="approved"))


def count_states(tx: Connection, plan_id: str | None = None) -> dict[str, int]:
    """Count rows by state, of one plan or of all."""
    query = select(outbox.c.state, func.count()).group_by(outbox.c.state)
    if plan_id is not None:
        query = query.where(outbox.c.plan == plan_id)
    return {state: int(n) for state, n in tx.execute(query).all()}


def rearm(
    tx: Connection, now: Micros, *, plan_id: str | None, code: str | None
) -> tuple[int, set[str]]:
    """Close dead rows so that they are planned anew; gives how many and whose they are.

    What was stored is never sent again: the plan compares with the CRM as it is then.
    """
    where = [outbox.c.state == "dead"]
    if plan_id is not None:
        where.append(outbox.c.plan == plan_id)
    if code is not None:
        where.append(outbox.c.code == code)
    rows = tx.execute(
        update(outbox)
        .where(*where)
        .values(state="superseded", settled_at=now)
        .returning(outbox.c.person)
    ).all()
    return len(rows), {row.person for row in rows}


def dead(tx: Connection, limit: int = 100) -> list[Row]:
    """Give refused rows, newest first."""
    rows = tx.execute(
        select(*_ROW).where(outbox.c.state == "dead").order_by(outbox.c.id.desc()).limit(limit)
    )
    return [_row(row) for row in rows]


def dead_same(tx: Connection, people: Iterable[str]) -> dict[tuple[str, str, str, str], Row]:
    """Give the newest refused row of each record and group of these people."""
    found = {}
    for ids in chunks(people):
        rows = tx.execute(
            select(*_ROW)
            .where(among(outbox.c.person, ids), outbox.c.state == "dead")
            .order_by(outbox.c.id)
        )
        for row in rows:
            one = _row(row)
            found[one.connection, one.object, one.record, one.grp] = one
    return found


def start_sending(tx: Connection, rows: Sequence[Row], now: Micros, run: str) -> list[Row]:
    """Mark rows as sending and journal each field's before and after: before the request leaves.

    Gives the rows that are ours to send: one that was superseded meanwhile is left alone.
    """
    marked = tx.execute(
        update(outbox)
        .where(among_numbers(outbox.c.id, [r.id for r in rows]), outbox.c.state == "approved")
        .values(state="sending", attempts=outbox.c.attempts + 1)
        .returning(outbox.c.id)
    )
    ours = set(marked.scalars())
    rows = [row for row in rows if row.id in ours]
    ids = [row.id for row in rows]
    write_journal(tx, ids, now, run)
    return rows


def put_back(tx: Connection, rows: Sequence[Row]) -> None:
    """Make rows ready to send again after a request that did nothing; it counts as no attempt."""
    for some in _chunks(row.id for row in rows):
        tx.execute(
            update(outbox)
            .where(among_numbers(outbox.c.id, some), outbox.c.state == "sending")
            .values(state="approved", attempts=outbox.c.attempts - 1)
        )


def noop(tx: Connection, rows: Sequence[Row], now: Micros, run: str) -> None:
    """End rows whose values stand in the CRM already: nothing is sent, and they are ours."""
    settle(tx, (row.id for row in rows), "noop", now)
    confirm(tx, [_sent(row) for row in rows], now, run)


def cancel_gone(tx: Connection, connection: str, obj: str, ids: Iterable[str], now: Micros) -> None:
    """End what waits to be written to records that are gone."""
    for some in chunks(ids):
        tx.execute(
            update(outbox)
            .where(
                outbox.c.connection == connection,
                outbox.c.object == obj,
                among(outbox.c.record, some),
                outbox.c.state.in_(UNSENT),
            )
            .values(state="cancelled", code="gone", settled_at=now)
        )


def cancel_excluded(tx: Connection, now: Micros) -> None:
    """End what waits to be written about people who are none of our business any more."""
    out = exists().where(person.c.id == outbox.c.person, person.c.excluded.is_not(None))
    tx.execute(
        update(outbox)
        .where(is_live, outbox.c.state.in_(UNSENT), out)
        .values(state="cancelled", code="excluded", settled_at=now)
    )


def applied(tx: Connection, rows: Sequence[Row], now: Micros, run: str) -> None:
    """Note confirmed writes: the rows, what we last wrote, and what the record holds now."""
    for start in range(0, len(rows), CHUNK):
        some = rows[start : start + CHUNK]
        settle(tx, [row.id for row in some], "applied", now)
        sent = [_sent(row) for row in some]
        held = bases(tx, [row.key for row in sent])
        count_contested(tx, sent, held, now, run)
        confirm(tx, sent, now, run, held)


class Failure(NamedTuple):
    """An outcome that is no success. `message` is the vendor's words, `hint` the next step."""

    row: Row
    state: str
    code: str
    message: str = ""
    field: str | None = None
    hint: str = ""


_FAILED = (
    update(outbox)
    .where(outbox.c.id == bindparam("i"))
    .values(
        state=bindparam("s"),
        code=bindparam("c"),
        message=bindparam("m"),
        field=bindparam("f"),
        hint=bindparam("h"),
        settled_at=bindparam("t"),
    )
)


def failed(tx: Connection, rows: Sequence[Failure], now: Micros) -> None:
    """Note outcomes that are no success."""
    execute_many(
        tx,
        _FAILED,
        [
            {
                "i": one.row.id,
                "s": one.state,
                "c": one.code,
                "m": one.message,
                "f": one.field,
                "h": one.hint or None,
                "t": now if one.state not in LIVE else None,
            }
            for one in rows
        ],
    )


def undone(tx: Connection, people: Iterable[str]) -> dict[tuple[str, str, str, str], Row]:
    """Give the newest confirmed row of each record and group, where that was an undo."""
    found: dict[tuple[str, str, str, str], tuple[Row, str]] = {}
    if tx.execute(select(plan_table.c.id).where(plan_table.c.kind == "undo").limit(1)).first():
        found = _newest_applied(tx, people)
    return {key: row for key, (row, kind) in found.items() if kind == "undo"}


def _newest_applied(
    tx: Connection, people: Iterable[str]
) -> dict[tuple[str, str, str, str], tuple[Row, str]]:
    found: dict[tuple[str, str, str, str], tuple[Row, str]] = {}
    for ids in chunks(people):
        rows = tx.execute(
            select(*_ROW, plan_table.c.kind)
            .join(plan_table, plan_table.c.id == outbox.c.plan)
            .where(among(outbox.c.person, ids), outbox.c.state == "applied")
            .order_by(outbox.c.id)
        )
        for *row, kind in rows.all():
            one = _row(row)
            found[one.connection, one.object, one.record, one.grp] = (one, kind)
    return found


def _sent(row: Row) -> Sent:
    return Sent(row.id, (row.connection, row.object, row.record), row.changes)


def _chunks(ids: Iterable[int]) -> Iterable[list[int]]:
    every = list(ids)
    for start in range(0, len(every), CHUNK):
        yield every[start : start + CHUNK]


def _row(row: Sequence[Any]) -> Row:
    """The words that all rows share are kept once."""
    ident, plan, connection, obj, record, grp, owner, state, *more = row
    return Row(
        ident, intern(plan), intern(connection), intern(obj), record, intern(grp), owner,
        intern(state), *more
    )  # fmt: skip
