"""Indexes of the few rows that are asked for, in the words of the questions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Make indexes anew, with a condition the database recognises; one for what is due."""
    _again("person", ["person"])
    _again("account", ["connection", "kind", "account"])
    _again("subject", ["connection", "kind", "subject"])
    for table, flag, column in (
        ("record", "dirty", "kind"),
        ("person", "stale", "id"),
        ("person", "pending", "id"),
    ):
        op.drop_index(f"{table}_{flag}", table)
        _flagged(f"{table}_{flag}", table, flag, column)
    _flagged("cycle_due", "cycle", "current", "next_at")


def _again(name: str, columns: list[str]) -> None:
    op.drop_index(f"record_{name}", "record")
    known = sa.text(f"{name} IS NOT NULL")
    op.create_index(f"record_{name}", "record", columns, postgresql_where=known, sqlite_where=known)


def _flagged(name: str, table: str, flag: str, column: str) -> None:
    op.create_index(
        name,
        table,
        [column],
        postgresql_where=sa.text(flag),
        sqlite_where=sa.text(f"{flag} = 1"),
    )
