"""Cycles with all that measures read about them, person by person.

Every table is read once, in the order of people, side by side: the whole store passes by, and no
more than a page of it is ever in memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, Text, and_, case, cast, func, or_, select

from connector.domain.cycle import State
from connector.domain.moment import DAY, Micros
from connector.domain.record import Fields
from connector.funnel.history import ON_THE_WAY, Handoff, History
from connector.funnel.untouched import OwnerDays
from connector.store.incoming.deals import Deal, deals_of, deals_query, moment_in, pass_of, sum_of
from connector.store.schema import activity, cycle, disposition, handoff, move, offer, person
from connector.store.schema import score as score_table
from connector.store.statements.streams import Row, Stream, in_order, rows

FOUND = "found in sales' hands"
BACKLOG = "backlog"
_LATER = ("accepted", "qualified", "won")
_WORKING = ("accepted", "qualified", "rejected", "recycled")
RESTING = frozenset({State.INQUIRY.value, State.NURTURE.value, State.DISQUALIFIED.value})


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
    """How to read: deals of this connection, amounts in this currency, verdicts due when.

    `open_between` gives the working time between two moments, where it is asked for.
    """

    connection: str
    currency: str
    verdict_due: Any
    watched: bool
    segment: str | None = None
    open_between: Any = None


def watched(tx: Connection) -> bool:
    """Whether any activity says which owner did it, so that a first touch could be seen."""
    query = select(activity.c.id).where(activity.c.owner.is_not(None)).limit(1)
    return tx.execute(query).scalar() is not None


class _Cycle(NamedTuple):
    """One row of the driving query: a person, and (unless `number` is None) one of its cycles."""

    person: str
    doc: str
    score: int | None
    given_score: int | None
    number: int
    state: str
    opened_at: Micros
    owner: str | None
    handed_off_at: Micros | None
    sla_due_at: Micros | None
    theme: str | None
    verdict: str | None
    verdict_reason: str | None
    verdict_at: Micros | None
    current: bool
    phase: str | None


Answer = tuple[Micros, str]
"""When something was done, and the campaign it answered (or the owner who did it)."""
_NEXT, _ANSWERED, _BY = "\x1e", "\x1f", "\x1d"


class _Person(NamedTuple):
    """All rows of one person; `answers` and `efforts` are in the order of time."""

    moves: list[Row]
    said: list[Row]
    answers: list[Answer]
    efforts: list[Answer]
    deals: list[Deal]
    partners: list[Row]
    newest: Micros | None
    human: bool


def histories(tx: Connection, reading: Reading, worth: Worth) -> Iterator[Told]:
    """Yield every cycle of people we still know, by person and number; fills `worth` on the way.

    `reading.verdict_due` gives when a verdict on a hand-off of that moment is due.
    """
    with ExitStack() as stack:
        streams = [stack.enter_context(closing(Stream(rows(tx, q)))) for q in _queries(tx, reading)]
        yield from _side_by_side(tx, streams, reading, worth)


def _side_by_side(
    tx: Connection, streams: Sequence[Stream], reading: Reading, worth: Worth
) -> Iterator[Told]:
    moves, said, did, deals, offers = streams
    for who, cycles in _people(tx):
        newest, human, answers, efforts = _done(did.of(who))
        mine = _Person(
            moves.of(who), said.of(who), answers, efforts,
            deals_of(deals.of(who), reading.currency, worth), offers.of(who), newest, human,
        )  # fmt: skip
        if efforts and reading.watched:
            handed = any(one.handed_off_at is not None for one in cycles)
            _note_work(efforts, worth, handed=handed)
        if cycles:
            yield from _told(cycles, mine, reading)


def _people(tx: Connection) -> Iterator[tuple[str, list[_Cycle]]]:
    """Yield people in order, each with its cycles in order."""
    columns = [cycle.c[name] for name in _Cycle._fields[4:]]
    query = (
        select(person.c.id, person.c.doc, score_table.c.score, handoff.c.score, *columns)
        .select_from(
            person.outerjoin(cycle, cycle.c.person == person.c.id)
            .outerjoin(score_table, score_table.c.person == person.c.id)
            .outerjoin(
                handoff,
                and_(handoff.c.person == person.c.id, handoff.c.number == cycle.c.number),
            )
        )
        .order_by(in_order(tx, person.c.id), cycle.c.number)
    )
    who: str | None = None
    mine: list[_Cycle] = []
    for row in rows(tx, query):
        if row[0] != who:
            if who is not None:
                yield who, mine
            who, mine = row[0], []
        if row[4] is not None:
            mine.append(_Cycle._make(row))
    if who is not None:
        yield who, mine


def _queries(tx: Connection, reading: Reading) -> tuple[Any, ...]:
    """Ask for moves, verdicts, what was done, deals and offers."""
    return (
        select(move.c.person, move.c.number, move.c.after, move.c.why, move.c.at).order_by(
            in_order(tx, move.c.person), move.c.seq
        ),
        select(*(disposition.c[n] for n in ("person", "number", "verdict", "at"))).order_by(
            in_order(tx, disposition.c.person)
        ),
        _did_query(tx),
        deals_query(tx, reading.connection),
        select(offer.c.person, offer.c.number, offer.c.partner, offer.c.answered_at)
        .where(offer.c.state == "accepted")
        .order_by(in_order(tx, offer.c.person), offer.c.number, offer.c.answered_at),
    )


def _did_query(tx: Connection) -> Any:
    """Ask for one row a person: the newest activity, and those that somebody did or answered."""
    answered = and_(activity.c.campaign.is_not(None), ~activity.c.machine, ~activity.c.duplicate)
    at, slash = cast(activity.c.time, Text), activity.c.connection.concat("/")
    owner, campaign = (func.replace(activity.c[n], _NEXT, " ") for n in ("owner", "campaign"))
    told = case(
        (activity.c.owner.is_not(None), at.concat(_BY).concat(slash).concat(owner)),
        (answered, at.concat(_ANSWERED).concat(campaign)),
    )
    listed = func.string_agg if tx.dialect.name == "postgresql" else func.group_concat
    return (
        select(
            activity.c.person,
            func.max(case((~activity.c.duplicate, activity.c.time))),
            func.max(case((or_(activity.c.machine, activity.c.duplicate), 0), else_=1)),
            listed(told, _NEXT),
        )
        .where(activity.c.person.is_not(None))
        .group_by(activity.c.person)
        .order_by(in_order(tx, activity.c.person))
    )


def _done(found: list[Row]) -> tuple[Micros | None, bool, list[Answer], list[Answer]]:
    """Give the time of the newest activity, whether any was a human's, and what was done in answer
    to campaigns and by owners."""
    if not found:
        return None, False, [], []
    _, newest, human, told = found[0]
    if told is None:
        return newest, bool(human), [], []
    parts = told.split(_NEXT)
    split = [part.partition(_ANSWERED) for part in parts]
    answers = [(int(at), name) for at, mark, name in split if mark]
    efforts: list[Answer] = []
    if len(answers) < len(parts):
        others = (p.partition(_BY) for p in parts if _ANSWERED not in p)
        efforts = sorted((int(at), name) for at, _, name in others)
    answers.sort()
    return newest, bool(human), answers, efforts


def _note_work(efforts: list[Answer], worth: Worth, *, handed: bool) -> None:
    """Note on which days owners did something for a person."""
    for at, owner in efforts:
        days = worth.worked.get(owner)
        if days is None:
            days = worth.worked[owner] = OwnerDays(set(), set())
        (days.handed if handed else days.own).add(at // DAY)


# --- one person ----------------------------------------------------------------------------------


def _told(cycles: list[_Cycle], mine: _Person, reading: Reading) -> Iterator[Told]:
    doc: Fields = orjson.loads(cycles[0].doc)
    if len(cycles) == 1:
        yield _one(cycles[0], mine, doc, reading)
        return
    opened = [(one.number, one.opened_at) for one in cycles]
    spans = _spans(cycles)
    for one, (after, until) in zip(cycles, spans, strict=True):
        part = mine._replace(
            moves=[row for row in mine.moves if row[1] == one.number],
            said=[row for row in mine.said if row[1] == one.number],
            answers=[row for row in mine.answers if after < row[0] <= until],
            efforts=[row for row in mine.efforts if after < row[0] <= until],
            deals=[deal for deal in mine.deals if pass_of(deal, opened) == one.number],
            partners=[row for row in mine.partners if row[1] == one.number],
            newest=mine.newest if one.current else None,
        )
        told = _one(one, part, doc, reading)
        touched = _touched(one, mine.efforts) if reading.watched else None
        given = told.history.handoff
        if given is not None and given.touched_at != touched:
            again = given._replace(
                touched_at=touched, touched_open=_open_until(given.at, touched, reading)
            )
            history = told.history._replace(handoff=again)
            told = told._replace(history=history)
        if mine.newest is not None:
            machine = not mine.human
            told = told._replace(history=told.history._replace(machine_only=machine))
        yield told


def _spans(cycles: list[_Cycle]) -> list[tuple[float, float]]:
    """What was done in each pass: (after, up to). What came before the first pass is of the first.

    A pass begins at the verdict on the one before, for that is what made room for it.
    """
    began = [float("-inf")]
    for before, one in pairwise(cycles):
        ended = before.verdict_at
        began.append(one.opened_at if ended is None else min(ended, one.opened_at))
    return list(zip(began, [*began[1:], float("inf")], strict=True))


def _rests(row: _Cycle, mine: _Person) -> bool:
    """Whether nothing is known of it that has to do with sales; most people are so."""
    return (
        row.state in RESTING
        and row.handed_off_at is None
        and row.verdict is None
        and not (mine.said or mine.deals or mine.partners)
        and RESTING.issuperset([step[2] for step in mine.moves])
    )


def _resting(row: _Cycle, mine: _Person, doc: Fields, reading: Reading) -> Told:
    """Tell a pass that rests: what `_one` says of it too, at a third of the cost."""
    moves, began = mine.moves, row.opened_at
    created = moment_in(doc, "created") if row.number == 1 else None
    found = bool(moves) and moves[0][3] == FOUND
    reached = {}
    if created is not None and (found or created <= began):
        reached["inquiry"] = created
    elif not found:
        reached["inquiry"] = began
    source, segment = doc.get("source"), doc.get(reading.segment) if reading.segment else None
    newest = mine.newest
    known = [at for at in (reached.get("inquiry"), newest) if at is not None]
    history = History(
        row.person, row.number, row.state, _states(row.state, *[step[2] for step in moves]),
        reached, bool(row.current), found, row.verdict_reason, row.owner,
        str(source) if source else None, row.score, None, None, None, tuple(mine.answers),
        row.theme, None if segment is None or segment == "" else str(segment),
        max(known, default=None), newest is not None and not mine.human, (), len(mine.efforts),
        phase=row.phase,
    )  # fmt: skip
    return Told(history, None, None, created)


def _one(row: _Cycle, mine: _Person, doc: Fields, reading: Reading) -> Told:
    """Tell one pass of what belongs to it."""
    if _rests(row, mine):
        return _resting(row, mine, doc, reading)
    moves, deals = mine.moves, mine.deals
    said = _said(row, mine.said) if mine.said else {}
    created = moment_in(doc, "created") if row.number == 1 else None
    found = bool(moves) and moves[0][3] == FOUND
    made = min((d.created for d in deals if d.created is not None), default=None) if deals else None
    reached = _reached(row, moves, said, created, made, found=found)
    won = [deal for deal in deals if deal.status == "won"] if deals else []
    source, segment = doc.get("source"), doc.get(reading.segment) if reading.segment else None
    history = History(
        row.person,
        row.number,
        row.state,
        _states(row.state, *[step[2] for step in moves]),
        reached,
        bool(row.current),
        found,
        row.verdict_reason,
        row.owner,
        str(source) if source else None,
        row.score,
        None if row.handed_off_at is None else _handoff(row, mine.efforts, said, reading),
        sum_of(won) if won else None,
        sum_of(d for d in deals if d.status != "won") if deals else None,
        tuple(mine.answers),
        row.theme,
        None if segment is None or segment == "" else str(segment),
        max(
            reached.values() if mine.newest is None else [*reached.values(), mine.newest],
            default=None,
        ),
        mine.newest is not None and not mine.human,
        _stays(moves, found=found),
        len(mine.efforts),
        tuple([(deal.closed, deal.cents) for deal in won]),
        tuple(sorted({name for deal in won for name in deal.products})) if won else (),
        mine.partners[-1][2] if mine.partners else None,
        row.phase,
        None if row.handed_off_at is None else row.given_score,
    )
    worked = [said[name] for name in _WORKING if name in said] if said else []
    if made is not None:
        worked.append(made)
    return Told(history, min(worked, default=None), _won_at(row, said, won), created)


@lru_cache(maxsize=4096)
def _states(*entered: str) -> frozenset[str]:
    """The same few ways come again and again."""
    return frozenset(entered)


def _said(row: _Cycle, found: list[Row]) -> dict[str, Micros]:
    """When each verdict was first given, by the CRM's dates.

    One given before its cycle opened is of an earlier pass, save in the first, which may have
    been under way long before we saw it.
    """
    said: dict[str, Micros] = {}
    for _, number, verdict, at in found:
        if number == row.number and (number == 1 or at >= row.opened_at):
            said[verdict] = min(at, said.get(verdict, at))
    return said


def _reached(
    row: _Cycle,
    moves: list[Row],
    said: Mapping[str, Micros],
    created: Micros | None,
    made: Micros | None,
    *,
    found: bool,
) -> dict[str, Micros]:
    """When it reached each stage, as far as that is known.

    Its beginning is not known of what the first run met halfway; states it was seen to enter say
    when, unless the CRM's own dates do.
    """
    reached: dict[str, Micros] = {}
    entered: dict[str, Micros] = {}
    for step in moves:
        entered.setdefault(step[2], step[4])
    for name in _LATER:
        if name in said:
            reached[name] = said[name]
        elif name in entered and not found:
            reached[name] = entered[name]
    if made is not None:
        reached["qualified"] = min(made, reached.get("qualified", made))
    if row.handed_off_at is not None:
        reached["handed_off"] = row.handed_off_at
    if created is not None and (found or created <= row.opened_at):
        reached["inquiry"] = created
    elif not found:
        reached["inquiry"] = row.opened_at
    ready = [entered[name] for name in ("sales_ready", "held") if name in entered]
    if ready and not any(step[3] == BACKLOG for step in moves):
        reached["sales_ready"] = min(ready)
    return reached


def _stays(moves: list[Row], *, found: bool) -> tuple[tuple[str, Micros, Micros | None], ...]:
    """The times in states on the way to a deal; when the first began is not known if `found`."""
    known = moves[1:] if found else moves
    if not any(step[2] in ON_THE_WAY for step in known):
        return ()
    ends: list[Micros | None] = [*(step[4] for step in known[1:]), None]
    return tuple(
        (step[2], step[4], end)
        for step, end in zip(known, ends, strict=True)
        if step[2] in ON_THE_WAY
    )


def _handoff(
    row: _Cycle, efforts: list[Answer], said: Mapping[str, Micros], reading: Reading
) -> Handoff | None:
    at = row.handed_off_at
    if at is None:
        return None
    touched = _touched(row, efforts) if reading.watched else None
    return Handoff(
        at=at,
        touch_due=row.sla_due_at,
        touched_at=touched,
        decide_due=reading.verdict_due(at),
        decided_at=min((given for given in said.values() if given >= at), default=None),
        watched=reading.watched,
        touched_open=_open_until(at, touched, reading),
    )


def _open_until(at: Micros, touched: Micros | None, reading: Reading) -> Micros | None:
    if touched is None or reading.open_between is None:
        return None
    return int(reading.open_between(at, touched))


def _touched(row: _Cycle, efforts: Sequence[Answer]) -> Micros | None:
    """The owner's first activity at or after the hand-off."""
    given = row.handed_off_at
    if given is None:
        return None
    return next((at for at, owner in efforts if at >= given and owner == row.owner), None)


def _won_at(row: _Cycle, said: Mapping[str, Micros], won: Sequence[Deal]) -> Micros | None:
    if "won" in said:
        return said["won"]
    closed = [deal.closed for deal in won if deal.closed is not None]
    if closed:
        return min(closed)
    return row.verdict_at if row.verdict == "won" else None
