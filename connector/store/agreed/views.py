"""What analysts read: views with readable names and moments, without names or addresses.

They are made anew at every upgrade of the store, so a later version may store otherwise and still
say the same here. docs/analysts.md tells what each column means.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import Connection, text

PREFIX = "analyst_"


class View(NamedTuple):
    """One view: its columns as name, type and SQL, and where they come from."""

    name: str
    columns: tuple[tuple[str, str, str], ...]
    source: str

    @property
    def table(self) -> str:
        """Its name in the database."""
        return f"{PREFIX}{self.name}"


def _at(column: str) -> str:
    return f"@at({column})"


VIEWS = (
    View(
        "people",
        (
            ("person", "VARCHAR", "p.id"),
            ("in_scope", "BOOLEAN", "p.excluded IS NULL"),
            ("left_out_as", "VARCHAR", "p.excluded"),
            ("source", "VARCHAR", "@doc(p.doc,source)"),
            ("country", "VARCHAR", "@doc(p.facts,country)"),
            ("seniority", "VARCHAR", "@doc(p.facts,seniority)"),
            ("account", "VARCHAR", "@doc(p.facts,account.key)"),
        ),
        "person p",
    ),
    View(
        "scores",
        (
            ("person", "VARCHAR", "s.person"),
            ("score", "BIGINT", "s.score"),
            ("fit", "DOUBLE", "s.fit"),
            ("behaviour", "DOUBLE", "s.behaviour"),
            ("grade", "VARCHAR", "s.grade"),
            ("sales_ready", "BOOLEAN", "s.sales_ready"),
            ("threshold", "DOUBLE", "s.threshold"),
            ("disqualified_by", "VARCHAR", "s.disqualified_by"),
            ("fast_track_by", "VARCHAR", "s.fast_track_by"),
            ("model", "VARCHAR", "s.model"),
            ("scored_at", "TIMESTAMP", _at("s.scored_at")),
        ),
        "score s",
    ),
    View(
        "cycles",
        (
            ("person", "VARCHAR", "c.person"),
            ("cycle", "BIGINT", "c.number"),
            ("state", "VARCHAR", "c.state"),
            ("why", "VARCHAR", "c.why"),
            ("since", "TIMESTAMP", _at("c.since")),
            ("opened_at", "TIMESTAMP", _at("c.opened_at")),
            ("is_current", "BOOLEAN", "c.current"),
            ("owner", "VARCHAR", "c.owner"),
            ("handed_off_at", "TIMESTAMP", _at("c.handed_off_at")),
            ("touch_due_at", "TIMESTAMP", _at("c.sla_due_at")),
            ("theme", "VARCHAR", "c.theme"),
            ("verdict", "VARCHAR", "c.verdict"),
            ("reason", "VARCHAR", "c.verdict_reason"),
            ("verdict_at", "TIMESTAMP", _at("c.verdict_at")),
        ),
        "cycle c",
    ),
    View(
        "moves",
        (
            ("move", "BIGINT", "m.seq"),
            ("person", "VARCHAR", "m.person"),
            ("cycle", "BIGINT", "m.number"),
            ("state_before", "VARCHAR", "m.before"),
            ("state_after", "VARCHAR", "m.after"),
            ("why", "VARCHAR", "m.why"),
            ("moved_by", "VARCHAR", 'm."by"'),
            ("at", "TIMESTAMP", _at("m.at")),
            ("run", "VARCHAR", "m.run"),
        ),
        "move m",
    ),
    View(
        "dispositions",
        (
            ("person", "VARCHAR", "d.person"),
            ("cycle", "BIGINT", "d.number"),
            ("verdict", "VARCHAR", "d.verdict"),
            ("reason", "VARCHAR", "d.reason"),
            ("at", "TIMESTAMP", _at("d.at")),
            ("owner", "VARCHAR", 'd."by"'),
            ("entered_through", "VARCHAR", "d.source"),
            ("run", "VARCHAR", "d.run"),
        ),
        "disposition d",
    ),
    View(
        "activities",
        (
            ("person", "VARCHAR", "a.person"),
            ("type", "VARCHAR", "a.type"),
            ("at", "TIMESTAMP", _at("a.time")),
            ("asset", "VARCHAR", "a.asset"),
            ("campaign", "VARCHAR", "a.campaign"),
            ("form", "VARCHAR", "a.form"),
            ("channel", "VARCHAR", "a.channel"),
            ("by_machine", "BOOLEAN", "a.machine"),
            ("seen_twice", "BOOLEAN", "a.duplicate"),
        ),
        "activity a WHERE a.person IS NOT NULL",
    ),
)


def drop_views(tx: Connection) -> None:
    """Take the views away, so that tables may change under them."""
    for view in VIEWS:
        tx.execute(text(f"DROP VIEW IF EXISTS {view.table}"))


def create_views(tx: Connection) -> None:
    """Make the views anew."""
    for view in VIEWS:
        columns = ", ".join(
            f'{_spelled(sql, tx.dialect.name)} AS "{name}"' for name, _, sql in view.columns
        )
        statement = f"CREATE VIEW {view.table} AS SELECT {columns} FROM {view.source}"
        tx.exec_driver_sql(statement)


def rows(tx: Connection, view: View) -> Iterator[tuple[object, ...]]:
    """Read a view from end to end, a page at a time; moments are ISO 8601 text in UTC."""
    names = ", ".join(f'"{name}"' for name, _, _ in view.columns)
    found = tx.exec_driver_sql(
        f"SELECT {names} FROM {view.table}", execution_options={"yield_per": 2_000}
    )
    kinds = [kind for _, kind, _ in view.columns]
    for row in found:
        yield tuple(_plain(value, kind) for value, kind in zip(row, kinds, strict=True))


def _plain(value: object, kind: str) -> object:
    if value is None:
        return None
    if kind == "BOOLEAN":
        return bool(value)
    return value.strftime("%Y-%m-%dT%H:%M:%SZ") if hasattr(value, "strftime") else value


def _spelled(sql: str, dialect: str) -> str:
    """Spell a moment or a value of a document as this database does."""
    if sql.startswith("@at("):
        column = sql[4:-1]
        if dialect == "postgresql":
            return f"to_timestamp({column} / 1000000) AT TIME ZONE 'UTC'"
        return f"strftime('%Y-%m-%dT%H:%M:%SZ', {column} / 1000000, 'unixepoch')"
    if sql.startswith("@doc("):
        column, _, key = sql[5:-1].partition(",")
        if dialect == "postgresql":
            return f"CAST({column} AS jsonb) ->> '{key}'"
        return f"json_extract({column}, '$.\"{key}\"')"
    return sql
