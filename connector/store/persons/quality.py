"""How complete and how clean the data is that everything else is worked out from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import orjson
from sqlalchemy import ColumnElement, Connection, case, func, select

from connector.domain.moment import Micros
from connector.store.schema import activity, outbox, person, quarantine
from connector.store.statements.streams import pages


def kept_aside(tx: Connection) -> list[dict[str, Any]]:
    """Count rows that could not be read, by object and reason, most first."""
    rows = tx.execute(
        select(quarantine.c.object, quarantine.c.reason, func.count().label("n"))
        .group_by(quarantine.c.object, quarantine.c.reason)
        .order_by(func.count().desc(), quarantine.c.object, quarantine.c.reason)
    )
    return [{"object": r.object, "reason": r.reason, "rows": int(r.n)} for r in rows]


def refused_writes(tx: Connection) -> list[dict[str, Any]]:
    """Count writes the CRM refused, by object, field and code, most first."""
    rows = tx.execute(
        select(outbox.c.object, outbox.c.field, outbox.c.code, func.count().label("n"))
        .where(outbox.c.state == "dead")
        .group_by(outbox.c.object, outbox.c.field, outbox.c.code)
        .order_by(func.count().desc(), outbox.c.object, outbox.c.field, outbox.c.code)
    )
    return [
        {"object": r.object, "field": r.field, "code": r.code, "writes": int(r.n)} for r in rows
    ]


class Activities(NamedTuple):
    """How many there are, how many of them machines did, and how many were seen twice."""

    all: int
    machine: int
    seen_twice: int


def nobodys_activities(tx: Connection) -> Activities:
    """Count activities of nobody we know."""
    return _activities(tx, activity.c.person.is_(None))


def _activities(tx: Connection, *where: ColumnElement[bool]) -> Activities:
    row = tx.execute(
        select(
            func.count(),
            func.sum(case((activity.c.machine, 1), else_=0)),
            func.sum(case((activity.c.duplicate, 1), else_=0)),
        ).where(*where)
    ).one()
    return Activities(*(int(n or 0) for n in row))


def people_counts(tx: Connection) -> tuple[int, dict[str, int]]:
    """Count people in scope, and those out of it by reason, most first."""
    rows = tx.execute(
        select(person.c.excluded, func.count())
        .group_by(person.c.excluded)
        .order_by(func.count().desc(), person.c.excluded)
    ).all()
    inside = sum(int(n) for reason, n in rows if reason is None)
    return inside, {reason: int(n) for reason, n in rows if reason is not None}


def known_fields(tx: Connection, fields: Iterable[str]) -> dict[str, int]:
    """Count, for each field that rules read, the people in scope of whom it is known."""
    counts = dict.fromkeys(fields, 0)
    query = select(person.c.facts).where(person.c.excluded.is_(None))
    for page in pages(tx, query):
        facts = orjson.loads(f"[{','.join(text for (text,) in page)}]")
        for name in counts:
            counts[name] += sum(one.get(name) is not None for one in facts)
    return counts


def silent_types(tx: Connection, since: Micros, line: Micros) -> dict[str, int]:
    """Count activities by type, of those types that came from `since` on and not after the line.

    The whole table is read once, and once more only where there is such a type; grouping all of it
    would have SQLite sort it in memory.
    """
    recent = activity.c.time >= since
    found = tx.execute(
        select(activity.c.type, case((activity.c.time >= line, 1), else_=0))
        .where(recent)
        .distinct()
    ).all()
    silent = {name for name, late in found if not late} - {name for name, late in found if late}
    if not silent:
        return {}
    counted = tx.execute(
        select(activity.c.type, func.count())
        .where(recent, activity.c.type.in_(sorted(silent)))
        .group_by(activity.c.type)
    )
    return {name: int(n) for name, n in counted}
