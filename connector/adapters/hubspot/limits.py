"""How fast we may ask, and how much of the day's calls we leave to others.

Source: HubSpot's usage guidelines (2026-11): five searches a second for the whole portal, without
headers; 100 to 190 other calls in ten seconds and a day's allowance, both told by headers.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from connector.adapters.base import Pace
from connector.errors import QuotaError
from connector.transport.http import Answer

_SHARE = 0.97
"""How much of the ten-second allowance we use at most: what leaves evenly may arrive closer."""
_SCARCE = 0.02
"""Below this share of the allowance left somebody else is using it too: alone we leave more."""
_SLOWER, _FASTER, _EVERY = 0.8, 0.02, 1.0
"""We slow down by the one at once and speed up by the other, each at most so often (seconds)."""
_LEAST = 0.05
_PAUSE = 0.1
"""How much of the span we wait once nothing is left: what was sent evenly comes free evenly."""
Clock = Callable[[], float]
Sleep = Callable[[float], None]


SEARCHES = Pace("search", "/search", most=5, span=1.1)
"""The span is a tenth longer than HubSpot's second: what we send apart may arrive closer. The
allowance is the portal's, so all processes share this pace through the store."""


class Burst:
    """Spaces calls evenly at the ten-second allowance, once an answer has told it.

    So many threads as like may ask for their turn; each gets a moment of its own. Where others use
    the allowance up too, what is left falls; then we slow down quickly and speed up slowly, which
    is how several come to share fairly.
    """

    def __init__(self, clock: Clock, sleep: Sleep) -> None:
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._gap = 0.0
        self._share = 0.9  # for what left before the first answer told the allowance
        self._changed = float("-inf")
        self._next = 0.0

    def hear(self, answer: Answer) -> None:
        """Take in what an answer says is left."""
        most = _number(answer, "X-HubSpot-RateLimit-Max")
        left = _number(answer, "X-HubSpot-RateLimit-Remaining")
        if not most or left is None:
            return
        span = (_number(answer, "X-HubSpot-RateLimit-Interval-Milliseconds") or 10_000) / 1000
        with self._lock:
            now = self._clock()
            if now - self._changed >= _EVERY:
                self._changed = now
                scarce = left < most * _SCARCE
                slower, faster = self._share * _SLOWER, self._share + _FASTER
                self._share = max(_LEAST, slower) if scarce else min(1.0, faster)
            self._gap = span / (most * _SHARE * self._share)
            if left == 0:
                self._next = max(self._next, now + span * _PAUSE)

    def wait(self) -> None:
        """Return when the next call may be sent."""
        with self._lock:
            now = self._clock()
            mine = max(now, self._next)
            self._next = mine + self._gap
        if mine > now:
            self._sleep(mine - now)


class Allowance:
    """The day's calls; a share of them is left to the people and apps of the portal."""

    def __init__(self, reserve: float) -> None:
        self._reserve = reserve
        self._low: tuple[int, int] | None = None

    def hear(self, answer: Answer) -> None:
        """Take in what an answer says is left of the day."""
        most = _number(answer, "X-HubSpot-RateLimit-Daily")
        left = _number(answer, "X-HubSpot-RateLimit-Daily-Remaining")
        if most is not None and left is not None:
            self._low = (left, most) if left < self._reserve * most else None

    def check(self) -> None:
        """Raise QuotaError before a call that would eat into the reserve."""
        if self._low is not None:
            left, most = self._low
            raise QuotaError(
                f"HubSpot has {left:,} of {most:,} calls left today, and "
                f"{self._reserve:.0%} are reserved for people",
                hint="Run again after midnight in the portal's time zone, or lower `api.reserve`",
            )


def _number(answer: Answer, name: str) -> int | None:
    text = answer.headers.get(name, "")
    return int(text) if text.isdigit() else None
