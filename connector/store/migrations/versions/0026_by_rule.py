"""Which types of activity changed of whom, and what windows and assets still look at."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    """Add a table and two columns; what is counted by now is counted anew once."""
    op.create_table(
        "recount",
        sa.Column("person", sa.Text(), primary_key=True),
        sa.Column("type", sa.Text(), primary_key=True),
    )
    op.add_column("news", sa.Column("type", sa.Text()))
    op.add_column("tally", sa.Column("entries", sa.Text(), nullable=False, server_default=""))
