"""Rows of field history, told apart and named as other rows name their fields.

A change of a relation leaves two rows, one with names and one with ids, under the relation's name
(`Owner`). The one with ids is kept, under the name of its field (`OwnerId`).

Source: Object Reference, "LeadHistory", "OpportunityFieldHistory"; that there are two rows was
seen in questions of users and not in a live org.
"""

from __future__ import annotations

from collections.abc import Sequence

from connector.adapters.base import Row
from connector.adapters.salesforce.describing import Described, Objects
from connector.adapters.salesforce.soql import full_id

_COLUMNS = ("Field", "OldValue", "NewValue")


def name_fields(objects: Objects, described: Described, rows: list[Row]) -> None:
    """Give rows of a history their field's own name, and leave out those that hold mere names."""
    if not rows or not all(name in described and name in rows[0] for name in _COLUMNS):
        return
    references = _references(objects, described)
    kept = []
    for row in rows:
        field = references.get(str(row["Field"]).casefold())
        if field is None:
            kept.append(row)
        elif _are_ids((row["OldValue"], row["NewValue"])):
            row["Field"] = field
            kept.append(row)
    rows[:] = kept


def _references(objects: Objects, described: Described) -> dict[str, str]:
    """The references of the object whose history it is, by their relation's name and their own."""
    parents = [
        str(spec["referenceTo"][0])
        for name, spec in described.fields.items()
        if spec.get("referenceTo") and name != "createdbyid"
    ]
    if len(parents) != 1:
        return {}
    found: dict[str, str] = {}
    for relation, spec in objects.of(parents[0]).relations.items():
        name = str(spec["name"])
        found.update({relation: name, name.casefold(): name})
    return found


def _are_ids(values: Sequence[object]) -> bool:
    known = [str(value) for value in values if value is not None]
    return bool(known) and all(full_id(value) == value for value in known)
