"""Reviews: who agreed to what and when. Rows are only added."""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, select
from sqlalchemy import insert as sql_insert

from connector.domain.moment import Micros
from connector.store.persons.people import dumps
from connector.store.schema_review import review as table


class Review(NamedTuple):
    """One meeting: the versions that held, the definition itself, the decisions, who signed."""

    id: str
    at: Micros
    definition: str
    process: str
    document: dict[str, Any]
    decisions: tuple[str, ...]
    signed_by: tuple[str, ...]
    entered_by: str


def add(tx: Connection, one: Review) -> None:
    """Append a review."""
    tx.execute(
        sql_insert(table).values(
            **{
                **one._asdict(),
                "document": dumps(one.document),
                "decisions": dumps(one.decisions),
                "signed_by": dumps(one.signed_by),
            }
        )
    )


def newest(tx: Connection, limit: int = 1) -> list[Review]:
    """Give reviews, newest first."""
    rows = tx.execute(select(table).order_by(table.c.at.desc(), table.c.id.desc()).limit(limit))
    return [
        Review(
            row.id,
            row.at,
            row.definition,
            row.process,
            orjson.loads(row.document),
            tuple(orjson.loads(row.decisions)),
            tuple(orjson.loads(row.signed_by)),
            row.entered_by,
        )
        for row in rows
    ]
