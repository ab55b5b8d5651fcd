"""How far back a window must reach for what was stamped early and committed late.

A stamp is set inside a transaction and seen at its end, minutes or hours later. Salesforce says of
each object from when on a transaction may still be under way. What was so as a window began is kept
with that window; once it is committed, the next one reaches down to it, a day at most. A run that
dies leaves the mark of a window that was never committed: it is passed over.

Source: REST API Developer Guide, "Get Updated"; Salesforce Knowledge 000199029.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
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
_KEPT = 50
"""So many of the oldest and of the newest marks are kept while no window comes to its end."""


class Mark(NamedTuple):
    """All that is stamped below `low` was committed when the window up to `until` began to be read.

    `low` is None where the org did not say.
    """

    until: Micros
    low: Micros | None


class Covering:
    """Remembers the low-water marks of each object's windows, from the last committed one on."""

    def __init__(self, calls: Calls, bookmark: Bookmark, overlap: Micros) -> None:
        self._calls = calls
        self._bookmark = bookmark
        self._overlap = overlap

    def widened(self, source: str, window: Window) -> Window:
        """Give the window, reaching as far down as the last committed one may have missed some.

        Where marks are known but not that of the last committed one, it reaches down a day.
        """
        if source not in REPLICATED:
            return window
        since, marks = window.since, self._noted(source, window)
        if since is None or not marks:
            return window
        mark = _last(marks, since + self._overlap)  # there the last committed window ended
        low = mark.low if mark is not None else since - DAY
        return window if low is None else window._replace(since=min(since, max(low, since - DAY)))

    def _noted(self, source: str, window: Window) -> list[Mark]:
        """The marks of earlier windows that may still be needed; notes that of this one.

        That is noted as the window begins, never later: by then more would count as committed.
        """
        name = f"marks {source}"
        text = self._bookmark.load(name)
        marks = [Mark(*one) for one in orjson.loads(text)] if text is not None else []
        earlier = [one for one in marks if one.until < window.until]
        if len(earlier) < len(marks):  # again, after a crash, or for a sibling object
            return earlier
        if window.since is not None and (last := _last(marks, window.since)) is not None:
            marks = marks[marks.index(last) :]
        marks.append(Mark(window.until, self._covered(source, window.until)))
        if len(marks) > 2 * _KEPT:
            marks = marks[:_KEPT] + marks[-_KEPT:]
        self._bookmark.save(name, orjson.dumps([list(one) for one in marks]).decode())
        return earlier

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


def _last(marks: Sequence[Mark], end: Micros) -> Mark | None:
    """The mark of the last window that ended at `end` or before."""
    return next((one for one in reversed(marks) if one.until <= end), None)
