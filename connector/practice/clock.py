"""The practice CRM's own time, which tests and the demo may set and move."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC
from email.utils import format_datetime

from connector.domain.moment import Micros, to_datetime


class PracticeClock:
    """Stands still at `at` until moved; without one it follows the machine's clock."""

    def __init__(self, machine: Callable[[], Micros], at: Micros | None = None) -> None:
        self._machine = machine
        self._at = at

    def now(self) -> Micros:
        """The moment it is in the CRM."""
        return self._machine() if self._at is None else self._at

    def set(self, at: Micros | None) -> None:
        """Stand still at `at`, or follow the machine's clock again."""
        self._at = at

    def http_date(self) -> str:
        """The `Date` header of an answer given now: whole seconds."""
        return format_datetime(to_datetime(self.now()).astimezone(UTC), usegmt=True)
