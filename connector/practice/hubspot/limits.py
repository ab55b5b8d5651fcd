"""HubSpot's rate limits: so many calls in ten seconds, so many searches in one, so many a day.

Search and association batches do not count for the ten seconds, and search answers carry no rate
headers. The day ends at midnight of the portal. Source: developers.hubspot.com, "API usage
guidelines".
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from connector.domain.moment import SECOND, Micros, to_datetime
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
        self.zone = ZoneInfo("Pacific/Auckland")
        self._today: date | None = None
        self._calls: deque[Micros] = deque()
        self._searches: deque[Micros] = deque()

    def count(self, path: str) -> dict[str, str]:
        """Count one call; gives the rate headers of its answer. Raises HubError 429."""
        now = self._machine()
        today = self._local(now).date()
        if today != self._today:
            self._today, self.used = today, 0
        self.used += 1
        if self.daily is not None and self.used > self.daily:
            raise self._over("DAILY", "daily limit")
        if path.endswith("/search"):
            self._take(self._searches, self.search, SECOND, now, "SECONDLY", "secondly limit")
            return {}
        if "/associations/" not in path:
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

    def resets_at(self) -> datetime:
        """When the day ends: midnight in the portal's own time zone."""
        local = self._local(self._machine())
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
        return midnight + timedelta(days=1)

    def _local(self, now: Micros) -> datetime:
        return to_datetime(now).astimezone(self.zone)

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
        seconds = {"SECONDLY": "1", "TEN_SECONDLY_ROLLING": "10"}.get(policy)
        more: dict[str, Any] = {}
        if self.tells_retry_after and seconds:
            more["retryAfter"] = seconds
        return HubError(
            429, None, f"You have reached your {word}.", errorType="RATE_LIMIT",
            policyName=policy, **more,
        )  # fmt: skip
