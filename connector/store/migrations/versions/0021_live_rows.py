"""The indexes of live outbox rows go by what is settled: a state changes without them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"

_LIVE = ["planned", "approved", "sending", "retry", "unknown"]
_INDEXES = {
    "outbox_live": ["connection", "object", "record", "grp"],
    "outbox_live_person": ["person"],
    "outbox_queue": ["connection", "state", "object", "grp", "quiet", "id"],
}


def upgrade() -> None:
    """Make the three indexes anew. A row that ended and does not say when ended long ago."""
    table = sa.table("outbox", sa.column("state", sa.Text), sa.column("settled_at", sa.BigInteger))
    ended = table.c.state.not_in(_LIVE) & table.c.settled_at.is_(None)
    waits = table.c.state.in_(_LIVE) & table.c.settled_at.is_not(None)
    op.execute(sa.update(table).where(ended).values(settled_at=0))
    op.execute(sa.update(table).where(waits).values(settled_at=None))
    unsettled = sa.text("settled_at IS NULL")
    for name, columns in _INDEXES.items():
        op.drop_index(name, "outbox")
        op.create_index(
            name,
            "outbox",
            columns,
            unique=name == "outbox_live",
            postgresql_where=unsettled,
            sqlite_where=unsettled,
        )
