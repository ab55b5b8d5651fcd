"""Lists of contacts: who is on them, and the static ones that follow our nurture flag.

A list of ours is known by its name. Memberships are said absolutely and may be said twice.

Source: HubSpot's page on lists, now called segments (2026-11).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from connector.adapters.hubspot.answers import ForbiddenError, RefusedError
from connector.adapters.hubspot.calls import Calls
from connector.adapters.hubspot.unconfirmed import LISTS_PAGE, MEMBERS_PAGE

log = logging.getLogger("leadloop.hubspot")
CONTACTS = "0-1"
FLAG, THEME = "leadloop_nurture", "leadloop_nurture_theme"
"""The properties that say who is nurtured, and with what."""
NURTURE = "Leadloop nurture: "
"""What the name of a theme's static list begins with."""
_LEFT = (
    "HubSpot's %s cannot follow the nurture fields, which are written all the same: %s. Mend that, "
    "then leadloop install puts on it whoever is flagged"
)
_FOUND_PAGE = 200


class List(NamedTuple):
    """One list of contacts. Only `MANUAL` and `SNAPSHOT` ones take members from us."""

    id: str
    name: str
    processing: str

    @property
    def is_static(self) -> bool:
        """Whether members can be added."""
        return self.processing in {"MANUAL", "SNAPSHOT"}


class Lists:
    """The lists of one portal."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._path = calls.paths["lists"]

    def named(self, part: str = "") -> list[List]:
        """Give the lists of contacts whose name holds a part."""
        found: list[List] = []
        offset = 0
        while True:
            body = {"query": part, "offset": offset, "count": LISTS_PAGE}
            answer = self._calls.post(f"{self._path}/search", {**body, "objectTypeId": CONTACTS})
            some = answer.get("lists") or ()
            found += [_list(one) for one in some]
            offset += len(some)
            if not answer.get("hasMore") or not some:
                return found

    def members(
        self, ident: str, after: str | None = None
    ) -> Iterator[tuple[list[dict[str, Any]], str | None]]:
        """Yield the memberships of a list page by page, each with the cursor behind it."""
        cursor = after
        while True:
            query = {"limit": MEMBERS_PAGE, "after": cursor}
            answer = self._calls.get(f"{self._path}/{ident}/memberships", query)
            cursor = ((answer.get("paging") or {}).get("next") or {}).get("after")
            yield list(answer.get("results") or ()), cursor
            if not cursor:
                return

    def flagged(self) -> Iterator[dict[str, str | None]]:
        """Yield the contacts that are nurtured, each with its theme, page by page in id order."""
        last = "0"
        while True:
            filters = [
                {"propertyName": FLAG, "operator": "EQ", "value": "true"},
                {"propertyName": "hs_object_id", "operator": "GT", "value": last},
            ]
            body = {
                "filterGroups": [{"filters": filters}],
                "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
                "properties": [THEME],
                "limit": _FOUND_PAGE,
                "after": "0",
            }
            path = f"{self._calls.paths['objects']}/contacts/search"
            rows = self._calls.post(path, body).get("results") or ()
            if not rows:
                return
            last = str(rows[-1]["id"])
            yield {str(row["id"]): row["properties"].get(THEME) or None for row in rows}

    def create(self, name: str, branch: Mapping[str, Any] | None = None) -> None:
        """Make a static list, or an active one of whoever fits `branch`; one there is kept."""
        body: dict[str, Any] = {
            "name": name,
            "objectTypeId": CONTACTS,
            "processingType": "MANUAL" if branch is None else "DYNAMIC",
        }
        if branch is not None:
            body["filterBranch"] = branch
        try:
            self._calls.send("POST", self._path, body, repeatable=False)
        except RefusedError as error:
            if error.http_status != 409 and not self._is_there(name):
                raise

    def delete(self, ident: str) -> None:
        """Delete a list; HubSpot keeps it restorable for ninety days."""
        self._calls.send("DELETE", f"{self._path}/{ident}", None, repeatable=True)

    def change(self, ident: str, add: Sequence[str], remove: Sequence[str]) -> None:
        """Put records on a static list and take others off it."""
        body = {"recordIdsToAdd": list(add), "recordIdsToRemove": list(remove)}
        path = f"{self._path}/{ident}/memberships/add-and-remove"
        self._calls.send("PUT", path, body, repeatable=True)

    def _is_there(self, name: str) -> bool:
        return any(one.name == name for one in self.named(name))


class Themes:
    """Keeps one static list a theme in step with who is nurtured, where the portal has them.

    `names` are lists of the company's own, by theme; several themes may share one.
    """

    def __init__(self, lists: Lists, names: Mapping[str, str] | None = None) -> None:
        self._lists = lists
        self._names = names or {}
        self._known: dict[str, List] | None = None

    def name_of(self, theme: str) -> str:
        """Name the list of a theme."""
        return self._names.get(theme, f"{NURTURE}{theme}")

    def follow(self, wanted: Mapping[str, str | None]) -> None:
        """Put each contact on the list of its theme and off all others; None is off every one.

        A list that cannot follow is said once, and left alone from then on: the fields tell the
        same, and must be written all the same.
        """
        goes = {one: None if its is None else self.name_of(its) for one, its in wanted.items()}
        for name, there in list(self._by_name().items()):
            add = [one for one, its in goes.items() if its == name]
            remove = [one for one, its in goes.items() if its != name]
            try:
                self._lists.change(there.id, add, remove)
            except ForbiddenError as error:
                self._known = {}
                log.warning(_LEFT, "lists", error)
                return
            except RefusedError as error:
                del self._by_name()[name]
                log.warning(_LEFT, f"list `{name}`", error)

    def catch_up(self) -> None:
        """Put on the lists whoever is flagged: before they were made, or while they were stuck."""
        self._known = None
        if not self.are_there:
            return
        try:
            for some in self._lists.flagged():
                self.follow(some)
        except (ForbiddenError, RefusedError) as error:
            log.warning("HubSpot's lists were not filled: %s", error)

    @property
    def are_there(self) -> bool:
        """Whether the portal has such lists, and we may change them."""
        try:
            return bool(self._by_name())
        except (ForbiddenError, RefusedError) as error:
            log.warning("HubSpot's lists are left alone: %s", error)
            self._known = {}
            return False

    def _by_name(self) -> dict[str, List]:
        if self._known is None:
            found = self._lists.named(NURTURE.strip(": "))
            own = dict.fromkeys(self._names.values())
            for name in own:
                found += self._lists.named(name)
            self._known = {
                one.name: one
                for one in found
                if one.is_static and (one.name.startswith(NURTURE) or one.name in own)
            }
            if lacking := [name for name in own if name not in self._known]:
                log.warning(
                    "HubSpot has no static list of contacts called %s: make it, or mend `lists:`",
                    ", ".join(f"`{name}`" for name in lacking),
                )
        return self._known


def _list(one: Mapping[str, Any]) -> List:
    return List(str(one["listId"]), str(one.get("name") or ""), str(one.get("processingType")))
