"""The threshold asked of each person, the action of the score's band, and machines' evidence."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0003"


def upgrade() -> None:
    """Add three columns; those scored before are scored anew with the next model or day."""
    op.add_column("score", sa.Column("threshold", sa.Double(), nullable=False, server_default="65"))
    op.add_column("score", sa.Column("action", sa.Text(), nullable=True))
    op.add_column("activity", sa.Column("evidence", sa.Text(), nullable=True))
