"""Turns: when a call of a kind may leave, so that all processes at the store keep to one pace.

Calls leave evenly; who is alone at a short limit may use it up at once, and then waits for its span
to pass, and who is alone at one that headers tell may make up for turns it let pass, as while it
waited for an answer. No span ever holds more than the limit. A process takes some turns ahead in
one transaction, few at first and more while it uses them up, so that neither a long transaction of
its own nor the others keep it from the next one. The pace slackens when the CRM says "too many", or
when its headers show that somebody else uses the allowance up too, and quickens again while all is
quiet.
"""

from __future__ import annotations

import threading
import time
from bisect import insort
from collections import deque
from collections.abc import Callable
from typing import NamedTuple, Protocol

from sqlalchemy import Connection, select

from connector.domain.moment import SECOND, Micros
from connector.store.database import Store, shared_clock
from connector.store.schema_sync import pace
from connector.store.statements.upsert import upsert

SHARE, TOLD_SHARE = 0.97, 0.98
"""How much of a limit we use: what leaves evenly may arrive closer together. Where headers tell
how much is left, the span is long and we hear of it in time."""
_LATE = 0.015
"""A call that leaves later than this part of the span moves those after it."""
_NOTED = 2_000
"""Microseconds a call of who is alone may leave late without a note of it: what left later leaves
the span later too, and a busy machine sends many a little late."""
_AHEAD = 0.75
"""Seconds of turns a busy process takes at once, at most."""
_HANDFUL, _FEW = 0.05, 50
"""Seconds of turns anybody takes at once, and how many at most: of a wide limit one turn is not
worth a commit, and turns that nobody uses cost memory and time."""
_HURRY = 1.6
"""How much faster than evenly calls leave while turns that passed are made up for."""
_SLOWEST = 64.0
"""No pace is slowed down further than so many times."""
_FORGETS = 1_000
"""Microseconds by which the quickest answer is forgotten with each other one."""
_REFUSED, _RECOVERY = 2.0, 0.9
"""What a refusal makes of a pace without headers, and what a quiet answer leaves of that."""
_SCARCE, _YIELD, _REGAIN = 0.015, 1.25, 0.02
"""Of a pace that headers tell: which share of the allowance left is scarce, for alone we leave
more; how it yields then, and regains."""
_UNEVEN = 0.1
"""How much of the span we take an answer's delay for a delay on the way there, at most; a refusal
doubles it, up to half of the span. How long the CRM works on a call is not told apart from it."""
_PAUSE = 0.1
"""How much of the span nothing leaves once nothing is left: what was sent evenly comes free so."""


class Paced(Protocol):
    """A limit of the vendor's beside its allowance."""

    @property
    def name(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def most(self) -> int: ...
    @property
    def told(self) -> bool: ...
    @property
    def span(self) -> float: ...


class _Known(NamedTuple):
    free_at: Micros
    most: int
    slower: float


class Turns:
    """The turns of one pace of one connection; any number of threads may wait for theirs.

    `ticks` is the time all processes go by, `local` a clock of this one that only goes forward.
    """

    def __init__(
        self,
        store: Store,
        connection: str,
        one: Paced,
        *,
        sleep: Callable[[float], None] = time.sleep,
        ticks: Callable[[Connection], Micros] = shared_clock,
        local: Callable[[], Micros] = lambda: time.monotonic_ns() // 1000,
    ) -> None:
        self._store = store
        self._named = {"connection": connection, "name": one.name}
        self._pace = one
        self._sleep = sleep
        self._ticks = ticks
        self._local = local
        self._taken: deque[Micros] = deque()
        self._lock = threading.Lock()
        self._taking = threading.Lock()
        self._size = 1
        self._last: Micros | None = None
        self._mine: deque[Micros] = deque(maxlen=None if one.told else one.most)
        self._even: Micros = 0
        self._saved: Micros | None = None
        self._alone = False
        self._others_at: Micros = 0
        self._cost: Micros = 0
        self._known = _Known(0, one.most, 1.0)
        self._heard_at: Micros | None = None
        self._late = round(_LATE * one.span * SECOND)
        self._share = TOLD_SHARE if one.told else SHARE
        self._uneven = _UNEVEN
        self._quickest: Micros | None = None
        self._pushed: deque[tuple[Micros, Micros]] = deque()

    def wait(self) -> None:
        """Return when the next call may leave."""
        turn = self._taken_before()
        if turn is None:
            turn = self._fresh()
        pause = turn - self._local()
        if pause > 0:
            self._sleep(pause / SECOND)
        missed = self._local() - turn
        if self._alone and self._pace.told:
            if missed > _NOTED:
                self._left_late(turn, missed)
        elif missed > self._late:
            self._push(missed)

    def hear(self, status: int, limit: int = 0, used: int = 0, took: Micros = 0) -> None:
        """Take in an answer, and what its headers say of this pace; `limit` 0 where they do not.

        `took` is how long the answer was on its way.
        """
        if self._pace.told:
            self._hear_told(status, limit, limit - used)
            return
        if took:
            self._hear_late(took)
        if status == 429:
            self._uneven = min(0.5, self._uneven * 2)
            self._change(self._refused)
        elif status and self._known.slower > 1:
            self._change(lambda k, _: k._replace(slower=max(1.0, k.slower * _RECOVERY)))

    def _refused(self, known: _Known, now: Micros) -> _Known:
        known = known._replace(slower=min(_SLOWEST, known.slower * _REFUSED))
        return known._replace(free_at=max(known.free_at, now + round(self._gap(known))))

    def _hear_told(self, status: int, limit: int, left: int) -> None:
        if limit <= 0:
            return
        if limit != self._known.most:
            self._change(lambda k, _: k._replace(most=limit))
        now, scarce = self._local(), status == 429 or left < limit * _SCARCE
        if left <= 0:
            with self._lock:
                given_back = len(self._taken)
                self._taken.clear()
            pause = round(_PAUSE * self._pace.span * SECOND)
            self._change(
                lambda k, at: k._replace(
                    free_at=max(k.free_at - given_back * round(self._gap(k)), at + pause)
                )
            )
        lately = self._heard_at is not None and now - self._heard_at < SECOND
        if lately or not (scarce or self._known.slower > 1):
            return
        self._heard_at = now
        self._change(lambda k, _: k._replace(slower=_yielded(k.slower) if scarce else _regained(k)))

    def _hear_late(self, took: Micros) -> None:
        """Move the coming calls where one may have come so late that the sixth comes too close.

        Within a span they are moved once, by the latest.
        """
        known = self._quickest
        self._quickest = took if known is None else min(took, known + _FORGETS)
        span, now = round(self._pace.span * SECOND), self._local()
        late = min(took - self._quickest, round(self._uneven * span)) - round(
            (1 - self._share) * span
        )
        with self._lock:
            while self._pushed and self._pushed[0][0] < now - span:
                self._pushed.popleft()
            late -= sum(by for _, by in self._pushed)
            if late > self._late:
                self._pushed.append((now, late))
        if late > self._late:
            self._push(late)

    def _push(self, by: Micros) -> None:
        """Let the coming calls leave so much later, whoever sends them."""
        self._change(lambda known, now: known._replace(free_at=max(known.free_at, now) + by))
        with self._lock:
            self._taken = deque(one + by for one in self._taken)

    # --- turns -----------------------------------------------------------------------------------

    def _taken_before(self) -> Micros | None:
        """A turn that was taken ahead and is not over; where few are left more are taken first."""
        if (
            len(self._taken) <= self._size // 2
            and self._taken
            and self._taking.acquire(blocking=False)
        ):
            try:
                self._take()
            finally:
                self._taking.release()
        with self._lock:
            while self._taken:
                turn = self._taken.popleft()
                if turn >= self._local() - self._late:
                    return turn
                if self._alone and turn in self._mine:  # it passed, and nothing left
                    self._mine.remove(turn)
                    self._even -= round(self._gap(self._known))
        return None

    def _fresh(self) -> Micros:
        """A turn taken now, unless another thread has taken some meanwhile."""
        with self._taking:
            turn = self._taken_before()
            if turn is None:
                self._take()
                with self._lock:
                    turn = self._taken.popleft()
            return turn

    def _take(self) -> None:
        begun = self._local()
        with self._store.write() as tx:
            now, here = self._ticks(tx), self._local()
            known = self._load(tx)
            gap = round(self._gap(known))
            busy = self._last is not None and here < self._last  # others of us wait for theirs
            most = max(1, round(_AHEAD * SECOND / gap))
            size = min(most, self._size * 2) if busy else _handful(gap)
            far = now + round(_SLOWEST * self._pace.span * SECOND)  # of a clock that was set back
            free = max(now + self._cost, known.free_at if known.free_at < far else 0)
            turns = [here - now + free + n * gap for n in range(size)]
            free += size * gap
            self._alone = self._is_alone(known, now, here)
            if self._pace.told:
                with self._lock:
                    if self._alone:
                        turns = [self._made_up(here + self._cost, gap, known) for _ in turns]
                        free = max(now - here + self._evenly_from(gap, known), now)
                    else:
                        self._mine.extend(turns)
                        self._even = turns[-1]
            elif self._alone:
                turns = [self._at_once(here + self._cost) for _ in turns]
            known = known._replace(free_at=free)
            self._save(tx, known)
        self._known, self._size, self._saved = known, size, known.free_at
        self._last = turns[-1]
        self._cost = min(self._local() - begun, self._late * 10)
        with self._lock:
            self._taken.extend(turns)

    def _is_alone(self, known: _Known, now: Micros, here: Micros) -> bool:
        """Whether every call of the last span was ours: none was made, or none but ours since."""
        span = round(self._pace.span * SECOND)
        if known.free_at <= now - max(span, round(self._gap(known) * self._pace.most)):
            self._mine.clear()
            self._even = self._others_at = here - span
            return True
        if known.free_at == self._saved:
            return self._alone or (self._pace.told and here - self._others_at >= span)
        self._others_at = here
        return False

    def _at_once(self, here: Micros) -> Micros:
        """A turn of who is alone: now, or when the first of as many as may leave is a span ago."""
        if len(self._mine) == self._pace.most:
            here = max(here, self._mine[0] + round(self._gap(self._known) * self._pace.most))
        self._mine.append(here)
        return here

    def _made_up(self, here: Micros, gap: int, known: _Known) -> Micros:
        """A turn of who is alone at a limit that headers tell: the next one of those that leave
        evenly, or soon where that one has passed, as long as the span has room.
        """
        span, most = round(self._pace.span * SECOND), self._most_of(known)
        self._even = max(self._even, here - span) + gap
        at = max(here, self._even)
        if self._mine:
            at = max(at, self._mine[-1] + round(gap / _HURRY))
        if len(self._mine) >= most:
            at = max(at, self._mine[-most] + span)
        self._mine.append(at)
        self._forget(here - span)
        return at

    def _evenly_from(self, gap: int, known: _Known) -> Micros:
        """From when on calls may leave evenly, whoever sends them, so that no span holds one too
        many beside those of ours."""
        span, most = round(self._pace.span * SECOND), self._most_of(known)
        lately = list(self._mine)[-most:]
        free = most - len(lately)
        room = (at + span - (free + n) * gap for n, at in enumerate(lately))
        return max([lately[-1] + gap, *room])

    def _left_late(self, turn: Micros, by: Micros) -> None:
        """Note that a call left later than its turn, and so leaves the span later too."""
        with self._lock:
            if turn in self._mine:
                self._mine.remove(turn)
                insort(self._mine, turn + by)

    def _most_of(self, known: _Known) -> int:
        return max(1, int(known.most * self._share))

    def _gap(self, known: _Known) -> float:
        """Microseconds between two calls."""
        return self._pace.span * SECOND * known.slower / (known.most * self._share)

    # --- what is kept ----------------------------------------------------------------------------

    def _change(self, to: Callable[[_Known, Micros], _Known]) -> None:
        with self._store.write() as tx:
            now = self._ticks(tx)
            known = to(self._load(tx), now)
            self._save(tx, known)
        self._known = known

    def _load(self, tx: Connection) -> _Known:
        row = tx.execute(
            select(pace.c.free_at, pace.c.most, pace.c.slower)
            .where(pace.c.connection == self._named["connection"])
            .where(pace.c.name == self._named["name"])
            .with_for_update()
        ).one_or_none()
        if row is None:
            return _Known(0, self._pace.most, 1.0)
        return _Known(row.free_at, row.most if self._pace.told else self._pace.most, row.slower)

    def _save(self, tx: Connection, known: _Known) -> None:
        upsert(tx, pace, [{**self._named, **known._asdict()}])

    def _forget(self, before: Micros) -> None:
        """Let go of our turns that left the span."""
        while self._mine and self._mine[0] < before:
            self._mine.popleft()


def _yielded(slower: float) -> float:
    return min(_SLOWEST, slower * _YIELD)


def _regained(known: _Known) -> float:
    return 1 / min(1.0, 1 / known.slower + _REGAIN)


def _handful(gap: Micros) -> int:
    return max(1, min(_FEW, round(_HANDFUL * SECOND / gap)))
