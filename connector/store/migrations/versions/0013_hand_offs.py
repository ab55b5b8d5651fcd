"""Hand-offs with their clock and task, alerts, offers to partners, and phases of nurture."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Add what is new; hand-offs made before have no clock, as on the first day."""
    op.add_column("cycle", sa.Column("phase", sa.Text(), nullable=True))
    op.add_column("cycle", sa.Column("next_owner", sa.Text(), nullable=True))
    op.add_column("routing", sa.Column("value", sa.Double(), nullable=True))
    op.create_table(
        "handoff",
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        *(_text(name) for name in ("record", "owner", "tier")),
        sa.Column("crossed_at", sa.BigInteger(), nullable=False),
        *(_moment(name) for name in ("began_at", "touch_due", "touched_at")),
        _text("step"),
        sa.Column("turn", sa.Integer(), nullable=False),
        *(_text(name) for name in ("package", "do_next", "alert", "task")),
        sa.Column("task_id", sa.Text(), nullable=True),
        _moment("task_at"),
        sa.PrimaryKeyConstraint("person", "number"),
    )
    _some("handoff_running", "handoff", "touch_due", "touched_at IS NULL AND began_at IS NOT NULL")
    _some("handoff_task", "handoff", "task", "task IN ('wanted', 'sending')")
    op.create_table(
        "alert",
        _text("person"),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        *(_text(name) for name in ("kind", "owner", "state")),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        _moment("settled_at"),
        sa.PrimaryKeyConstraint("person", "number", "turn", "kind"),
    )
    _some("alert_wanted", "alert", "due_at", "state IN ('wanted', 'digest')")
    op.create_table(
        "offer",
        _text("person"),
        sa.Column("number", sa.Integer(), nullable=False),
        *(_text(name) for name in ("partner", "state", "code")),
        sa.Column("offered_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        _moment("answered_at"),
        _text("delivered"),
        sa.PrimaryKeyConstraint("person", "number", "partner"),
    )
    op.create_index("offer_code", "offer", ["code"], unique=False)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _moment(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=True)


def _some(name: str, table: str, column: str, where: str) -> None:
    chosen = sa.text(where)
    op.create_index(
        name, table, [column], unique=False, postgresql_where=chosen, sqlite_where=chosen
    )
