"""What connections hold, how they are and what they allow; hints of dead letters."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_LIVE = sa.text("state IN ('planned', 'approved', 'sending', 'retry', 'unknown')")


def upgrade() -> None:
    """Add columns and tables; what is stored stays as it is."""
    op.add_column("outbox", sa.Column("hint", sa.Text(), nullable=True))
    _split_checkpoints()
    for name, columns in (
        ("outbox_live_person", ["person"]),
        ("outbox_queue", ["connection", "state", "object", "grp", "quiet", "id"]),
    ):
        op.create_index(
            name, "outbox", columns, unique=False, postgresql_where=_LIVE, sqlite_where=_LIVE
        )
    op.create_table(
        "news",
        sa.Column("seq", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("stale", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
    )

    _keyed("sweep", ("connection", "object", "id"))
    _keyed(
        "drift",
        ("connection", "object"),
        *(
            sa.Column(name, sa.Integer() if name != "at" else sa.BigInteger(), nullable=False)
            for name in ("at", "checked", "missing", "differing", "gone", "held")
        ),
        sa.Column("run", sa.Text(), nullable=False),
    )
    _keyed(
        "schema_snapshot",
        ("connection", "source"),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.Column("lost", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("run", sa.Text(), nullable=False),
    )
    _keyed(
        "flapping",
        ("connection", "object", "record", "field"),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("run", sa.Text(), nullable=False),
    )
    _keyed(
        "health",
        ("connection",),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("since", sa.BigInteger(), nullable=False),
    )
    _keyed(
        "allowance",
        ("connection", "name"),
        *(
            sa.Column(name, sa.BigInteger(), nullable=False)
            for name in ("limit", "used", "resets_at", "seen_at")
        ),
    )
    _keyed(
        "pace",
        ("connection", "name"),
        sa.Column("tokens", sa.Double(), nullable=False),
        sa.Column("rate", sa.Double(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
    )


def _split_checkpoints() -> None:
    """A first reading had no checkpoint of its own: what was open or done of it becomes one."""
    columns = "connection, object, done_until, window_until, position, mapping, run, fence"
    op.execute(
        "INSERT INTO checkpoint (kind, window_since, connection, object, done_until, "
        "window_until, position, mapping, run, fence) "
        f"SELECT 'backfill', NULL, {columns} FROM checkpoint "
        "WHERE kind = 'increment' AND done_until IS NULL AND window_until IS NOT NULL"
    )
    op.execute(
        "DELETE FROM checkpoint WHERE kind = 'increment' AND done_until IS NULL "
        "AND window_until IS NOT NULL"
    )
    op.execute(
        "INSERT INTO checkpoint (kind, window_since, connection, object, done_until, "
        "window_until, position, mapping, run, fence) "
        "SELECT 'backfill', NULL, connection, object, done_until, NULL, NULL, mapping, run, fence "
        "FROM checkpoint WHERE kind = 'increment' AND done_until IS NOT NULL"
    )


def _keyed(table: str, key: tuple[str, ...], *columns: sa.Column[Any]) -> None:
    op.create_table(
        table,
        *(sa.Column(name, sa.Text(), nullable=False) for name in key),
        *columns,
        sa.PrimaryKeyConstraint(*key),
    )
