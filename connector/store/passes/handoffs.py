"""Hand-offs: their packages, their clocks, their tasks in the CRM, and who was to be told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, bindparam, func, or_, select, update
from sqlalchemy import insert as sql_insert

from connector.domain.cycle import IN_SALES, State
from connector.domain.moment import Micros
from connector.store.persons.people import chunks
from connector.store.schema import activity, cycle, score
from connector.store.schema import alert as alerts
from connector.store.schema import handoff as table
from connector.store.statements.among import among
from connector.store.statements.upsert import upsert


class Handoff(NamedTuple):
    """One hand-off; `began_at` is None until the CRM shows the owner."""

    person: str
    number: int
    record: str
    owner: str
    tier: str
    crossed_at: Micros
    began_at: Micros | None
    touch_due: Micros | None
    touched_at: Micros | None
    step: str
    turn: int
    package: str
    do_next: str
    alert: str
    task: str
    task_id: str | None = None
    task_at: Micros | None = None
    score: int | None = None

    @property
    def key(self) -> tuple[str, int]:
        return self.person, self.number


class Alert(NamedTuple):
    """Somebody who is to be told something, once for each cycle, turn and kind."""

    person: str
    number: int
    turn: int
    kind: str
    owner: str
    state: str
    due_at: Micros
    settled_at: Micros | None = None


NOTE = "note"
"""The kind of what is told on the record itself, by a note; who reads it is not ours to say."""
_COLUMNS = [table.c[name] for name in Handoff._fields]
_ALERT = [alerts.c[name] for name in Alert._fields]
_CURRENT = and_(cycle.c.person == table.c.person, cycle.c.number == table.c.number, cycle.c.current)


def save(tx: Connection, rows: Iterable[Handoff]) -> None:
    """Store hand-offs, new ones and changed ones alike."""
    upsert(tx, table, [one._asdict() for one in rows])


def of(tx: Connection, people: Iterable[str]) -> dict[tuple[str, int], Handoff]:
    """Give the hand-offs of these people by person and cycle."""
    found = {}
    for ids in chunks(people):
        for row in tx.execute(select(*_COLUMNS).where(among(table.c.person, ids))).all():
            found[row.person, row.number] = Handoff(*row)
    return found


def running(tx: Connection, now: Micros) -> list[Handoff]:
    """Give hand-offs of which no first touch is known and whose sales still has the word."""
    rows = tx.execute(
        select(*_COLUMNS)
        .join(cycle, _CURRENT)
        .where(
            table.c.began_at.is_not(None),
            table.c.touched_at.is_(None),
            table.c.touch_due.is_not(None),
            table.c.began_at <= now,
            cycle.c.state == State.HANDED_OFF.value,
        )
        .order_by(table.c.touch_due, table.c.person)
    )
    return [Handoff(*row) for row in rows.all()]


class InHand(NamedTuple):
    """What sales has of a person in the present pass: the `record` handed off (`connection/object/
    id`), and while it is with sales the owner (`connection/id`)."""

    record: str | None
    owner: str | None


def in_hand(tx: Connection, people: Iterable[str]) -> dict[str, InHand]:
    """Give what sales has of each of these people who have a pass."""
    found: dict[str, InHand] = {}
    for ids in chunks(people):
        rows = tx.execute(
            select(cycle.c.person, cycle.c.state, cycle.c.owner, table.c.record)
            .outerjoin(table, _CURRENT)
            .where(among(cycle.c.person, ids), cycle.c.current)
        )
        for row in rows:
            owner = row.owner if row.state in IN_SALES else None
            found[row.person] = InHand(row.record, owner)
    return found


def touches(tx: Connection, people: Iterable[str]) -> dict[tuple[str, int], Micros]:
    """Give the owner's first activity after each hand-off began."""
    found: dict[tuple[str, int], Micros] = {}
    for ids in chunks(people):
        rows = tx.execute(
            select(table.c.person, table.c.number, func.min(activity.c.time).label("at"))
            .join(activity, activity.c.person == table.c.person)
            .where(
                among(table.c.person, ids),
                table.c.began_at.is_not(None),
                activity.c.owner.is_not(None),
                activity.c.time >= table.c.began_at,
                activity.c.connection + "/" + activity.c.owner == table.c.owner,
            )
            .group_by(table.c.person, table.c.number)
        )
        found.update({(row.person, row.number): int(row.at) for row in rows})
    return found


def shows_owners(tx: Connection, connection: str) -> bool:
    """Whether any activity says which owner did it, so that a first touch could be seen."""
    query = select(activity.c.id).where(
        activity.c.connection == connection, activity.c.owner.is_not(None)
    )
    return tx.execute(query.limit(1)).first() is not None


# --- tasks ---------------------------------------------------------------------------------------


def to_give(tx: Connection, connection: str) -> list[Handoff]:
    """Give confirmed hand-offs of a connection whose task is not known to stand in the CRM."""
    rows = tx.execute(
        select(*_COLUMNS)
        .where(
            table.c.task.in_(("wanted", "sending")),
            table.c.began_at.is_not(None),
            table.c.record.startswith(f"{connection}/", autoescape=True),
        )
        .order_by(table.c.began_at, table.c.person)
    )
    return [Handoff(*row) for row in rows.all()]


def set_task(
    tx: Connection,
    keys: Sequence[tuple[str, int]],
    task: str,
    now: Micros,
    ident: str | None = None,
) -> None:
    """Note where the tasks of these hand-offs stand."""
    if keys:
        tx.execute(
            update(table)
            .where(table.c.person == bindparam("p"), table.c.number == bindparam("n"))
            .values(task=task, task_id=ident, task_at=now),
            [{"p": person, "n": number} for person, number in keys],
        )


# --- alerts --------------------------------------------------------------------------------------


def want(tx: Connection, rows: Sequence[Alert]) -> None:
    """Note who is to be told; what was noted before is not noted again."""
    known = {
        tuple(row)
        for ids in chunks(one.person for one in rows)
        for row in tx.execute(
            select(alerts.c.person, alerts.c.number, alerts.c.turn, alerts.c.kind).where(
                among(alerts.c.person, ids)
            )
        )
    }
    fresh = [one._asdict() for one in rows if tuple(one[:4]) not in known]
    if fresh:
        tx.execute(sql_insert(alerts), fresh)


def due(tx: Connection, now: Micros) -> list[Alert]:
    """Give alerts to people whose time has come, oldest first."""
    rows = tx.execute(
        select(*_ALERT)
        .where(
            alerts.c.state.in_(("wanted", "digest")),
            alerts.c.due_at <= now,
            alerts.c.kind != NOTE,
        )
        .order_by(alerts.c.due_at, alerts.c.person, alerts.c.kind)
    )
    return [Alert(*row) for row in rows.all()]


def notes_due(tx: Connection, connection: str) -> list[tuple[Alert, Handoff]]:
    """Give the notes that are not known to stand in a connection's CRM, with what they tell."""
    rows = tx.execute(
        select(*_ALERT, *_COLUMNS)
        .join(table, and_(table.c.person == alerts.c.person, table.c.number == alerts.c.number))
        .where(
            alerts.c.kind == NOTE,
            alerts.c.state.in_(("wanted", "sending")),
            table.c.record.startswith(f"{connection}/", autoescape=True),
        )
        .order_by(alerts.c.due_at, alerts.c.person)
    )
    width = len(_ALERT)
    return [(Alert(*row[:width]), Handoff(*row[width:])) for row in rows.all()]


def put_off(tx: Connection, one: Alert, until: Micros) -> None:
    """Let an alert wait."""
    tx.execute(update(alerts).where(*_is(one)).values(due_at=until))


def settle(tx: Connection, some: Iterable[Alert], state: str, now: Micros) -> None:
    """Note what became of alerts."""
    for one in some:
        tx.execute(update(alerts).where(*_is(one)).values(state=state, settled_at=now))


def told_since(tx: Connection, people: Iterable[str], since: Micros) -> set[str]:
    """Give of whom a crossing was told after a moment."""
    found: set[str] = set()
    for ids in chunks(people):
        rows = tx.execute(
            select(alerts.c.person).where(
                among(alerts.c.person, ids),
                alerts.c.kind == "crossing",
                alerts.c.state.in_(("sending", "sent")),
                alerts.c.settled_at > since,
            )
        )
        found.update(rows.scalars())
    return found


def _is(one: Alert) -> tuple[Any, ...]:
    return (
        alerts.c.person == one.person,
        alerts.c.number == one.number,
        alerts.c.turn == one.turn,
        alerts.c.kind == one.kind,
    )


# --- everybody -----------------------------------------------------------------------------------


class Listed(NamedTuple):
    """Somebody who is with sales, or was given to it, as the list of hand-offs shows them."""

    person: str
    number: int
    owner: str | None
    state: State
    why: str
    tier: str | None
    began_at: Micros | None
    touch_due: Micros | None
    touched_at: Micros | None
    decide_due: Micros | None
    step: str
    score: int


def everybody(tx: Connection) -> list[Listed]:
    """Give every current cycle that was handed off, soonest due first, then best score."""
    in_sales = [State.HANDED_OFF, State.ACCEPTED, State.QUALIFIED, State.NO_DECISION]
    rows = tx.execute(
        select(
            cycle.c.person,
            cycle.c.number,
            cycle.c.owner,
            cycle.c.state,
            cycle.c.why,
            table.c.tier,
            func.coalesce(table.c.began_at, cycle.c.handed_off_at),
            table.c.touch_due,
            table.c.touched_at,
            cycle.c.next_at,
            func.coalesce(table.c.step, ""),
            func.coalesce(score.c.score, 0),
        )
        .outerjoin(table, and_(table.c.person == cycle.c.person, table.c.number == cycle.c.number))
        .outerjoin(score, score.c.person == cycle.c.person)
        .where(
            cycle.c.current,
            or_(cycle.c.handed_off_at.is_not(None), cycle.c.state.in_([s.value for s in in_sales])),
        )
    )
    found = []
    for who, number, owner, state, *rest in rows.all():
        found.append(Listed(who, number, owner, State(state), *rest))
    last = 1 << 62
    return sorted(found, key=lambda r: (r.touch_due or last, -r.score, r.person))
