"""News about people, left by steps that may run beside the middle of the loop.

Flags of people, and what is to be counted anew of them, are set and taken off in the middle alone,
which has one runner; who pulls or sends meanwhile leaves a line here, so that neither is taken off
over newer news.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, delete, select
from sqlalchemy import insert as sql_insert

from connector.store.persons.people import CHUNK, mark, recount
from connector.store.schema_sync import news


def note_news(tx: Connection, people: Iterable[str], *, stale: bool = False) -> None:
    """Leave word that these people are to be planned again, and scored if `stale`."""
    rows = [{"person": person, "stale": stale} for person in dict.fromkeys(people)]
    if rows:
        tx.execute(sql_insert(news), rows)


def note_changed(tx: Connection, changed: Iterable[tuple[str, str]]) -> None:
    """Leave word that activities of these (person, type) went, or are not what they were."""
    rows = [{"person": who, "stale": True, "type": kind} for who, kind in dict.fromkeys(changed)]
    if rows:
        tx.execute(sql_insert(news), rows)


def take_all_news(tx: Connection) -> None:
    """Turn all lines there are into flags and recounts."""
    while take_news(tx, CHUNK):
        pass


def take_news(tx: Connection, limit: int) -> int:
    """Turn up to `limit` lines into flags of their people, and into what is to be counted anew of
    them; gives how many there were."""
    rows = tx.execute(select(news).order_by(news.c.seq).limit(limit)).all()
    if rows:
        mark(tx, (row.person for row in rows), pending=True)
        mark(tx, (row.person for row in rows if row.stale), stale=True)
        recount(tx, ((row.person, row.type) for row in rows if row.type is not None))
        tx.execute(delete(news).where(news.c.seq.in_([row.seq for row in rows])))
    return len(rows)
