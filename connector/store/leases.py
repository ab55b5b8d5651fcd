"""One runner at a time: a lease with a fencing token, and the system's own lock beside it."""

from __future__ import annotations

import fcntl
import os
import time
from typing import IO

from sqlalchemy import Connection, select, text, update
from sqlalchemy import insert as sql_insert

from connector.domain.moment import SECOND, Micros, format_iso
from connector.errors import BusyError
from connector.store.database import Store
from connector.store.schema import lease as table

TTL: Micros = 900 * SECOND


class Lease:
    """The right to run, until released or taken over. `fence` grows with each holder."""

    def __init__(self, name: str, holder: str, fence: int, lock: IO[str] | None) -> None:
        self.name = name
        self.holder = holder
        self.fence = fence
        self._lock = lock

    def check(self, tx: Connection) -> None:
        """Make sure, inside the caller's transaction, that nobody took over; renews the lease.

        Raises BusyError when somebody did: then nothing of this transaction may be kept.
        """
        done = tx.execute(
            update(table)
            .where(
                table.c.name == self.name,
                table.c.fence == self.fence,
                table.c.holder == self.holder,
            )
            .values(expires_at=_clock() + TTL)
        )
        if done.rowcount != 1:
            raise BusyError(
                f"another run took over the lease `{self.name}`",
                hint="Let that run end; this one has stopped without writing",
            )

    def release(self, store: Store) -> None:
        """Give the lease back; a lease somebody took over is left alone."""
        with store.write() as tx:
            tx.execute(
                update(table)
                .where(table.c.name == self.name, table.c.fence == self.fence)
                .values(expires_at=0)
            )
        if self._lock is not None:
            self._lock.close()


def acquire(store: Store, name: str, holder: str) -> Lease:
    """Take the lease. Raises BusyError that says who holds it and until when.

    The clock here is the machine's, for expiry only; nothing about leads depends on it.
    """
    lock = _file_lock(store, name)
    try:
        with store.write() as tx:
            if store.dialect == "postgresql":
                tx.execute(text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": name})
            row = tx.execute(select(table).where(table.c.name == name)).one_or_none()
            if row is not None and row.expires_at > _clock() and lock is None:
                raise BusyError(
                    f"run {row.holder} holds the lease `{name}` until {format_iso(row.expires_at)}",
                    hint="Wait for it, or see leadloop status",
                )
            fence = (row.fence if row is not None else 0) + 1
            values = {"holder": holder, "fence": fence, "expires_at": _clock() + TTL}
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
    return frozenset(
        tx.execute(select(table.c.holder).where(table.c.expires_at > _clock())).scalars()
    )


def _file_lock(store: Store, name: str) -> IO[str] | None:
    """Lock a file beside a SQLite store: it frees itself when the process dies.

    So a row whose process was killed never blocks the next run there.
    """
    if store.path is None:
        return None
    beside = store.path.with_name(f"{store.path.name}.{name}.lock")
    lock = beside.open("w", encoding="utf-8")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise BusyError(
            f"another process is running on this store (lease `{name}`)",
            hint="Wait for it to end, or see leadloop status",
        ) from None
    lock.write(f"{os.getpid()}\n")
    lock.flush()
    return lock


def _clock() -> Micros:
    return time.time_ns() // 1000
