"""Ending a run in good order when the system asks: the step in hand is finished and saved.

The first SIGTERM lets the request in flight come back, and its rows be saved: at most GRACE_S, for
a wait the CRM asked for may be longer. Then, or at a second SIGTERM, the run ends where it stands;
its open transaction is rolled back, and what it had sent is read back by the next run.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from connector.errors import StoppedError

GRACE_S = 20.0


class Stop:
    """Notes that the end was asked for; `check` raises at the next safe place."""

    def __init__(self, grace_s: float = GRACE_S) -> None:
        self._grace_s = grace_s
        self._asked = False
        self._over = False

    def ask(self, _signal: int, _frame: FrameType | None) -> None:
        """Be asked, by a signal. The second time the run ends at once."""
        if self._over:
            return
        if self._asked:
            self.end(_signal, _frame)
        self._asked = True
        signal.setitimer(signal.ITIMER_REAL, self._grace_s)

    def end(self, _signal: int, _frame: FrameType | None) -> None:
        """End the run wherever it stands, once: nothing interrupts its clearing up."""
        if not self._over:
            self._over = True
            raise _stopped()

    def check(self) -> None:
        """Raise StoppedError when the end was asked for."""
        if self._asked and not self._over:
            self._over = True
            raise _stopped()


def _stopped() -> StoppedError:
    return StoppedError(
        "stopped on request; everything done so far is saved",
        hint="Run again: it goes on where it stopped",
    )


@contextmanager
def stopping(grace_s: float = GRACE_S) -> Iterator[Stop]:
    """Listen for SIGTERM while a run lasts."""
    stop = Stop(grace_s)
    before = signal.signal(signal.SIGTERM, stop.ask)
    alarm = signal.signal(signal.SIGALRM, stop.end)
    try:
        yield stop
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, alarm)
        signal.signal(signal.SIGTERM, before)
