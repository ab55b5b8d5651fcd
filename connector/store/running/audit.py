"""The audit log: who approved, applied, undid, forgot or changed what, each row sealed.

A row's hash covers the row and the hash of the row before, so that a row changed or taken out
later breaks the chain. Rows hold ids, counts, hashes and salted digests; never an address.
"""

from __future__ import annotations

import os
import pwd
import secrets
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, func, select, text
from sqlalchemy import insert as sql_insert

from connector.documents import canonical_hash
from connector.domain.moment import Micros
from connector.store.persons.people import dumps
from connector.store.running import notes
from connector.store.schema import audit as table

_SALT = "salt"
_LOCK = 7_120_451_134
"""An advisory lock number of our own: two who append at once would seal with the same row."""


class Chain(NamedTuple):
    """The log as it stands: rows, newest hash, and the first row that does not fit (0: none)."""

    rows: int
    head: str
    broken_at: int


def append(
    tx: Connection, what: str, about: Mapping[str, Any], now: Micros, who: str | None = None
) -> str:
    """Append one row in the caller's transaction; gives the new head of the chain.

    `who` is the user of the operating system that this process runs as, unless given.
    """
    if tx.dialect.name == "postgresql":
        tx.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
    last = tx.execute(select(table.c.hash).order_by(table.c.seq.desc()).limit(1)).scalar()
    row = {"at": now, "who": who or os_user(), "what": what, "about": dumps(dict(about))}
    sealed = {**row, "before": last or ""}
    digest = canonical_hash(sealed)
    tx.execute(sql_insert(table).values(**sealed, hash=digest))
    return digest


def verify(tx: Connection) -> Chain:
    """Walk the whole chain."""
    before, count, broken = "", 0, 0
    for row in tx.execute(select(table).order_by(table.c.seq)):
        values = {name: row._mapping[name] for name in ("at", "who", "what", "about", "before")}
        if not broken and (row.before != before or canonical_hash(values) != row.hash):
            broken = int(row.seq)
        before, count = row.hash, count + 1
    return Chain(count, before, broken)


def head(tx: Connection) -> str:
    """Give the newest hash; empty for a log without rows."""
    newest = select(table.c.hash).order_by(table.c.seq.desc()).limit(1)
    return str(tx.execute(newest).scalar() or "")


def holds(tx: Connection, digest: str) -> bool:
    """Whether the chain holds a row with this hash: a head that was logged must."""
    query = select(func.count()).select_from(table).where(table.c.hash == digest)
    return not digest or bool(tx.execute(query).scalar_one())


def newest(tx: Connection, limit: int) -> list[dict[str, Any]]:
    """Give the newest rows, newest first."""
    rows = tx.execute(select(table).order_by(table.c.seq.desc()).limit(limit))
    return [{**row._mapping, "about": orjson.loads(row.about)} for row in rows]


def digest(tx: Connection, value: str) -> str:
    """Give the salted digest of a value that must not be kept itself; each store has its salt."""
    salt = notes.get(tx, _SALT)
    if salt is None:
        salt = secrets.token_hex(32)
        notes.put(tx, _SALT, salt)
    return blake2b(value.encode(), key=bytes.fromhex(salt), digest_size=20).hexdigest()


def os_user() -> str:
    """Name the user this process runs as, and whose hand it was when by sudo."""
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = f"uid {os.getuid()}"
    by = os.environ.get("SUDO_USER")
    return f"{name} (sudo by {by})" if by and by != name else name
