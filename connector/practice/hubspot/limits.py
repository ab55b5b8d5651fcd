"""HubSpot's rate limits: so many calls in ten seconds, so many searches in one, so many a day.

Source: developers.hubspot.com, "API usage guidelines". Search answers carry no rate headers.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from connector.domain.moment import SECOND, Micros
from connector.practice.hubspot.errors import HubError


class Limits:
    """Counts calls on the machine's clock; None switches a limit off."""

    def __init__(self, machine: Callable[[], Micros]) -> None:
        self._machine = machine
        self.burst: int | None = 190
        self.search: int | None = 5
        self.daily: int | None = 625_000
        self.used = 0
        self.tells_retry_after = False
        self._calls: deque[Micros] = deque()
        self._searches: deque[Micros] = deque()

    def count(self, *, search: bool) -> dict[str, str]:
        """Count one call; gives the rate headers of its answer. Raises HubError 429."""
        now = self._machine()
        self.used += 1
        if self.daily is not None and self.used > self.daily:
            raise self._over("DAILY", "daily limit")
        if search:
            self._take(self._searches, self.search, SECOND, now, "SECONDLY", "secondly limit")
            return {}
        self._take(
            self._calls, self.burst, 10 * SECOND, now,
            "TEN_SECONDLY_ROLLING", "ten_secondly_rolling limit",
        )  # fmt: skip
        left = (self.burst or 0) - len(self._calls)
        return {
            "X-HubSpot-RateLimit-Max": str(self.burst or 0),
            "X-HubSpot-RateLimit-Remaining": str(max(0, left)),
            "X-HubSpot-RateLimit-Interval-Milliseconds": "10000",
            "X-HubSpot-RateLimit-Daily": str(self.daily or 0),
            "X-HubSpot-RateLimit-Daily-Remaining": str(max(0, (self.daily or 0) - self.used)),
        }

    def _take(
        self, calls: deque[Micros], most: int | None, span: Micros, now: Micros, policy: str,
        word: str,
    ) -> None:  # fmt: skip
        while calls and calls[0] <= now - span:
            calls.popleft()
        if most is not None and len(calls) >= most:
            raise self._over(policy, word)
        calls.append(now)

    def _over(self, policy: str, word: str) -> HubError:
        more: dict[str, Any] = {"retryAfter": "1"} if self.tells_retry_after else {}
        return HubError(
            429, None, f"You have reached your {word}.", errorType="RATE_LIMIT",
            policyName=policy, **more,
        )  # fmt: skip
