"""Keys that several people have."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """Make the table; it fills when somebody takes a person apart."""
    op.create_table(
        "shared_key",
        sa.Column("kind", sa.Text(), primary_key=True),
        sa.Column("value", sa.Text(), primary_key=True),
        sa.Column("person", sa.Text(), nullable=False),
    )
