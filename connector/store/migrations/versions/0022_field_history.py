"""What fields of records held before."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Make the table; it fills where a mapping asks for it."""
    op.create_table(
        "field_history",
        sa.Column("connection", sa.Text(), primary_key=True),
        sa.Column("object", sa.Text(), primary_key=True),
        sa.Column("record", sa.Text(), primary_key=True),
        sa.Column("field", sa.Text(), primary_key=True),
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), nullable=False),
        sa.Column("by", sa.Text()),
        sa.Column("told", sa.Boolean(), nullable=False),
        sa.Column("run", sa.Text(), nullable=False),
    )
