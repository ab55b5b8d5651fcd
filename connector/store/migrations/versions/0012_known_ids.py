"""Index only records whose person, account or subject is known: less work for each new row."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Make three indexes anew, with a condition."""
    _again("person", ["person"])
    _again("account", ["connection", "kind", "account"])
    _again("subject", ["connection", "kind", "subject"])


def _again(name: str, columns: list[str]) -> None:
    op.drop_index(f"record_{name}", "record")
    known = sa.text(f"{name} IS NOT NULL")
    op.create_index(f"record_{name}", "record", columns, postgresql_where=known, sqlite_where=known)
