"""Paces kept as the moment the next call may leave; what was kept of single calls is let go."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Make the table anew: what it holds is over within a minute."""
    op.drop_table("pace")
    op.create_table(
        "pace",
        sa.Column("connection", sa.Text(), primary_key=True),
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("free_at", sa.BigInteger(), nullable=False),
        sa.Column("most", sa.Integer(), nullable=False),
        sa.Column("slower", sa.Double(), nullable=False),
    )
