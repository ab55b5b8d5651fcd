"""Days without time, as moments: a day begins at midnight where the org is, not in Greenwich.

Salesforce keeps such fields (CloseDate, FirstRespondedDate, ActivityDate) as calendar days, which
its people mean where they are. The org has one default zone, and that counts; where it may not be
asked, our user's own does. A mapping that wants another zone reads the field itself and names one.

Source: Object Reference, "Organization" and "User" (TimeZoneSidKey); REST API Developer Guide,
"Valid Date and DateTime Formats": a date takes no offset.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import date, datetime, time
from urllib.parse import quote
from zoneinfo import ZoneInfo

from connector.adapters.base import Row
from connector.adapters.salesforce.calls import Calls
from connector.adapters.salesforce.soql import quoted
from connector.domain.moment import Micros, to_datetime
from connector.errors import LoginError, RemoteError, UsageError

log = logging.getLogger("leadloop.salesforce")
_UTC = ZoneInfo("UTC")


class Days:
    """The calendar of one org; its zone is asked for once, when the first day is met."""

    def __init__(self, calls: Calls, user: Callable[[], str]) -> None:
        self._calls = calls
        self._user = user
        self._zone: ZoneInfo | None = None

    def fill(self, days: Sequence[tuple[str, str]], rows: Sequence[Row]) -> None:
        """Give rows the moments at which days of theirs begin, under names asked for."""
        if not days or not rows:
            return
        known: dict[str, str] = {}
        for name, column in days:
            for row in rows:
                day = row.get(column)
                if day is not None and day not in known:
                    known[day] = self.begins(str(day))
                row[name] = known[day] if day is not None else None

    def begins(self, day: str) -> str:
        """Give the moment a day begins, in ISO form; what is no day as it is, for the mapping to
        refuse."""
        try:
            first = date.fromisoformat(day)
        except ValueError:
            return day
        return datetime.combine(first, time(), self.zone()).isoformat()

    def of(self, at: Micros) -> str:
        """Give the day that a moment falls on."""
        return to_datetime(at).astimezone(self.zone()).date().isoformat()

    def zone(self) -> ZoneInfo:
        """Give the org's default zone, else our user's."""
        if self._zone is None:
            self._zone = (
                self._asked("SELECT TimeZoneSidKey FROM Organization")
                or self._asked(f"SELECT TimeZoneSidKey FROM User WHERE Id = {quoted(self._user())}")
                or _UTC
            )
        return self._zone

    def _asked(self, soql: str) -> ZoneInfo | None:
        try:
            name = self._calls.get(
                f"query?q={quote(soql, safe='')}",
                "ask for the org's time zone",
                lambda told: (
                    str(told["records"][0]["TimeZoneSidKey"] or "") if told["records"] else ""
                ),
            )
            return ZoneInfo(name) if name else None
        except (RemoteError, LoginError, UsageError):
            return None
        except (KeyError, ValueError, OSError):
            log.warning("Salesforce's time zone is none that this machine knows; days are UTC's")
            return None
