"""What was last written, and the journal: a row for each record instead of one for each field.

The pace of calls is kept as the moments of the latest ones.
Records are found by kind and id: without the index each look-up read every record.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

import orjson
import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

_PAGE = 1000


def upgrade() -> None:
    """Fold the rows of each record together; nothing is lost."""
    op.rename_table("last_written", "old_written")
    op.rename_table("journal", "old_journal")
    op.drop_index("journal_outbox", "old_journal")
    written = op.create_table(
        "last_written",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.Column("run", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("connection", "object", "record", name="last_written_key"),
    )
    journal = op.create_table(
        "journal",
        sa.Column("seq", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("outbox", sa.Integer(), nullable=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("changes", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("run", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="journal_key"),
    )
    op.create_index("journal_outbox", "journal", ["outbox"], unique=False)
    tx = op.get_bind()
    _insert(tx, written, _last_written(tx))
    _insert(tx, journal, _journal(tx))
    op.drop_index("record_account", "record")
    op.drop_index("record_subject", "record")
    for name, column in (("kind", "id"), ("account", "account"), ("subject", "subject")):
        op.create_index(f"record_{name}", "record", ["connection", "kind", column], unique=False)
    op.drop_table("pace")
    op.create_table(
        "pace",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sent", sa.Text(), nullable=False),
        sa.Column("slower", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("connection", "name"),
    )
    op.drop_table("old_written")
    op.drop_table("old_journal")


def _last_written(tx: sa.Connection) -> Iterator[dict[str, Any]]:
    rows = tx.execute(
        sa.text(
            "SELECT connection, object, record, field, value, at, run FROM old_written "
            "ORDER BY connection, object, record, at, field"
        )
    )
    for key, some in groupby(rows, lambda row: (row.connection, row.object, row.record)):
        fields = list(some)
        held = {row.field: [orjson.loads(row.value), row.at] for row in fields}
        yield {**_named(key), "fields": _text(held), "run": fields[-1].run}


def _journal(tx: sa.Connection) -> Iterator[dict[str, Any]]:
    rows = tx.execute(
        sa.text(
            'SELECT outbox, connection, object, record, field, "before", "after", at, run '
            "FROM old_journal ORDER BY seq"
        )
    )
    for (outbox, at, run, *key), some in groupby(
        rows, lambda row: (row.outbox, row.at, row.run, row.connection, row.object, row.record)
    ):
        changes = {r.field: [orjson.loads(r.before), orjson.loads(r.after)] for r in some}
        told = {"outbox": outbox, "at": at, "run": run, "changes": _text(changes)}
        yield {**_named(key), **told}


def _named(key: Any) -> dict[str, Any]:
    return dict(zip(("connection", "object", "record"), key, strict=True))


def _text(value: object) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def _insert(tx: sa.Connection, table: sa.Table, rows: Iterator[dict[str, Any]]) -> None:
    page: list[dict[str, Any]] = []
    for row in rows:
        page.append(row)
        if len(page) == _PAGE:
            tx.execute(sa.insert(table), page)
            page = []
    if page:
        tx.execute(sa.insert(table), page)
