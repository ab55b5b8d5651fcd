"""What open days add to a tally, so that they alone are counted anew."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """Add the column; what is counted by now is counted anew once, for units have another hash."""
    op.add_column("tally", sa.Column("open", sa.Text(), nullable=False, server_default=""))
