"""How fast we may ask, and how much of the day's calls we leave to others.

Source: HubSpot's usage guidelines (2026-11): five searches a second for the whole portal, without
headers; 100 to 190 other calls in ten seconds and a day's allowance, both told by headers.
"""

from __future__ import annotations

from collections.abc import Callable

from connector.adapters.base import Pace
from connector.errors import QuotaError
from connector.transport.http import Answer

Clock = Callable[[], float]
Sleep = Callable[[float], None]


SEARCHES = Pace("search", "/search", most=5, span=1.1)
"""The span is a tenth longer than HubSpot's second: what we send apart may arrive closer. The
allowance is the portal's, so all processes share this pace through the store."""


class Burst:
    """Slows down as the ten-second allowance runs out, which other apps may use up too."""

    def __init__(self, clock: Clock, sleep: Sleep) -> None:
        self._clock = clock
        self._sleep = sleep
        self._not_before = 0.0

    def hear(self, answer: Answer) -> None:
        """Take in what an answer says is left."""
        most = _number(answer, "X-HubSpot-RateLimit-Max")
        left = _number(answer, "X-HubSpot-RateLimit-Remaining")
        if most is None or left is None or left * 10 >= most:
            return
        span = (_number(answer, "X-HubSpot-RateLimit-Interval-Milliseconds") or 10_000) / 1000
        pause = span if left == 0 else span / max(most, 1)
        self._not_before = self._clock() + pause

    def wait(self) -> None:
        """Return when the next call may be sent."""
        if (left := self._not_before - self._clock()) > 0:
            self._sleep(left)


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
