"""Published scores and the explanations they come with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, bindparam, func, select, update
from sqlalchemy import insert as sql_insert

from connector.domain.score import Line, Score
from connector.store.people import chunks, dumps
from connector.store.schema import person
from connector.store.schema import score as table

_COLUMNS = [table.c[name] for name in Score._fields]


class Published(NamedTuple):
    """A stored score with the text and lines of its last change."""

    score: Score
    reasons: str
    lines: tuple[Line, ...]
    model: str
    scored_at: int


def published(tx: Connection, people: Iterable[str]) -> dict[str, Published]:
    """Give the stored score of each of these people."""
    found = {}
    for ids in chunks(people):
        for row in tx.execute(select(table).where(table.c.person.in_(ids))):
            found[row.person] = _published(row)
    return found


def save(tx: Connection, rows: Sequence[Published]) -> None:
    """Store scores, new ones and changed ones alike."""
    known = set[str]()
    for ids in chunks(row.score.person for row in rows):
        known.update(tx.execute(select(table.c.person).where(table.c.person.in_(ids))).scalars())
    fresh = [_row(row) for row in rows if row.score.person not in known]
    moved = [_row(row) for row in rows if row.score.person in known]
    if fresh:
        tx.execute(sql_insert(table), fresh)
    if moved:
        columns = [c.name for c in table.columns if c.name != "person"]
        tx.execute(
            update(table)
            .where(table.c.person == bindparam("p"))
            .values(**{name: bindparam(f"v_{name}") for name in columns}),
            [{"p": r["person"], **{f"v_{n}": r[n] for n in columns}} for r in moved],
        )


def settle_stale(tx: Connection, people: Iterable[str]) -> None:
    """Note that these people are scored in their present version."""
    for ids in chunks(people):
        tx.execute(update(person).where(person.c.id.in_(ids), person.c.stale).values(stale=False))


def any_stale(tx: Connection) -> bool:
    """Whether anybody waits to be scored."""
    query = select(person.c.id).where(person.c.stale, person.c.excluded.is_(None)).limit(1)
    return tx.execute(query).scalar() is not None


def counts(tx: Connection) -> dict[str, int]:
    """Give how many people are scored and how many of them are sales-ready."""
    row = tx.execute(
        select(func.count(), func.count().filter(table.c.sales_ready)).select_from(table)
    ).one()
    return {"scored": int(row[0]), "at_threshold": int(row[1])}


def top(tx: Connection, limit: int) -> list[Published]:
    """Give the best people, by total, then id."""
    rows = tx.execute(
        select(table)
        .where(table.c.disqualified_by.is_(None))
        .order_by(table.c.total.desc(), table.c.person)
        .limit(limit)
    )
    return [_published(row) for row in rows]


def _published(row: Any) -> Published:
    lines = tuple(Line(*line) for line in orjson.loads(row.lines))
    values = {name: getattr(row, name) for name in Score._fields}
    return Published(Score(**values), row.reasons, lines, row.model, row.scored_at)


def _row(one: Published) -> Mapping[str, Any]:
    return {
        **one.score._asdict(),
        "reasons": one.reasons,
        "lines": dumps([list(line) for line in one.lines]),
        "model": one.model,
        "scored_at": one.scored_at,
    }
