"""What stands beside a row and not in it: contact roles, when a field changed, lists of children.

Each is asked for a page of rows at a time. The names by which a mapping asks for them:

- `OpportunityContactRoles.ContactId`: the contact whose role is primary, else the first added;
- `StageName.changed` of an opportunity: when it entered the stage it is in, which Salesforce keeps
  unasked; `Status.changed` of a lead, or of any field whose history the org tracks: when it changed
  last; empty where it is not tracked, and then the run that sees a change counts;
- `OpportunityLineItems.Product2.Name`, or any child relationship: the values as a list, each once.

Source: Object Reference, "OpportunityContactRole", "OpportunityHistory", "LeadHistory".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from connector.adapters.base import Row
from connector.adapters.salesforce.describing import Described, Objects
from connector.adapters.salesforce.soql import quoted
from connector.errors import UsageError

CONTACT_ROLE = "OpportunityContactRoles.ContactId"
_CHANGED = ".changed"
_STAGE = "StageName"
_HISTORIES = {"Opportunity": ("OpportunityFieldHistory", "OpportunityId")}

Matching = Callable[..., list[Row]]
"""Gives the live rows of an object whose reference is one of some ids (see Reading.matching)."""


class Beside(NamedTuple):
    """One thing asked for beside a row: how the mapping calls it, and what it is about."""

    name: str
    kind: str
    field: str
    child: str = ""
    reference: str = ""


def beside(objects: Objects, described: Described, name: str) -> Beside | None:
    """Read a name; None for one that means a column of the row itself."""
    if described.name == "Opportunity" and name.casefold() == CONTACT_ROLE.casefold():
        return Beside(name, "role", "ContactId")
    first, _, rest = name.partition(".")
    if name.casefold().endswith(_CHANGED) and first in described and rest.count(".") == 0:
        return Beside(name, "changed", str(described.fields[first.casefold()]["name"]))
    child = described.children.get(first.casefold())
    if child is None or not rest or first.casefold() in described.relations:
        return None
    _, source, reference = child
    return Beside(name, "list", objects.column(source, rest), source, reference)


def add_beside(
    objects: Objects, matching: Matching, source: str, asked: Iterable[Beside], rows: Sequence[Row]
) -> None:
    """Give the rows of a page what was asked for beside them."""
    if not rows:
        return
    ids = [str(row["Id"]) for row in rows]
    for one in asked:
        if one.kind == "role":
            found: dict[str, Any] = _contacts(matching, ids)
        elif one.kind == "list":
            found = _lists(matching, one, ids)
        elif source == "Opportunity" and one.field == _STAGE:
            found = _stages(matching, rows)
        else:
            found = _changes(objects, matching, source, one.field, ids)
        for row in rows:
            row[one.name] = found.get(str(row["Id"]))


def _contacts(matching: Matching, deals: Sequence[str]) -> dict[str, str]:
    names = ["OpportunityId", "ContactId", "IsPrimary"]
    roles = matching("OpportunityContactRole", names, "OpportunityId", deals)
    roles.sort(key=lambda role: not role["IsPrimary"])
    contacts: dict[str, str] = {}
    for role in roles:
        contacts.setdefault(role["OpportunityId"], role["ContactId"])
    return contacts


def _lists(matching: Matching, one: Beside, ids: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, dict[str, None]] = {}
    for row in matching(one.child, [one.reference, one.field], one.reference, ids):
        value = row[one.field]
        if value not in {None, ""}:
            found.setdefault(str(row[one.reference]), {})[str(value)] = None
    return {ident: list(values) for ident, values in found.items()}


def _stages(matching: Matching, rows: Sequence[Row]) -> dict[str, str]:
    """When each deal entered its stage: the first of the newest snapshots that all show it."""
    now = {str(row["Id"]): row[_STAGE] for row in rows}
    names = ["OpportunityId", _STAGE, "CreatedDate"]
    try:
        shots = matching("OpportunityHistory", names, "OpportunityId", list(now))
    except UsageError:
        return {}
    shots.sort(key=lambda shot: (str(shot["CreatedDate"]), str(shot["Id"])), reverse=True)
    entered: dict[str, str] = {}
    left: set[str] = set()
    for shot in shots:
        deal = str(shot["OpportunityId"])
        if shot[_STAGE] != now[deal]:
            left.add(deal)
        elif deal not in left:
            entered[deal] = str(shot["CreatedDate"])
    return entered


def _changes(
    objects: Objects, matching: Matching, source: str, field: str, ids: Sequence[str]
) -> dict[str, str]:
    """When a field last changed, as far as the org tracks its history."""
    history, reference = _HISTORIES.get(source, (f"{source}History", f"{source}Id"))
    try:
        objects.of(history)
        names = [reference, "CreatedDate"]
        rows = matching(history, names, reference, ids, f"Field = {quoted(field)}")
    except UsageError:
        return {}
    newest: dict[str, str] = {}
    for row in rows:
        ident = str(row[reference])
        newest[ident] = max(newest.get(ident, ""), str(row["CreatedDate"]))
    return newest
