"""The index of people's activities holds what reports read, and only of people we know."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

_COLUMNS = ["person", "time", "machine", "duplicate", "owner", "connection"]


def upgrade() -> None:
    """Make one index anew."""
    known = sa.text("person IS NOT NULL")
    op.drop_index("activity_person", "activity")
    if op.get_bind().dialect.name == "sqlite":
        columns = [*_COLUMNS, "campaign"]
        op.create_index("activity_person", "activity", columns, sqlite_where=known)
    else:
        op.create_index("activity_of_person", "activity", _COLUMNS, postgresql_where=known)
