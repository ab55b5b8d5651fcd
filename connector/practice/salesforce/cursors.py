"""What query locators stand for: the rows a query found, kept for two days.

Source: Salesforce Developer Limits Quick Reference, "SOQL and SOSL Limits".
"""

from __future__ import annotations

from typing import NamedTuple

from connector.domain.moment import DAY, Micros
from connector.practice.salesforce.errors import ApiError
from connector.practice.salesforce.ids import make_id
from connector.practice.salesforce.select import Selection

_KEPT = 2 * DAY


class Found(NamedTuple):
    """A query and the ids it found when it was asked; both stay as they are."""

    selection: Selection
    ids: list[str]


class Cursors:
    """All locators of an org."""

    def __init__(self) -> None:
        self._made = 0
        self._known: dict[str, tuple[Micros, Found]] = {}

    def keep(self, found: Found, now: Micros) -> str:
        """A locator for what was found."""
        self._made += 1
        name = make_id("0r8", self._made)
        self._known[name] = (now, found)
        for old in [one for one, (at, _) in self._known.items() if now - at > _KEPT]:
            del self._known[old]
        return name

    def find(self, name: str, now: Micros) -> Found:
        """What a locator stands for. Raises ApiError INVALID_QUERY_LOCATOR."""
        at, found = self._known.get(name, (now - _KEPT - 1, None))
        if found is None or now - at > _KEPT:
            raise ApiError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        return found

    def forget(self) -> None:
        """Lose all of them, as a restart of the instance does."""
        self._known.clear()
