"""What the store knows about accounts, for packages and for matching leads to them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson
from sqlalchemy import Connection, select

from connector.decisions.matching import Account
from connector.store.persons.people import chunks
from connector.store.schema import record
from connector.store.statements.among import among

OPEN = "open"


def open_deals(tx: Connection, connection: str, accounts: Iterable[str]) -> dict[str, int]:
    """Count the open opportunities of each of these accounts."""
    counts: dict[str, int] = {}
    for ids in chunks(accounts):
        rows = tx.execute(
            select(record.c.account, record.c.doc).where(
                record.c.connection == connection,
                record.c.kind == "opportunity",
                among(record.c.account, ids),
                ~record.c.gone,
            )
        )
        for row in rows:
            if orjson.loads(row.doc).get("status") == OPEN:
                counts[row.account] = counts.get(row.account, 0) + 1
    return counts


def accounts(tx: Connection, connection: str) -> list[Account]:
    """Give the live accounts of a connection as matching looks at them."""
    deals: dict[str, int] = {}
    opened = tx.execute(
        select(record.c.account, record.c.doc).where(
            record.c.connection == connection,
            record.c.kind == "opportunity",
            record.c.account.is_not(None),
            ~record.c.gone,
        )
    )
    for row in opened:
        if orjson.loads(row.doc).get("status") == OPEN:
            deals[row.account] = deals.get(row.account, 0) + 1
    rows = tx.execute(
        select(record.c.id, record.c.doc).where(
            record.c.connection == connection, record.c.kind == "account", ~record.c.gone
        )
    )
    return [_account(row.id, orjson.loads(row.doc), deals) for row in rows]


def _account(ident: str, doc: dict[str, Any], deals: dict[str, int]) -> Account:
    def text(name: str) -> str | None:
        value = doc.get(name)
        return str(value) if value is not None else None

    return Account(
        ident, text("name"), text("domain"), text("country"), text("owner"), deals.get(ident, 0)
    )
