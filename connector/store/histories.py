"""Cycles with all that measures read about them, a page of people at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, and_, case, func, select

from connector.domain.moment import DAY, Micros
from connector.domain.record import Fields
from connector.funnel.history import Handoff, History
from connector.funnel.untouched import OwnerDays
from connector.store import people
from connector.store.people import PersonRecord
from connector.store.schema import activity, cycle, disposition, move, person
from connector.store.schema import score as score_table

PAGE = 500
FOUND = "found in sales' hands"
BACKLOG = "backlog"
_WORKING = ("accepted", "qualified", "rejected", "recycled")


class Deal(NamedTuple):
    """One opportunity: `cents` is None when it names no amount in the report's currency."""

    status: str | None
    cents: int | None
    created: Micros | None
    closed: Micros | None


@dataclass
class Worth:
    """What reading came upon: amounts in other currencies are left out, and counted.

    `worked` is, by owner, the days on which they did something for leads handed to them and for
    others.
    """

    deals: int = 0
    without_amount: int = 0
    other_currency: int = 0
    worked: dict[str, OwnerDays] = field(default_factory=dict)


class Told(NamedTuple):
    """A history with the moments a backtest starts from.

    `working_at` is when sales is first known to have worked on it, `won_at` when it was won,
    `created` when the person came into the CRM; None where that is not known.
    """

    history: History
    working_at: Micros | None
    won_at: Micros | None
    created: Micros | None


class Reading(NamedTuple):
    """How to read: deals of this connection, amounts in this currency, verdicts due when."""

    connection: str
    currency: str
    verdict_due: Any
    watched: bool
    segment: str | None = None


def watched(tx: Connection) -> bool:
    """Whether any activity says which owner did it, so that a first touch could be seen."""
    query = select(activity.c.id).where(activity.c.owner.is_not(None)).limit(1)
    return tx.execute(query).scalar() is not None


def histories(tx: Connection, reading: Reading, worth: Worth) -> Iterator[Told]:
    """Yield every cycle of people we still know, by person and number; fills `worth` on the way.

    `reading.verdict_due` gives when a verdict on a hand-off of that moment is due.
    """
    after = ""
    while True:
        ids = list(
            tx.execute(
                select(person.c.id).where(person.c.id > after).order_by(person.c.id).limit(PAGE)
            ).scalars()
        )
        if not ids:
            return
        after = ids[-1]
        yield from _page(tx, ids, reading, worth)


def _page(tx: Connection, ids: list[str], reading: Reading, worth: Worth) -> Iterator[Told]:
    rows = tx.execute(
        select(cycle, person.c.doc, score_table.c.score)
        .join(person, person.c.id == cycle.c.person)
        .outerjoin(score_table, score_table.c.person == cycle.c.person)
        .where(cycle.c.person.in_(ids))
        .order_by(cycle.c.person, cycle.c.number)
    ).all()
    moves = _moves(tx, ids)
    said = _said(tx, ids)
    deals = _deals(tx, ids, reading, worth)
    touches = _touches(tx, ids) if reading.watched else {}
    answered = _campaigns(tx, ids)
    since = _beginning_of(rows)
    activities = _activities(tx, ids)
    if reading.watched:
        _note_work(tx, ids, {row.person for row in rows if row.handed_off_at is not None}, worth)
    opened: dict[str, list[tuple[int, Micros]]] = {}
    for row in rows:
        opened.setdefault(row.person, []).append((row.number, row.opened_at))
    for row in rows:
        key = (row.person, row.number)
        mine = [d for d in deals.get(row.person, ()) if _cycle_of(d, opened[row.person]) == key[1]]
        told = _told(row, moves.get(key, []), said.get(key, {}), mine, touches, reading)
        campaigns = _of_pass(answered.get(row.person, ()), since[row.person], row.number)
        newest, human = activities.get(row.person, (None, False))
        yield told._replace(
            history=told.history._replace(
                campaigns=campaigns,
                theme=row.theme,
                last_at=_last(told.history, newest if row.current else None),
                machine_only=newest is not None and not human,
            )
        )


def _campaigns(tx: Connection, ids: list[str]) -> dict[str, list[tuple[Micros, str]]]:
    """What people did in answer to campaigns, oldest first; machines did nothing."""
    rows = tx.execute(
        select(activity.c.person, activity.c.time, activity.c.campaign)
        .where(
            activity.c.person.in_(ids),
            activity.c.campaign.is_not(None),
            activity.c.owner.is_(None),
            ~activity.c.machine,
            ~activity.c.duplicate,
        )
        .order_by(activity.c.person, activity.c.time, activity.c.id)
    )
    found: dict[str, list[tuple[Micros, str]]] = {}
    for who, at, campaign in rows:
        found.setdefault(who, []).append((at, campaign))
    return found


def _activities(tx: Connection, ids: list[str]) -> dict[str, tuple[Micros, bool]]:
    """The time of each person's newest activity, and whether any was a human's."""
    human = case((activity.c.machine, 0), else_=1)
    rows = tx.execute(
        select(activity.c.person, func.max(activity.c.time), func.max(human))
        .where(activity.c.person.in_(ids), ~activity.c.duplicate)
        .group_by(activity.c.person)
    )
    return {who: (int(at), bool(any_)) for who, at, any_ in rows}


def _note_work(tx: Connection, ids: list[str], handed: set[str], worth: Worth) -> None:
    """Note on which days owners did something for these people."""
    rows = tx.execute(
        select(activity.c.connection, activity.c.owner, activity.c.person, activity.c.time).where(
            activity.c.person.in_(ids), activity.c.owner.is_not(None)
        )
    )
    for connection, owner, who, at in rows:
        key = f"{connection}/{owner}"
        days = worth.worked.get(key)
        if days is None:
            days = worth.worked[key] = OwnerDays(set(), set())
        (days.handed if who in handed else days.own).add(at // DAY)


def _beginning_of(rows: Iterable[Any]) -> dict[str, list[tuple[int, Micros]]]:
    """When each pass began: at the verdict on the one before, for that is what made room for it."""
    found: dict[str, list[tuple[int, Micros]]] = {}
    ended: dict[str, Micros | None] = {}
    for row in rows:
        before = ended.get(row.person)
        at = row.opened_at if before is None else min(before, row.opened_at)
        found.setdefault(row.person, []).append((row.number, at))
        ended[row.person] = row.verdict_at
    return found


def _of_pass(
    answered: Sequence[tuple[Micros, str]], since: list[tuple[int, Micros]], number: int
) -> tuple[tuple[Micros, str], ...]:
    """What was done in one pass; what came before the first pass is of the first."""
    at = next(i for i, (n, _) in enumerate(since) if n == number)
    began = since[at][1] if at else None
    ended = since[at + 1][1] if at + 1 < len(since) else None
    return tuple(
        touch
        for touch in answered
        if (began is None or touch[0] > began) and (ended is None or touch[0] <= ended)
    )


def _last(one: History, newest: Micros | None) -> Micros | None:
    """When anything last happened: a stage was reached, or somebody did something."""
    moments = [*one.reached.values(), *([newest] if newest is not None else [])]
    return max(moments, default=None)


def _moves(tx: Connection, ids: list[str]) -> dict[tuple[str, int], list[Any]]:
    rows = tx.execute(
        select(move.c.person, move.c.number, move.c.after, move.c.why, move.c.at)
        .where(move.c.person.in_(ids))
        .order_by(move.c.seq)
    )
    found: dict[tuple[str, int], list[Any]] = {}
    for row in rows:
        found.setdefault((row.person, row.number), []).append(row)
    return found


def _said(tx: Connection, ids: list[str]) -> dict[tuple[str, int], dict[str, Micros]]:
    """When each verdict on a cycle was first given, by the CRM's dates.

    One given before its cycle opened is of an earlier pass, save in the first, which may have
    been under way long before we saw it.
    """
    rows = tx.execute(
        select(
            disposition.c.person,
            disposition.c.number,
            disposition.c.verdict,
            func.min(disposition.c.at).label("at"),
        )
        .join(
            cycle,
            and_(
                cycle.c.person == disposition.c.person,
                cycle.c.number == disposition.c.number,
            ),
        )
        .where(
            disposition.c.person.in_(ids),
            (disposition.c.number == 1) | (disposition.c.at >= cycle.c.opened_at),
        )
        .group_by(disposition.c.person, disposition.c.number, disposition.c.verdict)
    )
    found: dict[tuple[str, int], dict[str, Micros]] = {}
    for row in rows:
        found.setdefault((row.person, row.number), {})[row.verdict] = int(row.at)
    return found


def _touches(tx: Connection, ids: list[str]) -> dict[tuple[str, int], Micros]:
    """The owner's first activity at or after each hand-off."""
    rows = tx.execute(
        select(cycle.c.person, cycle.c.number, func.min(activity.c.time).label("at"))
        .join(activity, activity.c.person == cycle.c.person)
        .where(
            cycle.c.person.in_(ids),
            cycle.c.handed_off_at.is_not(None),
            activity.c.owner.is_not(None),
            activity.c.time >= cycle.c.handed_off_at,
            activity.c.connection + "/" + activity.c.owner == cycle.c.owner,
        )
        .group_by(cycle.c.person, cycle.c.number)
    )
    return {(row.person, row.number): int(row.at) for row in rows}


# --- deals ---------------------------------------------------------------------------------------


def _deals(tx: Connection, ids: list[str], reading: Reading, worth: Worth) -> dict[str, list[Deal]]:
    """The deals of people: opportunities, and person records that name an amount themselves."""
    found: dict[str, list[Deal]] = {}
    owners: dict[str, str] = {}
    for who, records in people.records_of(tx, ids).items():
        for record in records:
            if record.connection != reading.connection or record.gone:
                continue
            owners[record.id] = who
            if "amount" in record.doc:
                found.setdefault(who, []).append(_deal(record, reading.currency, worth))
    for subject, deals in people.opportunities_of(tx, reading.connection, owners).items():
        found.setdefault(owners[subject], []).extend(
            _deal(deal, reading.currency, worth) for deal in deals
        )
    return found


def _deal(record: PersonRecord, currency: str, worth: Worth) -> Deal:
    doc = record.doc
    worth.deals += 1
    cents = _cents(doc.get("amount"))
    given = doc.get("currency")
    if cents is None:
        worth.without_amount += 1
    elif given is not None and str(given).strip().upper() != currency:
        worth.other_currency += 1
        cents = None
    status = doc.get("status")
    closed = _moment(doc, "status_at") or _moment(doc, "closed")
    return Deal(str(status) if status else None, cents, _moment(doc, "created"), closed)


def _cents(amount: object) -> int | None:
    """Whole cents; nothing, or less than a cent, is no amount."""
    if isinstance(amount, bool) or not isinstance(amount, int | float):
        return None
    cents = round(amount * 100)
    return cents if cents > 0 else None


def _moment(doc: Mapping[str, Any], name: str) -> Micros | None:
    value = doc.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _cycle_of(deal: Deal, opened: list[tuple[int, Micros]]) -> int:
    """The pass a deal belongs to: the last one open when it was made, else the first."""
    at = deal.created if deal.created is not None else deal.closed
    if at is None:
        return opened[-1][0]
    return next((n for n, since in reversed(opened) if since <= at), opened[0][0])


# --- one cycle -----------------------------------------------------------------------------------


def _told(
    row: Any,
    moves: list[Any],
    said: dict[str, Micros],
    deals: list[Deal],
    touches: dict[tuple[str, int], Micros],
    reading: Reading,
) -> Told:
    doc: Fields = orjson.loads(row.doc)
    created = _moment(doc, "created") if row.number == 1 else None
    found = bool(moves) and moves[0].why == FOUND
    entered = _entered(moves)
    reached: dict[str, Micros] = {}
    for name in ("accepted", "qualified", "won"):
        if name in said:
            reached[name] = said[name]
        elif name in entered and not found:
            reached[name] = entered[name]
    made = min((d.created for d in deals if d.created is not None), default=None)
    if made is not None:
        reached["qualified"] = min(made, reached.get("qualified", made))
    if row.handed_off_at is not None:
        reached["handed_off"] = row.handed_off_at
    reached |= _beginnings(row, moves, entered, created, found=found)
    states = frozenset({row.state, *(m.after for m in moves)})
    handoff = _handoff(row, said, touches, reading)
    source = doc.get("source")
    history = History(
        person=row.person,
        number=row.number,
        state=row.state,
        states=states,
        reached=reached,
        newest=bool(row.current),
        found=found,
        reason=row.verdict_reason,
        owner=row.owner,
        source=str(source) if source else None,
        segment=_segment(doc, reading.segment),
        score=row.score,
        handoff=handoff,
        won_cents=_sum(d for d in deals if d.status == "won"),
        other_cents=_sum(d for d in deals if d.status != "won"),
    )
    worked = [said[name] for name in _WORKING if name in said]
    if made is not None:
        worked.append(made)
    return Told(history, min(worked, default=None), _won_at(row, said, deals), created)


def _segment(doc: Fields, name: str | None) -> str | None:
    value = doc.get(name) if name else None
    return None if value is None or value == "" else str(value)


def _entered(moves: list[Any]) -> dict[str, Micros]:
    """When each state was first entered while we looked on."""
    entered: dict[str, Micros] = {}
    for step in moves:
        entered.setdefault(step.after, step.at)
    return entered


def _beginnings(
    row: Any,
    moves: list[Any],
    entered: dict[str, Micros],
    created: Micros | None,
    *,
    found: bool,
) -> dict[str, Micros]:
    """When it was an inquiry and when sales-ready; not known of what the first run met halfway."""
    known: dict[str, Micros] = {}
    if created is not None and (found or created <= row.opened_at):
        known["inquiry"] = created
    elif not found:
        known["inquiry"] = row.opened_at
    ready = [entered[name] for name in ("sales_ready", "held") if name in entered]
    if ready and not any(step.why == BACKLOG for step in moves):
        known["sales_ready"] = min(ready)
    return known


def _handoff(
    row: Any,
    said: dict[str, Micros],
    touches: dict[tuple[str, int], Micros],
    reading: Reading,
) -> Handoff | None:
    at = row.handed_off_at
    if at is None:
        return None
    return Handoff(
        at=at,
        touch_due=row.sla_due_at,
        touched_at=touches.get((row.person, row.number)),
        decide_due=reading.verdict_due(at),
        decided_at=min((given for given in said.values() if given >= at), default=None),
        watched=reading.watched,
    )


def _won_at(row: Any, said: dict[str, Micros], deals: list[Deal]) -> Micros | None:
    if "won" in said:
        return said["won"]
    closed = [d.closed for d in deals if d.status == "won" and d.closed is not None]
    if closed:
        return min(closed)
    at = row.verdict_at if row.verdict == "won" else None
    return int(at) if at is not None else None


def _sum(deals: Iterable[Deal]) -> int | None:
    """The amounts together; None when none of them names one."""
    named = [deal.cents for deal in deals if deal.cents is not None]
    return sum(named) if named else None
