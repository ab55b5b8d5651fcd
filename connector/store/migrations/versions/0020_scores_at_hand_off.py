"""The score a lead had when it was handed off, told by the package that went with it."""

from __future__ import annotations

import re

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"

_SCORE = re.compile(r"Score (\d{1,3}) of 100")
_PAGE = 2_000


def upgrade() -> None:
    """Add the column; what was handed off before has its score in the text of its package."""
    op.add_column("handoff", sa.Column("score", sa.Integer()))
    table = sa.table(
        "handoff",
        sa.column("person", sa.Text),
        sa.column("number", sa.Integer),
        sa.column("package", sa.Text),
        sa.column("score", sa.Integer),
    )
    write = (
        sa.update(table)
        .where(table.c.person == sa.bindparam("who"), table.c.number == sa.bindparam("pass"))
        .values(score=sa.bindparam("points"))
    )
    connection = op.get_bind()
    rows = connection.execute(sa.select(table.c.person, table.c.number, table.c.package)).all()
    found = [
        {"who": who, "pass": number, "points": int(match[1])}
        for who, number, package in rows
        if (match := _SCORE.match(package))
    ]
    for start in range(0, len(found), _PAGE):
        connection.execute(write, found[start : start + _PAGE])
