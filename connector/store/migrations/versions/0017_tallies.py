"""What was counted of each person's activities, kept to be scored from again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Add one table; it fills as people are scored."""
    op.create_table(
        "tally",
        sa.Column("person", sa.Text(), primary_key=True),
        sa.Column("units", sa.Text(), nullable=False),
        sa.Column("as_of", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger()),
        sa.Column("newest", sa.BigInteger()),
        sa.Column("sums", sa.Text(), nullable=False),
    )
