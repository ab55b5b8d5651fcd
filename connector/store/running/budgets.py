"""The budget of a connection, kept in the store so that all its processes share it.

The day's allowance is what the CRM's own headers say; a part of it is left to people, and each
purpose may use only so much of the rest, so that a backfill never takes what a write-back needs.
Short limits are paces (`store/running/paces`). Any number of threads may ask.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple, Protocol

from sqlalchemy import Connection, select

from connector.domain.moment import DAY, HOUR, SECOND, Micros
from connector.errors import QuotaError
from connector.store.database import Store, shared_clock
from connector.store.running.paces import Paced, Turns
from connector.store.schema_sync import allowance
from connector.store.statements.upsert import upsert

SHARES = {"write": 1.0, "increment": 0.95, "reconcile": 0.85, "backfill": 0.75}
"""How much of what people leave us each purpose may use up."""
LOOK_EVERY = 20
"""Calls between two looks at what other processes have used."""
_ASK_AFTER = HOUR
"""A day ends at the CRM's midnight, which few of them tell: so long after we were told that it is
used up, one call asks again."""
_CROSSED = 50
"""So many calls an answer may be behind another; one that is further behind tells of a new day."""


class Heard(Protocol):
    """What headers said: `used` of `limit`; `resets_in` seconds."""

    @property
    def name(self) -> str: ...
    @property
    def limit(self) -> int: ...
    @property
    def used(self) -> int: ...
    @property
    def resets_in(self) -> float | None: ...


class _Day(NamedTuple):
    limit: int
    used: int
    resets_at: Micros
    seen_at: Micros


class StoreBudget:
    """One connection's budget. `clock` tells when a day is over; `ticks` and `sleep` pace the
    calls, and go by the time that all processes share.
    """

    def __init__(
        self,
        store: Store,
        connection: str,
        *,
        reserve: float,
        clock: Callable[[], Micros],
        sleep: Callable[[float], None] = time.sleep,
        ticks: Callable[[Connection], Micros] = shared_clock,
        local: Callable[[], Micros] = lambda: time.monotonic_ns() // 1000,
    ) -> None:
        self.purpose = "increment"
        self.calls: dict[str, int] = {}
        self._turns: list[tuple[re.Pattern[str], Turns]] = []
        self._timed = partial(Turns, store, connection, sleep=sleep, ticks=ticks, local=local)
        self._own = threading.local()
        self._lock = threading.RLock()
        self._store = store
        self._connection = connection
        self._reserve = reserve
        self._clock = clock
        self._local = local
        self._day: _Day | None = None
        self._kept = 0
        self._mine = 0
        self._looked = LOOK_EVERY

    def keep(self, paces: Sequence[Paced]) -> None:
        """Keep to these paces; of several the first that a call's path fits counts."""
        self._turns = [(re.compile(one.path), self._timed(one)) for one in paces]

    def take(self, path: str) -> None:
        """Make room for one call. Raises QuotaError when this purpose has used up its share."""
        with self._lock:
            self._take_of_day()
        turns = next((turns for fits, turns in self._turns if fits.search(path)), None)
        self._own.turns = turns
        if turns is not None:
            turns.wait()
            self._own.left_at = self._local()

    def heard(self, status: int, allowances: Sequence[Heard]) -> None:
        """Take in what an answer said of our allowance, for all calls or those of its kind."""
        window = None
        for one in allowances:
            if one.name == "day":
                self._hear_day(one, self._clock())
            elif one.name == "window":
                window = one
        turns: Turns | None = getattr(self._own, "turns", None)
        if turns is not None and status:
            limit, used = (window.limit, window.used) if window else (0, 0)
            turns.hear(status, limit, used, self._local() - self._own.left_at)

    def _take_of_day(self) -> None:
        self._looked += 1
        if self._looked > LOOK_EVERY:
            self._look()
        day = self._day
        if day is not None and self._clock() < day.resets_at:
            usable = day.limit * (1 - self._reserve) * SHARES[self.purpose]
            asks = self._clock() - day.seen_at >= _ASK_AFTER and self._mine == 0
            if day.used + self._mine >= usable and not asks:
                raise QuotaError(
                    f"{day.used + self._mine} of {day.limit} calls of the day are used; the rest "
                    f"is left to people and to what is more urgent than {self.purpose}",
                    hint="It goes on by itself when the day is over; or lower api.reserve",
                )
        self._mine += 1
        self.calls[self.purpose] = self.calls.get(self.purpose, 0) + 1

    def _hear_day(self, one: Heard, now: Micros) -> None:
        with self._lock:
            day = self._told(self._day, one, now)
            known = self._day
            keep = (
                known is None
                or abs(day.used - self._kept) >= LOOK_EVERY
                or now - known.seen_at >= _ASK_AFTER
            )
            self._day, self._mine = day, 0
            if keep:
                self._kept = day.used
        if keep:
            self._keep(day)  # no other thread waits while the store is written to

    @staticmethod
    def _told(known: _Day | None, one: Heard, now: Micros) -> _Day:
        if one.resets_in is not None:
            return _Day(one.limit, one.used, now + round(one.resets_in * SECOND), now)
        if known is None or now >= known.resets_at:
            return _Day(one.limit, one.used, now + DAY, now)
        if one.used >= known.used - _CROSSED:  # answers cross each other on their way
            return _Day(one.limit, max(one.used, known.used), known.resets_at, now)
        return _Day(one.limit, one.used, now + DAY, now)

    def _look(self) -> None:
        """See what other processes have heard."""
        self._looked = 0
        with self._store.read() as tx:
            row = tx.execute(
                select(allowance).where(
                    allowance.c.connection == self._connection, allowance.c.name == "day"
                )
            ).one_or_none()
        mine = self._day
        if row is not None and (
            mine is None or row.used > mine.used + self._mine or row.resets_at > mine.resets_at
        ):
            self._day, self._mine = _Day(row.limit, row.used, row.resets_at, row.seen_at), 0

    def _keep(self, day: _Day) -> None:
        with self._store.write() as tx:
            upsert(
                tx,
                allowance,
                [
                    {
                        "connection": self._connection,
                        "name": "day",
                        **day._asdict(),
                    }
                ],
            )
