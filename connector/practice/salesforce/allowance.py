"""How much an org lets be called: so many calls in 24 hours, so many long ones at once.

Source: Salesforce Developer Limits Quick Reference, "API Request Limits and Allocations". Both
limits are told with one code, REQUEST_LIMIT_EXCEEDED; only the words differ, and those of the
second are unconfirmed. The day is a rolling one. Calls that last less than 20 seconds do not count
as long.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from connector.domain.moment import DAY, HOUR, SECOND, Micros
from connector.practice.salesforce.errors import ApiError

_DAILY = "TotalRequests Limit exceeded."
_AT_ONCE = "ConcurrentRequests (Concurrent API Requests) Limit exceeded."


@dataclass
class Allowance:
    """Calls counted by the hour, and calls of others that are still running."""

    most: int = 100_000
    at_once: int = 25
    app: tuple[str, int] | None = None
    """An app with a share of its own: its name and how many calls it may make."""
    told: bool = True
    """Whether the resource of limits may be asked; most users may not."""
    _hours: deque[list[int]] = field(default_factory=deque)
    _running: list[Micros] = field(default_factory=list)

    def count(self, now: Micros) -> None:
        """Count a call. Raises ApiError for one too many, which is not done and not counted."""
        self._running = [until for until in self._running if until > now]
        if len(self._running) >= self.at_once:
            raise ApiError(403, "REQUEST_LIMIT_EXCEEDED", _AT_ONCE)
        used = self.used(now)
        if used >= self.most:
            raise ApiError(403, "REQUEST_LIMIT_EXCEEDED", _DAILY)
        self._add(now, 1)

    def used(self, now: Micros) -> int:
        """How many calls the last 24 hours saw."""
        while self._hours and self._hours[0][0] <= (now - DAY) // HOUR:
            self._hours.popleft()
        return sum(count for _, count in self._hours)

    def set_used(self, now: Micros, used: int) -> None:
        """Let the last 24 hours have seen so many calls, all of them now."""
        self._hours.clear()
        self._add(now, used)

    def run(self, now: Micros, count: int, seconds: float) -> None:
        """Let others have so many long calls running for so long."""
        self._running += [now + int(seconds * SECOND)] * count

    def header(self, now: Micros) -> str:
        """What every answer says of it."""
        used = self.used(now)
        text = f"api-usage={used}/{self.most}"
        if self.app is None:
            return text
        name, most = self.app
        return f"{text}; per-app-api-usage={used}/{most}(appName={name})"

    def _add(self, now: Micros, count: int) -> None:
        hour = now // HOUR
        if self._hours and self._hours[-1][0] == hour:
            self._hours[-1][1] += count
        else:
            self._hours.append([hour, count])
