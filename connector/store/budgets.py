"""The budget of a connection, kept in the store so that all its processes share it.

The day's allowance is what the CRM's own headers say; a part of it is left to people, and each
purpose may use only so much of the rest, so that a backfill never takes what a write-back needs.
Short limits are so many calls in any such span; it doubles when the CRM says "too many", and
shrinks again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import orjson
from sqlalchemy import Connection, select

from connector.domain.moment import DAY, SECOND, Micros
from connector.errors import QuotaError
from connector.store.database import Store, shared_clock
from connector.store.schema_sync import allowance, pace
from connector.store.upsert import upsert

SHARES = {"write": 1.0, "increment": 0.95, "reconcile": 0.85, "backfill": 0.75}
"""How much of what people leave us each purpose may use up."""
LOOK_EVERY = 20
"""Calls between two looks at what other processes have used."""
_SLOWEST = 64.0
"""No pace is slowed down further than so many times."""
_RECOVERY = 0.9
"""What a quiet answer leaves of a slow-down."""


class Paced(Protocol):
    """A limit of the vendor's beside its allowance."""

    @property
    def name(self) -> str: ...
    @property
    def ends(self) -> str: ...
    @property
    def most(self) -> int: ...
    @property
    def span(self) -> float: ...


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
    ) -> None:
        self.purpose = "increment"
        self.paces: Sequence[Paced] = ()
        self.calls: dict[str, int] = {}
        self._store = store
        self._connection = connection
        self._reserve = reserve
        self._clock = clock
        self._sleep = sleep
        self._ticks = ticks
        self._day: _Day | None = None
        self._kept = 0
        self._mine = 0
        self._looked = LOOK_EVERY
        self._last: Paced | None = None

    def take(self, path: str) -> None:
        """Make room for one call. Raises QuotaError when this purpose has used up its share."""
        self._looked += 1
        if self._looked > LOOK_EVERY:
            self._look()
        day = self._day
        if day is not None and self._clock() < day.resets_at:
            usable = day.limit * (1 - self._reserve) * SHARES[self.purpose]
            if day.used + self._mine >= usable:
                raise QuotaError(
                    f"{day.used + self._mine} of {day.limit} calls of the day are used; the rest "
                    f"is left to people and to what is more urgent than {self.purpose}",
                    hint="It goes on by itself when the day is over; or lower api.reserve",
                )
        self._mine += 1
        self.calls[self.purpose] = self.calls.get(self.purpose, 0) + 1
        self._last = next((p for p in self.paces if path.endswith(p.ends)), None)
        if self._last is not None:
            self._wait_for(self._last)

    def heard(self, status: int, allowances: Sequence[Heard]) -> None:
        """Take in what an answer said of our allowance; 429 slows the calls of that kind down."""
        for one in allowances:
            if one.name == "day":
                self._hear_day(one, self._clock())
        if self._last is not None and status:
            self._adapt(self._last, slower=status == 429)

    def _hear_day(self, one: Heard, now: Micros) -> None:
        known = self._day
        if one.resets_in is not None:
            resets = now + round(one.resets_in * SECOND)
        elif known is not None and known.used <= one.used and now < known.resets_at:
            resets = known.resets_at
        else:
            resets = now + DAY
        self._day, self._mine = _Day(one.limit, one.used, resets), 0
        if known is None or abs(one.used - self._kept) >= LOOK_EVERY:
            self._kept = one.used
            self._keep(now)

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
            self._day, self._mine = _Day(row.limit, row.used, row.resets_at), 0

    def _keep(self, now: Micros) -> None:
        assert self._day is not None  # noqa: S101  set just before
        with self._store.write() as tx:
            upsert(
                tx,
                allowance,
                [
                    {
                        "connection": self._connection,
                        "name": "day",
                        **self._day._asdict(),
                        "seen_at": now,
                    }
                ],
            )

    # --- paces -----------------------------------------------------------------------------------

    def _wait_for(self, one: Paced) -> None:
        """Note a call as sent; where that would be one too many, wait first."""
        while True:
            with self._store.write() as tx:
                now = self._ticks(tx)  # once it is our turn, or a turn already taken comes again
                sent, slower = self._known(tx, one)
                sent = [at for at in sent if at <= now]  # of a clock that was set back
                full = len(sent) >= one.most
                free_at = sent[-one.most] + round(one.span * slower * SECOND) if full else now
                if free_at <= now:
                    self._set(tx, one, [*sent, now][-one.most :], slower)
                    return
            self._sleep((free_at - now) / SECOND)

    def _adapt(self, one: Paced, *, slower: bool) -> None:
        with self._store.read() as tx:
            _, known = self._known(tx, one)
        if not slower and known == 1:
            return
        with self._store.write() as tx:
            sent, known = self._known(tx, one)
            wanted = min(_SLOWEST, known * 2) if slower else max(1.0, known * _RECOVERY)
            self._set(tx, one, sent, wanted)

    def _known(self, tx: Connection, one: Paced) -> tuple[list[Micros], float]:
        row = tx.execute(
            select(pace.c.sent, pace.c.slower)
            .where(pace.c.connection == self._connection, pace.c.name == one.name)
            .with_for_update()
        ).one_or_none()
        return (orjson.loads(row.sent), row.slower) if row is not None else ([], 1.0)

    def _set(self, tx: Connection, one: Paced, sent: Sequence[Micros], slower: float) -> None:
        named = {"connection": self._connection, "name": one.name}
        upsert(tx, pace, [{**named, "sent": orjson.dumps(sent).decode(), "slower": slower}])
