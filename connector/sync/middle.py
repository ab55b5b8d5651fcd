"""The middle of the loop, from resolve to plan: one worker at a time, whoever read the CRMs.

On SQLite a run holds it from beginning to end. On PostgreSQL each connection has a lease of its
own, so that workers read and write different CRMs side by side, and take turns in the middle.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

from connector.domain.moment import SECOND
from connector.errors import BusyError, LeaseHeldError
from connector.store.database import Check, Store
from connector.store.running import leases
from connector.store.running.leases import Lease

NAME = "run"
PATIENCE_S = 1800.0
RENEW_S = leases.TTL / SECOND / 3


class Hold:
    """The right to read and write one connection. `lease` is given when it is held for good."""

    def __init__(
        self, store: Store, connection: str, holder: str, lease: Lease | None = None
    ) -> None:
        self._store = store
        self._name = f"connection:{connection}"
        self._holder = holder
        self._own = lease is None
        self._lease = lease
        self.taken_by = ""
        """Who has it, when we asked for it in vain."""

    @property
    def lease(self) -> Lease | None:
        """What we hold now."""
        return self._lease

    @property
    def fence(self) -> int:
        """The number of our turn; 0 when it is not ours."""
        return self._lease.fence if self._lease is not None else 0

    def take(self) -> bool:
        """Take the connection if it is free; gives whether it is ours now."""
        if self._lease is None:
            try:
                self._lease = leases.acquire(self._store, self._name, self._holder)
            except LeaseHeldError as error:
                self.taken_by = error.holder
                return False
        return True

    def check(self, tx: Connection) -> None:
        """Make sure, inside a transaction, that it is still ours. Raises BusyError."""
        if self._lease is None:
            raise BusyError(f"the lease `{self._name}` is not ours", hint="See leadloop status")
        self._lease.check(tx)

    def release(self) -> None:
        """Let others have it."""
        if self._own and self._lease is not None:
            lease, self._lease = self._lease, None
            lease.release(self._store)


class Middle:
    """The right to work on people. `lease` is given when it is held for good.

    While it waits for its turn it renews `holds`, the connections the run has taken before.
    """

    def __init__(
        self,
        store: Store,
        holder: str,
        lease: Lease | None = None,
        *,
        holds: Iterable[Hold] = (),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._holds = tuple(holds)
        self._store = store
        self._holder = holder
        self._lease = lease
        self._sleep = sleep

    @property
    def lease(self) -> Lease | None:
        """What we hold now."""
        return self._lease

    @contextmanager
    def held(self) -> Iterator[None]:
        """Wait for our turn and keep it; raises BusyError after half an hour."""
        if self._lease is not None:
            yield
            return
        self._lease = self._wait()
        try:
            yield
        finally:
            lease, self._lease = self._lease, None
            lease.release(self._store)

    def check(self, tx: Connection) -> None:
        """Make sure, inside a transaction, that it is still our turn. Raises BusyError."""
        if self._lease is None:
            raise BusyError("people are worked on by another run", hint="See leadloop status")
        self._lease.check(tx)

    def _wait(self) -> Lease:
        waited, pause, renewed = 0.0, 0.05, 0.0
        while True:
            try:
                return leases.acquire(self._store, NAME, self._holder)
            except BusyError:
                if waited >= PATIENCE_S:
                    raise
            self._sleep(pause)
            waited += pause
            if waited - renewed >= RENEW_S:
                self._renew()
                renewed = waited
            pause = min(2.0, pause * 1.5)

    def _renew(self) -> None:
        with self._store.write() as tx:
            for hold in self._holds:
                if hold.lease is not None:
                    hold.check(tx)


def held_ones(middle: Middle, holds: Iterable[Hold]) -> Check:
    """Give the check of a run's every write: whatever it holds by then must still be its own."""
    places: tuple[Middle | Hold, ...] = (middle, *holds)

    def check(tx: Connection) -> None:
        for lease in {id(one.lease): one.lease for one in places if one.lease}.values():
            lease.check(tx)

    return check
