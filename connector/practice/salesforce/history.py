"""What changes leave behind: a row for each tracked field, a snapshot for each step of a deal.

Source: Salesforce Help, "Track Field History"; Object Reference, "LeadHistory",
"OpportunityFieldHistory" and "OpportunityHistory". Field history is there only where somebody
switched it on; snapshots of opportunities are always there. These rows have no SystemModstamp.
Unconfirmed: a change of a relation leaves two rows, one with the names and one with the ids.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from connector.practice.salesforce.org import Org, Row

TRACKED = {
    "Lead": ("LeadHistory", "LeadId"),
    "Opportunity": ("OpportunityFieldHistory", "OpportunityId"),
}
"""Object -> the object its history stands in, and the field there that leads back."""
HISTORIES = frozenset({"LeadHistory", "OpportunityFieldHistory", "OpportunityHistory"})
STAGED = ("StageName", "Amount", "CloseDate", "Probability")
_NAMES_TOO = True


def parent_of(history: str) -> str | None:
    """The object whose field history an object holds."""
    return next((parent for parent, (name, _) in TRACKED.items() if name == history), None)


def remember_change(
    org: Org, row: Row, user: str, stamp: str, key: str, before: Any, after: Any
) -> None:
    """Leave the rows of a changed field, if its object has a history."""
    object_ = org.type_of(row["Id"])
    name, link = TRACKED.get(object_, ("", ""))
    if name not in org.tables:
        return
    one = org.schema[object_].fields.get(key)
    related = one is not None and one.type == "reference"
    told = {link: row["Id"], "Field": one.relation or key if one and related else key}
    if related and _NAMES_TOO:
        named = {"OldValue": _name(org, before), "NewValue": _name(org, after)}
        org.insert(name, {**told, **named, "CreatedDate": stamp}, user)
    values = {"OldValue": before, "NewValue": after}
    org.insert(name, {**told, **values, "CreatedDate": stamp}, user)


def remember_stage(org: Org, row: Row, user: str, stamp: str) -> None:
    """Leave a row of OpportunityHistory: stage, amount, chance and date as they are."""
    values = {key: row.get(key) for key in (*STAGED, "CurrencyIsoCode")}
    values |= {"OpportunityId": row["Id"], "CreatedDate": stamp}
    org.insert("OpportunityHistory", values, user)


def _name(org: Org, id_: Any) -> Any:
    row = org.find(id_)
    return row.get("Name") if row else None
