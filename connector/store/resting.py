"""Every pass as measures read it; most people rest, and the database alone tells of them.

Of who never went near sales one row says all, and no table is read side by side. Everybody else is
left to `histories`, a few thousand at a time, by their ids.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    Select,
    Text,
    and_,
    case,
    cast,
    exists,
    func,
    or_,
    select,
    union_all,
)

from connector.domain.record import Fields
from connector.funnel.history import History
from connector.store.deals import moment_in, naming_amounts, with_deals
from connector.store.histories import FOUND, RESTING, Answer, Reading, Worth, histories
from connector.store.schema import activity, cycle, disposition, move, offer, person
from connector.store.schema import score as score_table
from connector.store.streams import ALL, Row, Span, rows, within

_TOGETHER = 2_000
"""So many people are read side by side at once."""
_FAR, _DIGITS = 10**18, 19
"""Added to moments, so that they are texts of one length, which sort as numbers do."""
_NEXT, _BY = "\x1e", "\x1d"


def passes(tx: Connection, reading: Reading, worth: Worth, span: Span = ALL) -> Iterator[History]:
    """Yield every pass of people we still know, in no order; fills `worth` as `histories` does."""
    known = {who for (who,) in rows(tx, _beyond(tx, reading, span))}
    busy: list[str] = []
    for row in rows(tx, _query(tx, span)):
        states = _states(row[2], row[3])
        if row[1] or states is None or row[0] in known or (row[-1] and _BY in row[-1]):
            busy.append(row[0])
            if len(busy) == _TOGETHER:
                yield from _side_by_side(tx, reading, worth, busy)
                busy.clear()
        elif states:
            yield _history(row, states, reading.segment)
    if busy:
        yield from _side_by_side(tx, reading, worth, busy)


def _side_by_side(
    tx: Connection, reading: Reading, worth: Worth, busy: list[str]
) -> Iterator[History]:
    for told in histories(tx, reading, worth, Span(ids=tuple(busy))):
        yield told.history


def _history(row: Row, states: frozenset[str], segment: str | None) -> History:
    """Tell a pass that rests, as `histories` would."""
    who, _, state, _, began, reason, owner, theme, phase, score, doc, newest, human, told = row
    fields: Fields = orjson.loads(doc)
    created = moment_in(fields, "created")
    if created is not None and created < began:
        began = created
    source = fields.get("source")
    kind = fields.get(segment) if segment else None
    return History(
        who, 1, state, states, {"inquiry": began}, reason=reason, owner=owner,
        source=str(source) if source else None, score=score,
        campaigns=_answers(told) if told else (), theme=theme,
        segment=None if kind is None or kind == "" else str(kind),
        last_at=began if newest is None or newest < began else newest,
        machine_only=newest is not None and not human, phase=phase,
    )  # fmt: skip


@lru_cache(maxsize=4096)
def _states(state: str | None, moved: str | None) -> frozenset[str] | None:
    """All states of a pass, none where there is no pass; None when it went beyond resting."""
    entered = frozenset(moved.split(_NEXT) if moved else ())
    if not entered <= RESTING:
        return None
    return entered if state is None else entered | {state}


def _answers(told: str) -> tuple[Answer, ...]:
    parts = told.split(_NEXT)
    if len(parts) > 1:
        parts.sort()
    return tuple([(int(part[:_DIGITS]) - _FAR, part[_DIGITS:]) for part in parts])


# --- what the database is asked ------------------------------------------------------------------


def _query(tx: Connection, span: Span) -> Select[Any]:
    """Ask for one row a person: whether it is busy, and all that is told of one that rests."""
    busy = case((_is_busy(), 1), else_=0)
    return (
        select(
            person.c.id,
            busy,
            cycle.c.state,
            _moved(tx),
            *(cycle.c[n] for n in ("opened_at", "verdict_reason", "owner", "theme", "phase")),
            score_table.c.score,
            person.c.doc,
            *_seen(),
            _told(tx),
        )
        .select_from(
            person.outerjoin(cycle, and_(cycle.c.person == person.c.id, cycle.c.current)).outerjoin(
                score_table, score_table.c.person == person.c.id
            )
        )
        .where(*within(tx, person.c.id, span))
    )


def _is_busy() -> ColumnElement[bool]:
    """Whether the present pass is not the first, or went beyond resting."""
    return or_(
        cycle.c.number != 1,
        cycle.c.state.not_in(sorted(RESTING)),
        cycle.c.handed_off_at.is_not(None),
        cycle.c.verdict.is_not(None),
    )


def _beyond(tx: Connection, reading: Reading, span: Span) -> CompoundSelect[Any]:
    """Ask for people of whom other tables tell something that has to do with sales."""

    def whose(column: ColumnElement[str], *where: ColumnElement[bool]) -> Select[Any]:
        return select(column).where(*within(tx, column, span), *where)

    return union_all(
        whose(cycle.c.person, ~cycle.c.current),
        whose(disposition.c.person),
        whose(offer.c.person, offer.c.state == "accepted"),
        whose(move.c.person, move.c.why == FOUND),
        with_deals(tx, reading.connection, span),
        naming_amounts(tx, reading.connection, span),
    )


def _moved(tx: Connection) -> ColumnElement[Any]:
    """The states a person was in."""
    return select(_listed(tx, move.c.after)).where(move.c.person == person.c.id).scalar_subquery()


def _seen() -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """When a person last did something, and whether any of it was no machine's."""
    mine, real = activity.alias("mine"), activity.alias("real")
    newest = (
        select(mine.c.time)
        .where(mine.c.person == person.c.id, ~mine.c.duplicate)
        .order_by(mine.c.time.desc())
        .limit(1)
        .scalar_subquery()
    )
    human = exists(
        select(real.c.person).where(
            real.c.person == person.c.id, ~real.c.machine, ~real.c.duplicate
        )
    )
    return newest, case((human, 1), else_=0)


def _told(tx: Connection) -> ColumnElement[Any]:
    """The campaigns a person answered with their moments; a mark where an owner did something."""
    did = activity.alias("did")
    by_owner = did.c.owner.is_not(None)
    name = func.replace(did.c.campaign, _NEXT, " ")
    told = case((by_owner, _BY), else_=cast(did.c.time + _FAR, Text).concat(name))
    answered = and_(did.c.campaign.is_not(None), ~did.c.machine, ~did.c.duplicate)
    return (
        select(_listed(tx, told))
        .where(did.c.person == person.c.id, or_(by_owner, answered))
        .scalar_subquery()
    )


def _listed(tx: Connection, what: ColumnElement[Any]) -> ColumnElement[Any]:
    together = func.string_agg if tx.dialect.name == "postgresql" else func.group_concat
    return together(what, _NEXT)
