"""What our user may do in an org, as its permission sets and profile say, and what that lacks.

A profile is a permission set too, so one question covers both. Only permissions that the org's own
description lists are asked for, for editions differ. What our user may not ask is no finding.

Source: Object Reference, "PermissionSet", "PermissionSetAssignment", "ObjectPermissions", "User";
Salesforce Help, "User Permissions and Access".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

from connector.adapters.base import Check, Order
from connector.adapters.salesforce.calls import Calls
from connector.adapters.salesforce.describing import Objects
from connector.adapters.salesforce.soql import quoted
from connector.adapters.salesforce.unconfirmed import MARKETING
from connector.errors import LoginError, RemoteError, UsageError

_SETS = "Setup > Permission Sets > Leadloop Objects"
_OBJECTS = f"{_SETS} > Object Settings"
_SYSTEM = f"{_SETS} > System Permissions"
_ALL = "PermissionsViewAllRecords"
_PARENTS = {
    "CampaignMember": "Campaign",
    "OpportunityContactRole": "Opportunity",
    "OpportunityLineItem": "Opportunity",
}
"""Objects that are seen as far as another is."""
_PERMITTED = frozenset({"Lead", "Contact", "Account", "Opportunity", "Campaign"})
"""Standard objects whose permissions are given one by one; custom ones are, too."""
TOO_MUCH = {
    "ModifyAllData": "modify all data",
    "ModifyMetadata": "change the org's metadata",
    "CustomizeApplication": "customise the application",
    "ManageUsers": "manage users",
}
"""Permissions that a run never needs, and what they let our user do."""
TRANSFERS = {"Lead": ("TransferAnyEntity", "TransferAnyLead"), "Contact": ("TransferAnyEntity",)}
"""By object, the permissions of which one lets our user give a record of others to somebody."""


class Held(NamedTuple):
    """What our user has. None where it may not ask."""

    permissions: Mapping[str, bool] | None
    """By name, without the `Permissions` before it; those that the org does not have are left
    out."""
    objects: Mapping[str, Mapping[str, bool]] | None
    marketing: bool | None


def held(calls: Calls, objects: Objects, user: str) -> Held:
    """Ask what our user may do: three queries."""
    mine = (
        f"(SELECT PermissionSetId FROM PermissionSetAssignment WHERE AssigneeId = {quoted(user)})"
    )
    wanted = ("ApiEnabled", "ViewAllData", "EditTask", *TOO_MUCH, *_several(TRANSFERS.values()))
    names = _described(objects, "PermissionSet", [f"Permissions{one}" for one in wanted])
    sets = _rows(calls, f"SELECT {', '.join(names)} FROM PermissionSet WHERE Id IN {mine}", names)
    permissions = None
    if sets is not None:
        permissions = {n.removeprefix("Permissions"): any(r[n] for r in sets) for n in names}
    names = _described(objects, "ObjectPermissions", ["PermissionsEdit", _ALL])
    soql = f"SELECT SobjectType, {', '.join(names)} FROM ObjectPermissions WHERE ParentId IN {mine}"
    by_object = _by_object(_rows(calls, soql, names), names)
    names = _described(objects, "User", [MARKETING])
    users = _rows(calls, f"SELECT {MARKETING} FROM User WHERE Id = {quoted(user)}", names)
    marketing = bool(users[0][MARKETING]) if users else None
    return Held(permissions, by_object, marketing)


def _by_object(
    rows: list[Mapping[str, Any]] | None, names: list[str]
) -> dict[str, dict[str, bool]] | None:
    """What one of the sets gives counts."""
    if rows is None:
        return None
    found: dict[str, dict[str, bool]] = {}
    for row in rows:
        one = found.setdefault(str(row["SobjectType"]), dict.fromkeys(names, False))
        one.update({name: True for name in names if row[name]})
    return found


def lacking(objects: Objects, order: Order, has: Held) -> Iterator[Check]:
    """Yield a check for each right that the guide names and the settings need."""
    yield Check("ok", "the API answers our user (API Enabled)")
    yield from _objects(objects, order, has)
    if order.gives:
        yield from _giving(order, has.permissions)
    if order.themes:
        yield from _nurturing(has)
    if has.permissions is None:
        return
    much = [said for name, said in TOO_MUCH.items() if has.permissions.get(name)]
    if much:
        yield Check(
            "look",
            f"our user may {', '.join(much)}, which a run never needs",
            "Give it the profile Minimum Access - API Only Integrations (docs/salesforce.md, 1)",
        )


def _objects(objects: Objects, order: Order, has: Held) -> Iterator[Check]:
    for source in order.names:
        described = objects.of(source)
        if not described.updateable:
            step = f"{_OBJECTS} > {described.name}: tick Edit"
            yield Check("fail", f"our user may not edit {described.name}", step)
    everything = has.permissions is not None and has.permissions.get("ViewAllData", False)
    if has.objects is None:
        return
    for name in dict.fromkeys(_permitted(objects, order)):
        sees = everything or has.objects.get(name, {}).get(_ALL, False)
        if sees:
            yield Check("ok", f"our user sees every {name}")
        else:
            yield Check(
                "look",
                f"our user does not see every {name}: what is not shared with it looks deleted",
                f"{_OBJECTS} > {name}: tick View All Records",
            )


def _permitted(objects: Objects, order: Order) -> Iterator[str]:
    for source in order.uses or order.names:
        try:
            name = objects.of(source).name
        except UsageError:
            continue  # an object that the org does not have
        name = _PARENTS.get(name, name)
        if name in _PERMITTED or name.endswith("__c"):
            yield name


def _giving(order: Order, has: Mapping[str, bool] | None) -> Iterator[Check]:
    """What it takes to give a lead to an owner, and to make the task that tells of it."""
    if has is None:
        return
    for source in order.names:
        which = [one for one in TRANSFERS.get(source, ()) if one in has]
        if which and not any(has[one] for one in which):
            yield Check(
                "fail",
                f"our user may not give a {source} of others to an owner",
                f"{_SYSTEM}: tick Transfer Record",
            )
        elif which:
            yield Check("ok", f"our user may give each {source} to an owner")
    if has.get("EditTask") is False:
        yield Check(
            "look",
            "our user may make no tasks: hand-offs stand, and no task tells of them",
            f"{_SYSTEM}: tick Edit Tasks",
        )
    elif has.get("EditTask"):
        yield Check("ok", "our user may make tasks")


def _nurturing(has: Held) -> Iterator[Check]:
    """What it takes to fill the campaigns of nurture; without it the flag alone is kept."""
    if has.marketing is False:
        yield Check(
            "look",
            "our user is no Marketing User: who is nurtured stands in our field, and no campaign "
            "follows it",
            "Setup > Users > our user > Edit: tick Marketing User",
        )
    edits = (has.objects or {}).get("Campaign", {}).get("PermissionsEdit", False)
    if has.objects is not None and has.marketing and not edits:
        yield Check(
            "look",
            "our user may not edit campaigns: no campaign follows who is nurtured",
            f"{_OBJECTS} > Campaigns: tick Edit",
        )
    elif has.marketing and edits:
        yield Check("ok", "our user may fill the campaigns of nurture")


def _several(groups: Any) -> list[str]:
    return list(dict.fromkeys(one for group in groups for one in group))


def _described(objects: Objects, source: str, wanted: list[str]) -> list[str]:
    """Those of the fields that the org has; none where our user sees no such object."""
    try:
        described = objects.of(source)
    except (UsageError, LoginError, RemoteError):
        return []
    return [name for name in wanted if name in described]


def _rows(calls: Calls, soql: str, names: list[str]) -> list[Mapping[str, Any]] | None:
    """Ask; None where our user may not, or where there is nothing to ask for."""
    if not names:
        return None
    try:
        rows: list[Mapping[str, Any]] = calls.get(
            f"query?q={quote(soql, safe='')}",
            "look at what our user may do",
            lambda told: told["records"],
        )
    except (RemoteError, LoginError, UsageError):
        return None
    return rows
