"""The objects of a portal and their properties, as the portal defines them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from connector.adapters.base import RemoteField
from connector.adapters.hubspot.answers import RefusedError
from connector.adapters.hubspot.library import Library
from connector.domain.outward import FieldType
from connector.errors import UsageError

IDS = {
    "contacts": "0-1",
    "companies": "0-2",
    "deals": "0-3",
    "tickets": "0-5",
    "line_items": "0-8",
    "leads": "0-136",
    "notes": "0-46",
    "meetings": "0-47",
    "calls": "0-48",
    "emails": "0-49",
    "tasks": "0-27",
    "communications": "0-18",
}
"""Names of the standard objects and their type ids; either is taken."""
NAMES = {ident: name for name, ident in IDS.items()}
VITAL = "contacts"
"""Without these there is nothing to do; whatever else is not offered is left out."""
ENGAGEMENTS = frozenset({"notes", "meetings", "calls", "emails", "tasks", "communications"})
ASSOCIATED = ("contacts", "companies", "deals", "line_items")
STAGES = {"deals": ("pipeline", "dealstage"), "leads": ("hs_pipeline", "hs_pipeline_stage")}
"""Objects that walk through pipelines: the properties that hold pipeline and stage."""
MERGED = ("hs_merged_object_ids", "hs_calculated_merged_vids")
SOLD = ("name", "hs_sku", "hs_product_id")
"""What of a deal's line items says what was sold."""
FULL_NAME = "full_name"
"""Of contacts: first and last name, put together here."""
OF_ROW = ("id", "createdAt", "updatedAt")
_CUSTOM = re.compile(r"\d{1,3}-\d{1,15}|p\d+_\w{1,80}")
_TYPES = {
    "number": FieldType.NUMBER,
    "bool": FieldType.BOOLEAN,
    "datetime": FieldType.MOMENT,
    "string": FieldType.TEXT,
    "phone_number": FieldType.TEXT,
    "enumeration": FieldType.TEXT,
}


@dataclass(frozen=True, slots=True)
class Definition:
    """One property. `options` are the values it takes (never their labels); None where any goes."""

    name: str
    type: str
    control: str
    label: str
    writable: bool
    owner: bool
    options: tuple[str, ...] | None

    @property
    def meaning(self) -> FieldType | None:
        """What it can hold, in our words."""
        if self.owner:
            return FieldType.OWNER
        if self.type == "string" and self.control in {"textarea", "html"}:
            return FieldType.LONG_TEXT
        return _TYPES.get(self.type)


class Objects:
    """Definitions by object, read once and kept until something is created."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._known: dict[str, dict[str, Definition]] = {}

    def of(self, source: str) -> dict[str, Definition]:
        """Give the properties of an object; UsageError when there is no such object."""
        if source not in self._known:
            try:
                found = self._library.all_properties(source)
            except RefusedError as error:
                if error.http_status not in {400, 404}:
                    raise
                raise UsageError(
                    f"this portal has no object `{source}`", hint="Check the mapping's `source:`"
                ) from None
            self._known[source] = {one.name: _definition(one) for one in found}
        return self._known[source]

    def add(self, source: str, made: Iterable[Any]) -> None:
        """Take in properties just created: HubSpot's own list shows them a moment later."""
        self.of(source).update({one.name: _definition(one) for one in made})

    def forget(self, source: str) -> None:
        """Read the definitions anew next time."""
        self._known.pop(source, None)

    def check(self, source: str, names: Iterable[str]) -> None:
        """Raise UsageError for a property the portal lacks: HubSpot leaves it out in silence."""
        known = self.of(source)
        for name in names:
            if name not in known:
                close = get_close_matches(name, known, n=1)
                meant = f"; did you mean `{close[0]}`?" if close else ""
                raise UsageError(
                    f"HubSpot's {source} has no property `{name}`{meant}",
                    hint="Mend the mapping; for our own fields run leadloop install",
                )

    def describe(self, source: str) -> dict[str, RemoteField]:
        """Describe every property, and what else a mapping may name."""
        own = {one.name: _remote(one) for one in self.of(source).values()}
        more = [*OF_ROW, *(f"associations.{kind}" for kind in ASSOCIATED)]
        if source == "contacts":
            more.append(FULL_NAME)
        if source == "deals":
            more += [f"line_items.{name}" for name in SOLD]
        for name in STAGES.get(source, ()):
            more += [f"{name}.label"] + ([f"{name}.state"] if name.endswith("stage") else [])
        return own | {name: RemoteField(name, None, name, writable=False) for name in more}


def known_source(source: str) -> str | None:
    """Give the name of an object we read as records: its usual one for a type id; None if none."""
    if source in IDS:
        return source
    if source in NAMES:
        return NAMES[source]
    return source if _CUSTOM.fullmatch(source) else None


def modified_of(source: str) -> str:
    """Give the property that holds when a record changed; contacts have their own."""
    return "lastmodifieddate" if source == "contacts" else "hs_lastmodifieddate"


def _definition(one: Any) -> Definition:
    rules = one.modification_metadata
    read_only = bool(one.calculated) or bool(rules is not None and rules.read_only_value)
    owner = one.referenced_object_type == "OWNER" or one.name == "hubspot_owner_id"
    values = tuple(option.value for option in one.options or ())
    closed = one.type in {"enumeration", "bool"} and values and not one.external_options
    return Definition(
        name=one.name,
        type=one.type or "string",
        control=one.field_type or "",
        label=one.label or "",
        writable=not read_only,
        owner=owner,
        options=values if closed and not owner else None,
    )


def _remote(one: Definition) -> RemoteField:
    return RemoteField(one.name, one.meaning, one.label, writable=one.writable, values=one.options)


def merged_into(row: Mapping[str, Any]) -> list[str]:
    """Give the ids of the records that were merged into a row's."""
    both = f"{row.get(MERGED[0]) or ''};{row.get(MERGED[1]) or ''}"
    found = {part.partition(":")[0].strip() for part in both.split(";")}
    return sorted(found - {"", row["id"]})
