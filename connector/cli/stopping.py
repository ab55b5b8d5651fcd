"""Ending a run in good order when the system asks: the step in hand is finished and saved."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from connector.errors import StoppedError


class Stop:
    """Notes that the end was asked for; `check` raises at the next safe place."""

    def __init__(self) -> None:
        self._asked = False

    def ask(self, _signal: int, _frame: FrameType | None) -> None:
        """Be asked, by a signal."""
        self._asked = True

    def check(self) -> None:
        """Raise StoppedError when the end was asked for."""
        if self._asked:
            raise StoppedError(
                "stopped on request; everything done so far is saved",
                hint="Run again: it goes on where it stopped",
            )


@contextmanager
def stopping() -> Iterator[Stop]:
    """Listen for SIGTERM while a run lasts."""
    stop = Stop()
    before = signal.signal(signal.SIGTERM, stop.ask)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGTERM, before)
