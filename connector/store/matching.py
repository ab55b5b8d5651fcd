"""What the store knows about accounts, for packages and for matching leads to them."""

from __future__ import annotations

from collections.abc import Iterable

import orjson
from sqlalchemy import Connection, select

from connector.store.people import chunks
from connector.store.schema import record

OPEN = "open"


def open_deals(tx: Connection, connection: str, accounts: Iterable[str]) -> dict[str, int]:
    """Count the open opportunities of each of these accounts."""
    counts: dict[str, int] = {}
    for ids in chunks(accounts):
        rows = tx.execute(
            select(record.c.account, record.c.doc).where(
                record.c.connection == connection,
                record.c.kind == "opportunity",
                record.c.account.in_(ids),
                ~record.c.gone,
            )
        )
        for row in rows:
            if orjson.loads(row.doc).get("status") == OPEN:
                counts[row.account] = counts.get(row.account, 0) + 1
    return counts
