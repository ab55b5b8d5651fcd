"""Lists that people work from: one for each thing to do, one static for each nurture theme.

A list of ours is known by its name, which nobody else's begins with, and never changed once made.
What HubSpot's filters cannot say is left to clicks, which are told.

Source: HubSpot's pages on lists and their filters (2026-11).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from connector.adapters.hubspot.answers import ForbiddenError, RefusedError
from connector.adapters.hubspot.lists import NURTURE, List, Lists

OURS = "Leadloop"
WORK, LATE, WAITING = f"{OURS}: work now", f"{OURS}: late", f"{OURS}: waiting for a verdict"
_LATE = (
    "The first contact's due time is not mapped. In HubSpot: Lists > Create > Active, contacts; "
    "{state} is any of handed_off, and {state} was last updated more than 1 day ago"
)
_CLICKS = "In HubSpot: Lists > Create > Active, contacts; {state} is any of {values}"


@dataclass(frozen=True, slots=True)
class ViewStep:
    """One list that people work from. `kind` is static or active; `action` is create, keep, or
    click where HubSpot's API does not let us (`note` says what to do there)."""

    name: str
    kind: str
    action: str
    note: str = ""


class Views:
    """Plans and makes the lists of one portal."""

    def __init__(self, lists: Lists, own: Mapping[str, str] | None = None) -> None:
        """Args:
        own: Lists of the company's by nurture theme: used, and neither made nor taken away.
        """
        self._lists = lists
        self._own = own or {}

    def plan(self, themes: Sequence[str], fields: Mapping[str, str]) -> list[ViewStep]:
        """Say of each list whether it would be made, is there, or is left to clicks."""
        made = [theme for theme in themes if theme not in self._own]
        steps = [ViewStep(f"{NURTURE}{theme}", "static", "create") for theme in made]
        if state := fields.get("state"):
            steps += [
                ViewStep(WORK, "active", "create"),
                ViewStep(WAITING, "active", "create"),
                ViewStep(LATE, "active", "create")
                if "sla_due" in fields
                else ViewStep(LATE, "active", "click", _LATE.format(state=state)),
            ]
        try:
            there = {one.name for one in self._lists.named(OURS)}
        except (ForbiddenError, RefusedError) as error:
            note = f"{error}; give the key crm.lists.read and crm.lists.write"
            return [replace(step, action="click", note=note) for step in steps]
        return [replace(s, action="keep", note="") if s.name in there else s for s in steps]

    def create(self, steps: Sequence[ViewStep], fields: Mapping[str, str]) -> list[ViewStep]:
        """Make those whose action is `create`; one HubSpot refuses is left to clicks."""
        return [self._made(s, fields) if s.action == "create" else s for s in steps]

    def _made(self, step: ViewStep, fields: Mapping[str, str]) -> ViewStep:
        branch = None if step.kind == "static" else _branch(step.name, fields)
        try:
            self._lists.create(step.name, branch)
        except (ForbiddenError, RefusedError) as error:
            values = " or ".join(_VALUES.get(step.name, ()))
            clicks = _CLICKS.format(state=fields.get("state", ""), values=values)
            if step.name == LATE:
                clicks += f", and {fields['sla_due']} is before now"
            by_hand = clicks if branch else "In HubSpot: Lists > Create > Static, contacts"
            return replace(step, action="click", note=f"{error}. {by_hand}")
        return step

    def remove(self) -> list[str]:
        """Delete the lists of ours; gives their names."""
        there = self._there()
        for one in there:
            self._lists.delete(one.id)
        return [one.name for one in there]

    def ours(self) -> list[str]:
        """Give the names of the lists of ours that are there."""
        return [one.name for one in self._there()]

    def _there(self) -> list[List]:
        try:
            return [one for one in self._lists.named(OURS) if _is_ours(one.name)]
        except (ForbiddenError, RefusedError):
            return []  # we may not see them, so none is ours to take


_VALUES = {WORK: ("handed_off",), LATE: ("handed_off",), WAITING: ("handed_off", "accepted")}


def _is_ours(name: str) -> bool:
    return name in _VALUES or name.startswith(NURTURE)


def _branch(name: str, fields: Mapping[str, str]) -> dict[str, Any]:
    filters = [_among(fields["state"], _VALUES[name])]
    if name == WAITING and (verdict := fields.get("verdict")):
        unknown = {"operationType": "ALL_PROPERTY", "operator": "IS_UNKNOWN"}
        filters.append({"filterType": "PROPERTY", "property": verdict, "operation": unknown})
    if name == LATE:
        filters.append(_before_now(fields["sla_due"]))
    both = {"filterBranchType": "AND", "filterBranches": [], "filters": filters}
    return {"filterBranchType": "OR", "filterBranches": [both], "filters": []}


def _before_now(name: str) -> dict[str, Any]:
    now = {"timeType": "INDEXED", "timezoneSource": "CUSTOM", "zoneId": "UTC"}
    before = {
        "operationType": "TIME_POINT",
        "operator": "IS_BEFORE",
        "timePoint": now | {"indexReference": {"referenceType": "NOW"}},
        "endpointBehavior": "EXCLUSIVE",
        "propertyParser": "VALUE",
        "includeObjectsWithNoValueSet": False,
    }
    return {"filterType": "PROPERTY", "property": name, "operation": before}


def _among(name: str, values: Sequence[str]) -> dict[str, Any]:
    among = {
        "operationType": "MULTISTRING",
        "operator": "IS_EQUAL_TO",
        "values": list(values),
        "includeObjectsWithNoValueSet": False,
    }
    return {"filterType": "PROPERTY", "property": name, "operation": among}
