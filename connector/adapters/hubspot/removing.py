"""Taking our properties out again, by archive: HubSpot keeps them restorable for ninety days.

Only what stands in our group is ours to take; what is in use there HubSpot refuses to archive.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from connector.adapters.base import FieldStep
from connector.adapters.hubspot.answers import RefusedError, code_of
from connector.adapters.hubspot.calls import Calls
from connector.adapters.hubspot.library import Library
from connector.adapters.hubspot.objects import Objects
from connector.adapters.hubspot.provisioning import GROUP


@dataclass(frozen=True, slots=True)
class RemovalStep:
    """One property that would go. `filled` records have a value in it; `action` is archive,
    absent or keep (`note` says why)."""

    source: str
    name: str
    filled: int
    action: str
    note: str = ""


class Removing:
    """Plans and archives properties of one portal."""

    def __init__(self, calls: Calls, library: Library, objects: Objects) -> None:
        self._calls = calls
        self._library = library
        self._objects = objects

    def plan(self, wanted: Sequence[FieldStep]) -> list[RemovalStep]:
        """Say of each property how many records have a value, and whether it would go."""
        groups: dict[str, dict[str, str]] = {}
        steps = []
        for one in wanted:
            if one.source not in groups:
                there = self._library.all_properties(one.source)
                groups[one.source] = {p.name: p.group_name for p in there}
            group = groups[one.source].get(one.name)
            if group is None:
                steps.append(RemovalStep(one.source, one.name, 0, "absent"))
            elif group != GROUP:
                note = f"it stands in the group {group}, so Leadloop did not make it"
                steps.append(RemovalStep(one.source, one.name, 0, "keep", note))
            else:
                filled = self._filled(one.source, one.name)
                steps.append(RemovalStep(one.source, one.name, filled, "archive"))
        return steps

    def remove(self, steps: Sequence[RemovalStep]) -> list[RemovalStep]:
        """Archive those whose action is `archive`, then each group that is empty."""
        done = [self._archived(one) if one.action == "archive" else one for one in steps]
        for source in dict.fromkeys(one.source for one in done if one.action == "archive"):
            self._objects.forget(source)
            path = f"{self._calls.paths['properties']}/{source}/groups/{GROUP}"
            try:
                self._calls.send("DELETE", path, None, repeatable=True)
            except RefusedError:
                continue  # something of somebody's still stands in it, or it is gone already
        return done

    def _archived(self, one: RemovalStep) -> RemovalStep:
        path = f"{self._calls.paths['properties']}/{one.source}/{one.name}"
        try:
            self._calls.send("DELETE", path, None, repeatable=True)
        except RefusedError as error:
            if error.http_status == 404:
                return replace(one, action="absent")
            note = f"HubSpot refused it: {code_of(error.body)}; take it out of what uses it first"
            return replace(one, action="keep", note=note)
        return one

    def _filled(self, source: str, name: str) -> int:
        body = {
            "filterGroups": [{"filters": [{"propertyName": name, "operator": "HAS_PROPERTY"}]}],
            "properties": ["hs_object_id"],
            "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
            "limit": 1,
            "after": "0",
        }
        path = f"{self._calls.paths['objects']}/{source}/search"
        return int(self._calls.post(path, body)["total"])
