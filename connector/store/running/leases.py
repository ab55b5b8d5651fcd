"""One runner at a time: a lease with a fencing token, and the system's own lock beside it.

The row is the authority: who holds it, since which fence, until when. On SQLite a lock on a file
beside the database says more: it is free as soon as its process is dead, so the next run need not
wait for the row to expire. A holder that stands still (a stopped process, a sleeping machine) for
longer than its lease may be taken over from; whatever it then tries to write is refused.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO

from sqlalchemy import Connection, bindparam, select, text, update
from sqlalchemy import insert as sql_insert

from connector.domain.moment import SECOND, Micros, format_iso
from connector.errors import LeaseHeldError, LeaseLostError
from connector.store.database import Store, shared_clock
from connector.store.schema import lease as table

TTL: Micros = 900 * SECOND
"""How long a lease lasts after the holder's last write; every write renews it."""
_RENEW = (
    update(table)
    .where(
        table.c.name == bindparam("of"),
        table.c.fence == bindparam("since"),
        table.c.holder == bindparam("by"),
    )
    .values(expires_at=bindparam("until"))
)


class Lease:
    """The right to run, until released or taken over. `fence` grows with each holder."""

    def __init__(self, name: str, holder: str, fence: int, lock: IO[str] | None) -> None:
        self.name = name
        self.holder = holder
        self.fence = fence
        self._lock = lock

    def check(self, tx: Connection) -> None:
        """Make sure, inside the caller's transaction, that nobody took over; renews the lease.

        Until that transaction ends nobody can take over either, for it holds the lease's row.
        Raises LeaseLostError: then nothing of this transaction may be kept.
        """
        ours = {"of": self.name, "since": self.fence, "by": self.holder}
        done = tx.execute(_RENEW, {**ours, "until": shared_clock(tx) + TTL})
        if done.rowcount != 1:
            raise LeaseLostError(
                f"another run took over the lease `{self.name}` while {self.holder} stood still",
                hint="Let that run end; this one has stopped without writing",
            )

    def release(self, store: Store) -> None:
        """Give the lease back; a lease somebody took over is left alone."""
        try:
            with store.write() as tx:
                tx.execute(
                    update(table)
                    .where(table.c.name == self.name, table.c.fence == self.fence)
                    .values(expires_at=0)
                )
        finally:
            if self._lock is not None:
                self._lock.close()


def acquire(store: Store, name: str, holder: str) -> Lease:
    """Take the lease `name`. Raises LeaseHeldError that says who holds it and until when.

    The clock here is the machine's, or the server's on PostgreSQL, and for expiry only; nothing
    about leads depends on it.
    """
    lock: IO[str] | None = None
    try:
        with store.write() as tx:
            if store.dialect == "postgresql":
                tx.execute(text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": name})
            row = tx.execute(select(table).where(table.c.name == name)).one_or_none()
            expires = row.expires_at if row is not None else 0
            expired = expires <= shared_clock(tx)
            if store.path is not None:
                lock = _lock(_beside(store.path, name), take_over=expired)
            if lock is None and not (expired and store.path is None):
                raise LeaseHeldError(
                    f"run {row.holder if row is not None else '?'} holds the lease `{name}` "
                    f"until {format_iso(expires // SECOND * SECOND)} at least",
                    holder=row.holder if row is not None else "",
                    hint="Wait for it to end, or see leadloop status",
                )
            fence = (row.fence if row is not None else 0) + 1
            values = {"holder": holder, "fence": fence, "expires_at": shared_clock(tx) + TTL}
            if row is None:
                tx.execute(sql_insert(table).values(name=name, **values))
            else:
                tx.execute(update(table).where(table.c.name == name).values(**values))
    except BaseException:
        if lock is not None:
            lock.close()
        raise
    return Lease(name, holder, fence, lock)


def holders(tx: Connection) -> frozenset[str]:
    """Give whoever holds a lease now."""
    query = select(table.c.holder).where(table.c.expires_at > shared_clock(tx))
    return frozenset(tx.execute(query).scalars())


def _beside(path: Path, name: str) -> Path:
    return path.with_name(f"{path.name}.{name}.lock")


def _lock(path: Path, *, take_over: bool) -> IO[str] | None:
    """Lock a file; None while another process has it.

    With `take_over` a new file takes the place of one that is held: its holder keeps a lock that
    nobody asks for any more. The caller's transaction lets one process at a time come here.
    """
    held = _try_lock(path)
    if held is None and take_over:
        path.unlink(missing_ok=True)
        held = _try_lock(path)
    if held is not None:
        held.truncate(0)
        held.write(f"{os.getpid()}\n")
        held.flush()
    return held


def _try_lock(path: Path) -> IO[str] | None:
    file = path.open("a", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file
