"""Plans and what they were approved with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, or_, select, update
from sqlalchemy import insert as sql_insert

from connector.domain.moment import Micros
from connector.store.persons.people import dumps
from connector.store.schema import approved, is_live, outbox, plan
from connector.store.statements.upsert import upsert


class PlanRow(NamedTuple):
    """A plan as stored. `held` says in words which limits it exceeds."""

    id: str
    run: str
    kind: str
    state: str
    basis: str
    created_at: Micros
    approved_at: Micros | None
    counts: dict[str, Any]
    held: list[str]


def save_plan(tx: Connection, row: PlanRow) -> None:
    """Store a new plan."""
    tx.execute(sql_insert(plan), _plan_values(row))


def set_plan(tx: Connection, plan_id: str, **values: Any) -> None:
    """Change a plan's state or counts."""
    if "counts" in values:
        values["counts"] = dumps(values["counts"])
    tx.execute(update(plan).where(plan.c.id == plan_id).values(**values))


def get_plan(tx: Connection, plan_id: str) -> PlanRow | None:
    """Give a plan by its id, or by the id of the run that made it."""
    row = tx.execute(
        select(plan).where(or_(plan.c.id == plan_id, plan.c.run == plan_id))
    ).one_or_none()
    return _plan(row) if row is not None else None


def newest_plan(tx: Connection, state: str | None = None) -> PlanRow | None:
    """Give the newest plan, or the newest in a state."""
    query = select(plan).order_by(plan.c.created_at.desc(), plan.c.id.desc()).limit(1)
    row = tx.execute(query.where(plan.c.state == state) if state else query).one_or_none()
    return _plan(row) if row is not None else None


def undoing(tx: Connection, since: Micros) -> frozenset[str]:
    """Give the undo plans made since a moment that are not done yet."""
    rows = tx.execute(
        select(plan.c.id).where(
            plan.c.kind == "undo",
            plan.c.state.in_(["needs_approval", "approved"]),
            plan.c.created_at >= since,
        )
    )
    return frozenset(rows.scalars())


def supersede_plans(tx: Connection) -> None:
    """Close earlier plans that have no live rows left: their rows were planned anew."""
    live = select(outbox.c.plan).where(is_live)
    tx.execute(
        update(plan)
        .where(plan.c.state.in_(["open", "needs_approval"]), plan.c.id.not_in(live))
        .values(state="superseded")
    )


def approvals(tx: Connection) -> dict[str, tuple[str, str]]:
    """Give the last approved (hash, document) of each kind of file."""
    return {row.kind: (row.hash, row.document) for row in tx.execute(select(approved))}


def approved_at(tx: Connection, kind: str) -> Micros | None:
    """Give when the file of this kind was last approved; None when it never was."""
    found: Micros | None = tx.execute(
        select(approved.c.at).where(approved.c.kind == kind)
    ).scalar_one_or_none()
    return found


def save_approvals(
    tx: Connection, files: Mapping[str, tuple[str, str]], plan_id: str, now: Micros
) -> None:
    """Note the files a plan was approved with, as (hash, document) by kind.

    What was approved before keeps the moment at which it was.
    """
    known = approvals(tx)
    upsert(
        tx,
        approved,
        [
            {"kind": kind, "hash": digest, "document": text, "at": now, "plan": plan_id}
            for kind, (digest, text) in files.items()
            if known.get(kind) != (digest, text)
        ],
    )


def _plan(row: Any) -> PlanRow:
    values = {name: getattr(row, name) for name in PlanRow._fields}
    return PlanRow(**{**values, "counts": orjson.loads(row.counts), "held": orjson.loads(row.held)})


def _plan_values(row: PlanRow) -> dict[str, Any]:
    return {**row._asdict(), "counts": dumps(row.counts), "held": dumps(row.held)}


def close_applied(tx: Connection) -> None:
    """Note plans all of whose rows are settled as applied."""
    live = select(outbox.c.plan).where(is_live)
    tx.execute(
        update(plan)
        .where(plan.c.state.in_(["open", "approved"]), plan.c.id.not_in(live))
        .values(state="applied")
    )
