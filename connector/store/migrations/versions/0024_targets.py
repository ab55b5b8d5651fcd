"""A mark of which fields what a record holds tells of, for empty ones are not named any more."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    """Add the column; a record without a mark gets one, and is looked at, when it is read again."""
    op.add_column("record", sa.Column("targets", sa.Text()))
