"""What users may do: their profile's permissions and those of permission sets, and who lacks which.

Every user has a profile, which is a permission set of its own kind; here it is the administrator's
or one for everybody else, until somebody narrows it. The codes of refusals for a lacking Transfer
Record, Edit Tasks or Marketing User are unconfirmed.

Source: Object Reference, "PermissionSet", "PermissionSetAssignment", "ObjectPermissions" and
"User"; Salesforce Help, "User Permissions".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from connector.practice.salesforce.errors import ApiError, SaveError
from connector.practice.salesforce.fields import ObjectSpec
from connector.practice.salesforce.spelling import flag, new_object, ref, text

if TYPE_CHECKING:
    from connector.practice.salesforce.org import Org, Row

PERMISSIONS = (
    "ApiEnabled", "CustomizeApplication", "EditEvent", "EditTask", "ManageUsers", "ModifyAllData",
    "ModifyMetadata", "TransferAnyEntity", "TransferAnyLead", "ViewAllData", "ViewSetup",
)  # fmt: skip
"""Names of user permissions, as PermissionSet spells them behind `Permissions`."""
ON_OBJECTS = ("Create", "Read", "Edit", "Delete", "ViewAllRecords", "ModifyAllRecords")
PERMITTED = ("Lead", "Contact", "Account", "Opportunity", "Campaign")
"""Objects whose permissions an admin gives one by one; all others follow a parent or a setting."""
_ADMINS, _OTHERS = "X00eAdmin", "X00eOthers"
_ADMINS_ONLY = frozenset(
    {"CustomizeApplication", "ManageUsers", "ModifyAllData", "ModifyMetadata", "ViewAllData"}
)
_MARKETING = "UserPermissionsMarketingUser"


def permission_objects() -> tuple[ObjectSpec, ...]:
    """The objects that tell of permissions."""
    flags = [flag(f"Permissions{name}") for name in PERMISSIONS]
    given = new_object(
        "PermissionSet", "0PS", text("Name", 80), text("Label", 80), flag("IsOwnedByProfile"),
        *flags, create=False, deletable=False,
    )  # fmt: skip
    assigned = new_object(
        "PermissionSetAssignment", "0Pa", ref("AssigneeId", ("User",), "Assignee"),
        ref("PermissionSetId", ("PermissionSet",), "PermissionSet"), deletable=False,
    )  # fmt: skip
    on_objects = new_object(
        "ObjectPermissions", "110", ref("ParentId", ("PermissionSet",), "Parent"),
        text("SobjectType", 40), *(flag(f"Permissions{name}") for name in ON_OBJECTS),
        create=False, deletable=False, plural="Object Permissions",
    )  # fmt: skip
    return given, assigned, on_objects


def give_profile(org: Org, user: Row) -> None:
    """Give a new user a profile: the first one is the administrator."""
    first = len(org.tables["User"]) == 1
    name = _ADMINS if first else _OTHERS
    known = {row["Name"]: str(row["Id"]) for row in org.tables["PermissionSet"].values()}
    if name not in known:
        given = [one for one in PERMISSIONS if first or one not in _ADMINS_ONLY]
        known[name] = _made(org, name, given, dict.fromkeys(PERMITTED, ON_OBJECTS))
    _assign(org, str(user["Id"]), known[name])
    user[_MARKETING] = True


def narrow(org: Org, user: str, given: dict[str, Any]) -> None:
    """Take a user's profile and sets away and give one set: `permissions`, `objects` by name,
    `marketing`. Those of our own metadata stay."""
    held = org.tables["PermissionSetAssignment"]
    for id_, row in list(held.items()):
        one = org.find(row["PermissionSetId"])
        if row["AssigneeId"] == user and one is not None and _tells(org, one):
            del held[id_]
            org.order["PermissionSetAssignment"].remove(id_)
    name = f"Narrow_{len(org.tables['PermissionSet'])}"
    _assign(org, user, _made(org, name, given["permissions"], given["objects"]))
    who = org.find(user)
    if who is not None:
        who[_MARKETING] = bool(given.get("marketing"))
    org.schema_changed = org.clock.now()


def may(org: Org, user: str, *names: str) -> bool:
    """Whether a user has one of these user permissions."""
    return any(row[f"Permissions{name}"] for row in _sets(org, user) for name in names)


def may_on(org: Org, user: str, object_: str, name: str) -> bool:
    """Whether a user may do this with records of an object."""
    if object_ not in PERMITTED:
        return True
    ids = {row["Id"] for row in _sets(org, user)}
    return any(
        row["ParentId"] in ids and row["SobjectType"] == object_ and row[f"Permissions{name}"]
        for row in org.tables["ObjectPermissions"].values()
    )


def check_call(org: Org, user: str) -> None:
    """Raises ApiError for a user whom the API is not open to."""
    if not may(org, user, "ApiEnabled"):
        raise ApiError(403, "API_DISABLED_FOR_ORG", "The REST API is not enabled for this "
                       "Organization.")  # fmt: skip


def check_save(org: Org, user: str, object_: str, given: Iterable[str], row: Row | None) -> None:
    """Raises SaveError for what the user may not create (without `row`) or change so."""
    if not user:
        return
    if object_ == "Task" and not may(org, user, "EditTask"):
        raise _refused()
    if object_ == "Event" and not may(org, user, "EditEvent"):
        raise _refused()
    if not may_on(org, user, object_, "Create" if row is None else "Edit"):
        raise _refused()
    if object_ in {"Campaign", "CampaignMember"} and not (org.find(user) or {}).get(_MARKETING):
        raise _refused()
    if row is not None and object_ in PERMITTED and "OwnerId" in given and row["OwnerId"] != user:
        which = ("TransferAnyEntity", *(("TransferAnyLead",) if object_ == "Lead" else ()))
        if not may(org, user, *which):
            raise _refused()


def _refused() -> SaveError:
    return SaveError(
        "INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id", status=403
    )


def _sets(org: Org, user: str) -> list[Row]:
    return [
        one
        for row in org.tables["PermissionSetAssignment"].values()
        if row["AssigneeId"] == user and (one := org.find(row["PermissionSetId"])) is not None
    ]


def _tells(org: Org, one: Row) -> bool:
    """Whether a set gives permissions, and not fields of ours only."""
    return one["Id"] not in org.rights


def _made(
    org: Org, name: str, permissions: Iterable[str], objects: Mapping[str, Iterable[str]]
) -> str:
    with org.silently():
        values = {"Name": name, "Label": name, "IsOwnedByProfile": name in {_ADMINS, _OTHERS}}
        values |= {f"Permissions{one}": True for one in permissions}
        made = str(org.insert("PermissionSet", values, "")["Id"])
        for object_, rights in objects.items():
            on = {f"Permissions{one}": True for one in rights}
            org.insert("ObjectPermissions", {"ParentId": made, "SobjectType": object_, **on}, "")
    return made


def _assign(org: Org, user: str, given: str) -> None:
    with org.silently():
        org.insert("PermissionSetAssignment", {"AssigneeId": user, "PermissionSetId": given}, "")
