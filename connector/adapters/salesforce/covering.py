"""How far back a window must reach for what was stamped early and committed late.

A stamp is set inside a transaction and seen at its end, minutes or hours later. Salesforce says of
each object from when on a transaction may still be under way; what was so while the last window was
read is kept, and the next window reaches down to it, a day at most.

Source: REST API Developer Guide, "Get Updated"; Salesforce Knowledge 000199029.
"""

from __future__ import annotations

from urllib.parse import quote

import orjson

from connector.adapters.base import Bookmark, Window
from connector.adapters.salesforce.calls import Calls
from connector.adapters.salesforce.soql import moment
from connector.domain.moment import DAY, MINUTE, Micros, parse_iso
from connector.errors import LoginError, RemoteError

REPLICATED = frozenset(
    {"Account", "CampaignMember", "Contact", "Event", "Lead", "Opportunity", "Task"}
)
"""Objects that the loop lives on and that Salesforce tells this of; each costs a call a window."""
_SPAN = 2 * MINUTE
"""The answer lists what changed in a span of ours; the shortest there is, for we ask the query."""


class Covering:
    """Remembers the low-water mark of each object's last window."""

    def __init__(self, calls: Calls, bookmark: Bookmark) -> None:
        self._calls = calls
        self._bookmark = bookmark

    def widened(self, source: str, window: Window) -> Window:
        """Give the window, reaching as far down as the last one may have missed something."""
        if window.since is None or source not in REPLICATED:
            return window
        low = self._low(source, window.until)
        if low is None:
            return window
        return window._replace(since=min(window.since, max(low, window.since - DAY)))

    def _low(self, source: str, until: Micros) -> Micros | None:
        """The mark of the window before the one that ends at `until`; notes that one's own."""
        name = f"covered {source}"
        text = self._bookmark.load(name)
        known: dict[str, Micros | None] = orjson.loads(text) if text is not None else {}
        if known.get("until") == until:  # again, after a crash, or for a sibling object
            return known["low"]
        low = known.get("covered")
        covered = self._covered(source, until)
        told = {"until": until, "low": low, "covered": covered}
        self._bookmark.save(name, orjson.dumps(told).decode())
        return low

    def _covered(self, source: str, until: Micros) -> Micros | None:
        span = f"start={_spelled(until - _SPAN)}&end={_spelled(until)}"
        path = f"sobjects/{source}/updated/?{span}"
        said = f"ask what is still under way of {source}"
        try:
            return self._calls.get(path, said, lambda told: parse_iso(told["latestDateCovered"]))
        except (RemoteError, LoginError):
            return None  # an org that does not say is read with the plain overlap


def _spelled(value: Micros) -> str:
    return quote(moment(value).replace("Z", "+00:00"), safe="")
