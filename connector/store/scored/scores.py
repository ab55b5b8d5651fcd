"""Published scores and the explanations they come with."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, bindparam, func, select, update

from connector.domain.score import Line, Score
from connector.store.persons.people import chunks, dumps
from connector.store.schema import person
from connector.store.schema import score as table
from connector.store.statements.among import among
from connector.store.statements.bulk import execute_many, insert_many

_NAMES = (*Score._fields, "reasons", "lines", "model", "scored_at")
_STORED = [table.c[name] for name in _NAMES]
_BOUND = tuple(f"v_{name}" for name in _NAMES)
_MOVE = (
    update(table)
    .where(table.c.person == bindparam("v_person"))
    .values(**{name: bindparam(f"v_{name}") for name in _NAMES[1:]})
)


class Published(NamedTuple):
    """A stored score with the text and lines of its last change."""

    score: Score
    reasons: str
    told: str
    """The lines, as JSON: most who ask for scores do not look at them."""
    model: str
    scored_at: int

    @property
    def lines(self) -> tuple[Line, ...]:
        """What the score is made of."""
        return tuple(Line(*line) for line in orjson.loads(self.told))


def told(lines: Iterable[Line]) -> str:
    """Write lines as they are stored."""
    return dumps([list(line) for line in lines])


def published(tx: Connection, people: Iterable[str]) -> dict[str, Published]:
    """Give the stored score of each of these people."""
    found = {}
    for ids in chunks(people):
        for row in tx.execute(select(*_STORED).where(among(table.c.person, ids))).all():
            found[row[0]] = _published(row)
    return found


def save(tx: Connection, rows: Sequence[Published], known: Container[str]) -> None:
    """Store scores: new ones, and changed ones of people who are `known` to have one."""
    fresh = [_row(row) for row in rows if row.score.person not in known]
    moved = [_row(row) for row in rows if row.score.person in known]
    insert_many(tx, table, _NAMES, fresh)
    execute_many(tx, _MOVE, [dict(zip(_BOUND, row, strict=True)) for row in moved])


def count_stale(tx: Connection, most: int) -> int:
    """Count who waits to be scored, `most` at most."""
    waiting = select(person.c.id).where(person.c.stale, person.c.excluded.is_(None)).limit(most)
    return tx.execute(select(func.count()).select_from(waiting.subquery())).scalar_one()


def counts(tx: Connection) -> dict[str, int]:
    """Give how many people are scored and how many of them are sales-ready."""
    row = tx.execute(
        select(func.count(), func.count().filter(table.c.sales_ready)).select_from(table)
    ).one()
    return {"scored": int(row[0]), "at_threshold": int(row[1])}


def top(tx: Connection, limit: int) -> list[Published]:
    """Give the best people, by total, then id."""
    rows = tx.execute(
        select(*_STORED)
        .where(table.c.disqualified_by.is_(None))
        .order_by(table.c.total.desc(), table.c.person)
        .limit(limit)
    )
    return [_published(row) for row in rows]


def _published(row: Sequence[Any]) -> Published:
    return Published(Score(*row[: len(Score._fields)]), *row[len(Score._fields) :])


def _row(one: Published) -> tuple[Any, ...]:
    return (*one.score, *one[1:])
