"""What doctor asks an org: whether our user may do what it must, and no more than that.

A question that our user may not ask is no finding: the runs themselves say what fails.

Source: Object Reference, "ObjectPermissions", "PermissionSet", "PermissionSetAssignment".
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from connector.adapters.base import Check, Order
from connector.adapters.salesforce.calls import Calls
from connector.adapters.salesforce.describing import Objects
from connector.adapters.salesforce.soql import quoted
from connector.errors import LoginError, RemoteError, UsageError

_OBJECTS = "Setup > Permission Sets > Leadloop Objects > Object Settings"


def examine(calls: Calls, objects: Objects, order: Order, user: str) -> Iterator[Check]:
    """Yield one check a question that could be asked."""
    sources = [objects.of(source).name for source in order.names]
    mine = (
        f"(SELECT PermissionSetId FROM PermissionSetAssignment WHERE AssigneeId = {quoted(user)})"
    )
    for source in sources:
        if not objects.of(source).updateable:
            yield Check(
                "fail", f"our user may not edit {source}", f"{_OBJECTS} > {source}: tick Edit"
            )
        sees = _count(
            calls,
            f"SELECT COUNT() FROM ObjectPermissions WHERE SobjectType = {quoted(source)} "
            f"AND PermissionsViewAllRecords = true AND ParentId IN {mine}",
        )
        if sees == 0:
            yield Check(
                "look",
                f"our user does not see every {source}: what is not shared with it looks deleted",
                f"{_OBJECTS} > {source}: tick View All Records",
            )
        elif sees:
            yield Check("ok", f"our user sees every {source}")
    yield from _statuses(objects, order)
    powers = _count(
        calls,
        f"SELECT COUNT() FROM PermissionSet WHERE PermissionsModifyAllData = true AND Id IN {mine}",
    )
    if powers:
        yield Check(
            "look",
            "our user may modify all data, which Leadloop never needs",
            "Give it the profile Minimum Access - API Only Integrations (docs/salesforce.md, 1)",
        )
    yield from _converted(calls, order)


def _statuses(objects: Objects, order: Order) -> Iterator[Check]:
    """Whether the mapping knows every status sales can choose: others say nothing to us."""
    for source, (field, _) in order.statuses.items():
        spec = objects.of(source).fields.get(field.casefold(), {})
        there = [str(one["value"]) for one in spec.get("picklistValues", ()) if one.get("active")]
        strange = [value for value in there if value not in order.known.get(source, ())]
        if strange:
            yield Check(
                "look",
                f"{len(strange)} values of {source}.{field} mean nothing to the mapping: "
                f"{', '.join(strange[:5])}",
                f"Add them to the mapping, under `status: values:` of {source}",
            )
        elif there:
            yield Check("ok", f"the mapping knows every {source}.{field}")


def _converted(calls: Calls, order: Order) -> Iterator[Check]:
    """Whether scores of converted leads reach their contacts, by what there is."""
    lead, contact = order.names.get("Lead", {}), order.names.get("Contact", {})
    if "score" not in lead or "score" not in contact:
        return
    without = _count(
        calls,
        f"SELECT COUNT() FROM Lead WHERE IsConverted = true AND {lead['score']} != null "
        f"AND ConvertedContact.{contact['score']} = null",
    )
    if without:
        yield Check(
            "look",
            f"{without} converted leads have a score that their contact does not have yet",
            "The next run writes it; to have it at once, map the fields: Setup > Object Manager > "
            "Lead > Fields & Relationships > Map Lead Fields",
        )
    elif without == 0:
        yield Check("ok", "scores of converted leads are on their contacts")


def _count(calls: Calls, soql: str) -> int | None:
    try:
        return calls.get(
            f"query?q={quote(soql, safe='')}",
            "look at what our user may do",
            lambda told: int(told["totalSize"]),
        )
    except (RemoteError, LoginError, UsageError):
        return None
