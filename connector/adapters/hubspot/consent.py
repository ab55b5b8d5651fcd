"""What contacts agreed to, by subscription: asked by address, a hundred a call.

The batch is sold with Marketing Hub Enterprise only. Without it the contact's own property says
who opted out; who did not is unknown then, and never taken for agreed.

Source: HubSpot's page on subscription statuses (2026-11).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from connector.adapters.base import Row
from connector.adapters.hubspot.answers import ForbiddenError
from connector.adapters.hubspot.calls import Calls
from connector.adapters.hubspot.unconfirmed import OPT_OUT

log = logging.getLogger("leadloop.hubspot")
PREFIX = "consent."
BATCH = 100


def opt_out_of(subscription: str) -> str:
    """Give the contact property that says that somebody opted out of a subscription."""
    return f"{OPT_OUT}{subscription}"


class Consent:
    """Reads subscription statuses of one portal."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._sold = True

    def add(self, rows: Sequence[Row], subscriptions: Sequence[str]) -> None:
        """Add `consent.ID` to each row: SUBSCRIBED, UNSUBSCRIBED, NOT_SPECIFIED or None."""
        told = self._told(rows) if self._sold else None
        for row in rows:
            said = (told or {}).get(str(row.get("email") or "").casefold(), {})
            for one in subscriptions:
                out = row.get(opt_out_of(one)) == "true"
                own = "UNSUBSCRIBED" if out else None
                row[f"{PREFIX}{one}"] = own if told is None else said.get(one, own)

    def _told(self, rows: Sequence[Row]) -> dict[str, dict[str, str]] | None:
        found: dict[str, dict[str, str]] = {}
        emails = list(dict.fromkeys(str(row["email"]) for row in rows if row.get("email")))
        path = f"{self._calls.paths['consent']}/batch/read?channel=EMAIL"
        for start in range(0, len(emails), BATCH):
            try:
                answer = self._calls.post(path, {"inputs": emails[start : start + BATCH]})
            except ForbiddenError as error:
                self._sold = False
                log.warning("HubSpot's subscriptions are read from contacts alone: %s", error)
                return None
            for one in answer.get("results") or ():
                found[str(one["subscriberIdString"]).casefold()] = _statuses(one)
        return found


def _statuses(one: Mapping[str, Any]) -> dict[str, str]:
    return {str(s["subscriptionId"]): str(s["status"]) for s in one.get("statuses") or ()}
