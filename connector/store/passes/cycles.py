"""Cycles, their moves, what sales said, and who was given what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, and_, bindparam, case, func, or_, select, union, update
from sqlalchemy import insert as sql_insert

from connector.decisions.standing import Cycle, Move
from connector.domain.cycle import State
from connector.domain.moment import DAY, Micros
from connector.store.persons.people import chunks, dumps
from connector.store.schema import activity, cycle, disposition, move, person, rotation, routing
from connector.store.schema import score as score_table
from connector.store.statements.among import among
from connector.store.statements.bulk import execute_many, insert_many

_COLUMNS = [cycle.c[name] for name in Cycle._fields]
_BOUND = [f"v_{name}" for name in Cycle._fields]
_UPDATE = (
    update(cycle)
    .where(cycle.c.person == bindparam("v_person"), cycle.c.number == bindparam("v_number"))
    .values({name: bindparam(f"v_{name}") for name in Cycle._fields[2:]})
)
_MOVE = ("person", "number", "before", "after", "why", "by", "at", "run")


class Waiting(NamedTuple):
    """A person for whom something may be decided, with the current cycle if there is one."""

    person: str
    facts: str
    doc: str
    cycle: Cycle | None


class Said(NamedTuple):
    """The newest thing one source record said about a person."""

    verdict: str
    reason: str | None
    at: Micros


def _first(found: Select[Any], after: str, limit: int) -> Select[Any]:
    """The first scored people past `after` of one kind: each kind has an index of its own."""
    ours = found.join(score_table, score_table.c.person == person.c.id).where(
        person.c.id > after, person.c.excluded.is_(None)
    )
    return select(ours.order_by(person.c.id).limit(limit).subquery().c.id)


def waiting(tx: Connection, now: Micros, after: str, limit: int) -> list[Waiting]:
    """Give scored people past `after` whose standing, clock or turn may move them, by id.

    Those are people who changed (whoever is new among the scored did), whose next date has come, or
    who wait for an owner.
    """
    current = select(person.c.id).join(cycle, cycle.c.person == person.c.id).where(cycle.c.current)
    asks = or_(
        cycle.c.state == State.SALES_READY.value,
        and_(cycle.c.state == State.HELD.value, cycle.c.why != "backlog"),
    )
    kinds = (
        select(person.c.id).where(person.c.pending),
        current.where(cycle.c.next_at <= now),
        current.where(asks),
    )
    ids = union(*(_first(kind, after, limit) for kind in kinds)).subquery()
    rows = tx.execute(
        select(person.c.id, person.c.facts, person.c.doc, *_COLUMNS)
        .join(ids, ids.c.id == person.c.id)
        .outerjoin(cycle, and_(cycle.c.person == person.c.id, cycle.c.current))
        .order_by(person.c.id)
        .limit(limit)
    )
    return [
        Waiting(ident, facts, doc, _of_row((ident, *rest)) if rest[0] is not None else None)
        for ident, facts, doc, _, *rest in rows.all()
    ]


def current(tx: Connection, people: Iterable[str]) -> dict[str, Cycle]:
    """Give the current cycle of each of these people."""
    found = {}
    for ids in chunks(people):
        rows = tx.execute(select(*_COLUMNS).where(cycle.c.current, among(cycle.c.person, ids)))
        found.update({row[0]: _of_row(row) for row in rows.all()})
    return found


def queue(tx: Connection) -> list[Cycle]:
    """Give the cycles that wait for an owner, best score first, then longest waiting, then id."""
    rows = tx.execute(
        select(*_COLUMNS)
        .join(score_table, score_table.c.person == cycle.c.person)
        .where(
            cycle.c.current,
            or_(
                and_(cycle.c.state == State.SALES_READY.value, cycle.c.handed_off_at.is_(None)),
                and_(cycle.c.state == State.HELD.value, cycle.c.why == "capacity"),
            ),
        )
        .order_by(score_table.c.total.desc(), cycle.c.since, cycle.c.person)
    )
    return [_of_row(row) for row in rows.all()]


def in_state(tx: Connection, state: State, why: str | None = None) -> list[Cycle]:
    """Give the current cycles in a state, best score first, then longest waiting, then id."""
    query = (
        select(*_COLUMNS)
        .join(score_table, score_table.c.person == cycle.c.person)
        .where(cycle.c.current, cycle.c.state == state.value)
        .order_by(score_table.c.total.desc(), cycle.c.since, cycle.c.person)
    )
    if why is not None:
        query = query.where(cycle.c.why == why)
    return [_of_row(row) for row in tx.execute(query).all()]


def save(tx: Connection, moves: Sequence[Move], now: Micros, run: str) -> None:
    """Store moves in order: the cycle's row as it is after them, and one appended row each.

    A step that changes neither state nor reason (a date put forward) appends nothing.
    """
    if not moves:
        return
    known = current(tx, (m.cycle.person for m in moves))
    latest: dict[tuple[str, int], Cycle] = {}
    for step in moves:
        latest[step.cycle.person, step.cycle.number] = step.cycle
    fresh = [c for (p, n), c in latest.items() if p not in known or known[p].number != n]
    closed = {c.person for c in fresh if c.person in known}
    for ids in chunks(closed):
        tx.execute(
            update(cycle).where(among(cycle.c.person, ids), cycle.c.current).values(current=False)
        )
    newest: dict[str, int] = {}
    for who, number in latest:
        newest[who] = max(number, newest.get(who, 0))
    insert_many(
        tx,
        cycle,
        (*Cycle._fields, "current"),
        [(*_row(c), newest[c.person] == c.number) for c in fresh],
    )
    kept = [c for (p, n), c in latest.items() if p in known and known[p].number == n]
    execute_many(tx, _UPDATE, [dict(zip(_BOUND, _row(c), strict=True)) for c in kept])
    insert_many(tx, move, _MOVE, [_told(m, now, run) for m in moves if _tells(m)])


def _tells(step: Move) -> bool:
    return step.before is None or step.before is not step.cycle.state


def _told(step: Move, now: Micros, run: str) -> tuple[Any, ...]:
    cycle = step.cycle
    before = step.before.value if step.before else None
    return (cycle.person, cycle.number, before, cycle.state.value, step.why, step.by, now, run)


def _row(one: Cycle) -> tuple[Any, ...]:
    person_id, number, state, *rest = one
    return (person_id, number, state.value, *rest)


def behaviour(tx: Connection, people: Iterable[str], now: Micros) -> dict[str, Micros]:
    """Give when each person last did something that counts."""
    newest: dict[str, Micros] = {}
    counted = and_(~activity.c.machine, ~activity.c.duplicate, activity.c.time <= now)
    for ids in chunks(people):
        rows = tx.execute(
            select(activity.c.person, func.max(activity.c.time).label("newest"))
            .where(among(activity.c.person, ids), counted)
            .group_by(activity.c.person)
        )
        newest.update(tuple(row) for row in rows.all())
    return newest


# --- verdicts ------------------------------------------------------------------------------------


def said(tx: Connection, sources: Iterable[str]) -> dict[str, Said]:
    """Give the newest thing each source record said."""
    found: dict[str, Said] = {}
    for some in chunks(sources):
        rows = tx.execute(
            select(disposition)
            .where(among(disposition.c.source, some))
            .order_by(disposition.c.at, disposition.c.run, disposition.c.id)
        )
        for row in rows:
            found[row.source] = Said(row.verdict, row.reason, row.at)
    return found


def add_dispositions(tx: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Append what sales said."""
    if rows:
        tx.execute(sql_insert(disposition), [dict(row) for row in rows])


def dispositions(tx: Connection, limit: int, person_id: str | None = None) -> list[dict[str, Any]]:
    """Give verdicts, newest first."""
    newest = (disposition.c.at.desc(), disposition.c.run.desc(), disposition.c.id)
    query = select(disposition).order_by(*newest).limit(limit)
    if person_id is not None:
        query = query.where(disposition.c.person == person_id)
    return [dict(row._mapping) for row in tx.execute(query)]


# --- routing -------------------------------------------------------------------------------------


class Load(NamedTuple):
    """Hand-offs of one owner: open ones, and those that came in the last day and seven days."""

    open: int
    day: int
    week: int


def loads(tx: Connection, now: Micros) -> dict[str, Load]:
    """Give each owner's load. A lead on its way to an owner counts as his already."""
    coming = and_(cycle.c.state == "sales_ready", cycle.c.routed_at.is_not(None))
    working = cycle.c.state.in_(["handed_off", "accepted", "no_decision"])

    def since(span: Micros) -> Any:
        return func.sum(_one(or_(cycle.c.handed_off_at > now - span, coming)))

    rows = tx.execute(
        select(cycle.c.owner, func.sum(_one(or_(working, coming))), since(DAY), since(7 * DAY))
        .where(cycle.c.current, cycle.c.owner.is_not(None))
        .group_by(cycle.c.owner)
    )
    return {owner: Load(*(int(count or 0) for count in counts)) for owner, *counts in rows}


def _one(condition: Any) -> Any:
    return case((condition, 1), else_=0)


def turns(tx: Connection) -> dict[tuple[str, str], float]:
    """Give the round-robin credit of every member of every pool."""
    rows = tx.execute(select(rotation.c.pool, rotation.c.owner, rotation.c.credit))
    return {(row.pool, row.owner): row.credit for row in rows}


def save_turns(tx: Connection, credit: Mapping[tuple[str, str], float]) -> None:
    """Store the credits as they are after this run's turns."""
    known = turns(tx)
    fresh = {key: value for key, value in credit.items() if key not in known}
    moved = {k: v for k, v in credit.items() if k in known and known[k] != v}
    if fresh:
        tx.execute(
            sql_insert(rotation),
            [{"pool": p, "owner": o, "credit": v} for (p, o), v in fresh.items()],
        )
    if moved:
        tx.execute(
            update(rotation)
            .where(rotation.c.pool == bindparam("p"), rotation.c.owner == bindparam("o"))
            .values(credit=bindparam("v")),
            [{"p": p, "o": o, "v": v} for (p, o), v in moved.items()],
        )


def barred(tx: Connection, people: Iterable[str]) -> dict[str, frozenset[str]]:
    """Give who must not get each of these people again.

    Those are owners who rejected the person, who recycled it twice in a row for the same reason,
    or who had it in the present cycle and let it lie.
    """
    found: dict[str, set[str]] = {}
    last: dict[str, tuple[str | None, str | None]] = {}
    for ids in chunks(people):
        rows = tx.execute(
            select(disposition.c.person, disposition.c.verdict, disposition.c.reason,
                   disposition.c.by)
            .where(among(disposition.c.person, ids), disposition.c.by.is_not(None))
            .order_by(disposition.c.person, disposition.c.at, disposition.c.id)
        )  # fmt: skip
        for row in rows:
            again = row.verdict == "recycled" and last.get(row.person) == (row.by, row.reason)
            if row.verdict == "rejected" or again:
                found.setdefault(row.person, set()).add(row.by)
            last[row.person] = (row.by, row.reason) if row.verdict == "recycled" else (None, None)
        let_lie = tx.execute(
            select(routing.c.person, routing.c.owner, routing.c.seq)
            .join(cycle, and_(cycle.c.person == routing.c.person, cycle.c.current,
                              cycle.c.number == routing.c.number))
            .where(among(routing.c.person, ids), routing.c.owner.is_not(None))
            .where(cycle.c.handed_off_at.is_not(None))
        )  # fmt: skip
        for had in let_lie:
            found.setdefault(had.person, set()).add(had.owner)
    return {person: frozenset(owners) for person, owners in found.items()}


def crossed(tx: Connection, people: Iterable[str]) -> dict[tuple[str, int], Micros]:
    """Give when each cycle of these people first became sales-ready."""
    found: dict[tuple[str, int], Micros] = {}
    for ids in chunks(people):
        rows = tx.execute(
            select(move.c.person, move.c.number, func.min(move.c.at).label("at"))
            .where(
                among(move.c.person, ids),
                move.c.after.in_([State.SALES_READY.value, State.HELD.value]),
            )
            .group_by(move.c.person, move.c.number)
        )
        found.update({(row.person, row.number): int(row.at) for row in rows})
    return found


def add_routing(tx: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Append why each lead went where it went."""
    if rows:
        tx.execute(sql_insert(routing), [dict(row, skipped=dumps(row["skipped"])) for row in rows])


OFFERED = ", offered"
"""Ends the rule's name in the row of a lead that a partner was only asked about."""


class Given(NamedTuple):
    """One lead that was given to somebody."""

    pool: str | None
    owner: str
    value: float | None


def given_since(tx: Connection, since: Micros) -> list[Given]:
    """Give every routing to an owner after a moment, oldest first."""
    rows = tx.execute(
        select(routing.c.pool, routing.c.owner, routing.c.value)
        .where(
            routing.c.at > since,
            routing.c.owner.is_not(None),
            ~routing.c.rule.endswith(OFFERED),
        )
        .order_by(routing.c.seq)
    )
    return [Given(*row) for row in rows.all()]


def in_motion(tx: Connection) -> list[str]:
    """Give who is ready for sales or with it, best score first."""
    states = ["sales_ready", "held", "handed_off", "accepted", "qualified", "no_decision"]
    rows = tx.execute(
        select(cycle.c.person)
        .join(score_table, score_table.c.person == cycle.c.person)
        .where(cycle.c.current, cycle.c.state.in_(states))
        .order_by(score_table.c.total.desc(), cycle.c.person)
    )
    return list(rows.scalars())


def history(tx: Connection, person_id: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Give a person's moves and routing decisions, oldest first."""
    moves = tx.execute(select(move).where(move.c.person == person_id).order_by(move.c.seq))
    routes = tx.execute(
        select(routing).where(routing.c.person == person_id).order_by(routing.c.seq)
    )
    return [dict(m._mapping) for m in moves], [dict(r._mapping) for r in routes]


def _of_row(row: Sequence[Any]) -> Cycle:
    person_id, number, state, *rest = row
    return Cycle(person_id, number, State(state), *rest)


def moved_by(tx: Connection, by: str) -> int:
    """Count the people whose cycles somebody (`crm`, `mirror` ...) ever moved."""
    query = select(func.count(func.distinct(move.c.person))).where(move.c.by == by)
    return int(tx.execute(query).scalar_one())


def standing(tx: Connection) -> dict[str, int]:
    """Count people by the state of their current cycle, most first."""
    rows = tx.execute(
        select(cycle.c.state, func.count())
        .where(cycle.c.current)
        .group_by(cycle.c.state)
        .order_by(func.count().desc(), cycle.c.state)
    )
    return {state: int(n) for state, n in rows.all()}
