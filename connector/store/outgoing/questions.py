"""Fields whose policy is `ask`: what somebody must decide, and what was decided."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, select, update
from sqlalchemy import insert as sql_insert

from connector.domain.moment import Micros
from connector.domain.record import Scalar
from connector.errors import UsageError
from connector.store.persons.news import note_news
from connector.store.persons.people import chunks, dumps
from connector.store.schema import outbox
from connector.store.statements.among import among

ASKED, OURS, THEIRS = "ask", "ours", "theirs"
CODES = (ASKED, OURS, THEIRS)
"""What marks a row of the outbox as a question, asked or answered."""


class Question(NamedTuple):
    """One field of one record where two values compete; `answer` is ask, ours or theirs."""

    id: int
    connection: str
    object: str
    record: str
    field: str
    theirs: Scalar
    ours: Scalar
    answer: str


FieldKey = tuple[str, str, str, str]
"""connection, object, record id, remote field"""


def of_people(tx: Connection, people: Iterable[str]) -> dict[FieldKey, Question]:
    """Give the newest question about each field of these people's records."""
    found = {}
    for ids in chunks(people):
        rows = tx.execute(
            select(outbox)
            .where(
                among(outbox.c.person, ids),
                outbox.c.state == "conflict",
                outbox.c.code.in_(CODES),
            )
            .order_by(outbox.c.id)
        )
        for row in rows:
            one = _question(row)
            found[one.connection, one.object, one.record, one.field] = one
    return found


def ask(
    tx: Connection,
    plan_id: str,
    rows: Sequence[tuple[FieldKey, str, str, Scalar, Scalar]],
    now: Micros,
) -> None:
    """Put questions: (field, group, person, theirs, ours). Earlier ones about it are closed."""
    for key, *_ in rows:
        tx.execute(
            update(outbox)
            .where(
                outbox.c.connection == key[0],
                outbox.c.object == key[1],
                outbox.c.record == key[2],
                outbox.c.field == key[3],
                outbox.c.state == "conflict",
                outbox.c.code.in_(CODES),
            )
            .values(state="superseded")
        )
    if rows:
        tx.execute(
            sql_insert(outbox),
            [
                {
                    "plan": plan_id,
                    "connection": key[0],
                    "object": key[1],
                    "record": key[2],
                    "grp": grp,
                    "person": person,
                    "state": "conflict",
                    "code": ASKED,
                    "field": key[3],
                    "changes": dumps({key[3]: [theirs, ours]}),
                    "quiet": True,
                    "settled_at": now,
                }
                for key, grp, person, theirs, ours in rows
            ],
        )


def opened(tx: Connection, limit: int = 100) -> list[Question]:
    """Give the questions nobody has answered, oldest first."""
    rows = tx.execute(
        select(outbox)
        .where(outbox.c.state == "conflict", outbox.c.code == ASKED)
        .order_by(outbox.c.id)
        .limit(limit)
    )
    return [_question(row) for row in rows]


def answer(tx: Connection, number: int, word: str) -> None:
    """Decide a question: `ours` is written by the next run, `theirs` stays until either changes.

    Raises UsageError for a number that is no open question.
    """
    person = tx.execute(
        update(outbox)
        .where(outbox.c.id == number, outbox.c.state == "conflict", outbox.c.code.in_(CODES))
        .values(code=word)
        .returning(outbox.c.person)
    ).scalar()
    if person is None:
        raise UsageError(
            f"{number} is no open question", hint="See leadloop runs conflicts for the numbers"
        )
    note_news(tx, [person])


def _question(row: Any) -> Question:
    ((theirs, ours),) = orjson.loads(row.changes).values()
    return Question(
        row.id, row.connection, row.object, row.record, row.field, theirs, ours, row.code
    )
