"""One portal: records with history, associations, owners, events, and the search index.

The index is a copy that follows the records by `lag` seconds. Properties of a record are replaced,
never changed in place, so the index may hold older ones. Source: developers.hubspot.com, CRM API
guides.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from connector.domain.moment import SECOND, Micros
from connector.practice.clock import PracticeClock
from connector.practice.hubspot.errors import HubError, invalid, not_found
from connector.practice.hubspot.moments import iso
from connector.practice.hubspot.properties import (
    LIFECYCLE,
    Definitions,
    checked_value,
    new_definitions,
)
from connector.practice.oracle import Effect, Oracle

Values = Mapping[str, str]
ASSOCIATION = {
    ("contacts", "companies"): 279, ("companies", "contacts"): 280,
    ("contacts", "deals"): 4, ("deals", "contacts"): 3,
    ("deals", "companies"): 341, ("companies", "deals"): 342,
    ("notes", "contacts"): 202, ("contacts", "notes"): 201,
    ("meetings", "contacts"): 200, ("contacts", "meetings"): 199,
    ("emails", "contacts"): 198, ("contacts", "emails"): 197,
    ("calls", "contacts"): 194, ("contacts", "calls"): 193,
    ("tasks", "contacts"): 204, ("contacts", "tasks"): 203,
    ("leads", "contacts"): 578, ("contacts", "leads"): 579,
    ("tickets", "contacts"): 16, ("contacts", "tickets"): 15,
    ("tickets", "companies"): 26, ("companies", "tickets"): 25,
    ("line_items", "deals"): 20, ("deals", "line_items"): 19,
}  # fmt: skip
_PRIMARY = {("contacts", "companies"): 1, ("companies", "contacts"): 2}
_SOURCES = {"load": "IMPORT", "person": "CRM_UI"}
_MOVED_APART = {"hs_object_id", "createdate", "hs_createdate"}


@dataclass(slots=True)
class Record:
    """One record. `values` holds what is set; a property that was cleared is absent."""

    id: str
    values: Values
    created: Micros
    updated: Micros
    by: str
    first: Values = field(default_factory=dict)
    """What was set when the record was made."""
    archived: Micros | None = None
    changes: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    """By property, newest first, without the first value."""

    def past(self, name: str) -> list[dict[str, str]]:
        """All values a property ever had, newest first."""
        known = list(self.changes.get(name, ()))
        if name in self.first:
            known.append(_entry(self.first[name], self.created, self.by))
        return known


@dataclass
class Rules:
    """What this portal's admins set up, and how it behaves today."""

    required: list[tuple[str, str]] = field(default_factory=list)
    """(object type, property) that a 2026-09 write must leave filled."""
    in_use: set[str] = field(default_factory=set)
    """Properties that cannot be archived."""
    leads_enabled: bool = False
    enterprise: bool = True
    lag: float = 0.0
    """Seconds the search index is behind."""
    stale_answers: bool = False
    """Whether answers of writes show the modified date of before."""
    search_body: int | None = None
    """How many characters the body of a search may have; None for any number."""
    ties_page: int = 500
    """How many associations of one record come on a page."""


class Portal:
    """The state of one portal."""

    def __init__(self, clock: PracticeClock) -> None:
        self.clock = clock
        self.oracle = Oracle()
        self.rules = Rules()
        self.id = 147893286
        self.definitions: dict[str, Definitions] = new_definitions()
        self.records: dict[str, dict[str, Record]] = {name: {} for name in self.definitions}
        self.order: dict[str, list[str]] = {name: [] for name in self.definitions}
        self.index: dict[str, dict[str, tuple[Values, Micros]]] = {
            name: {} for name in self.definitions
        }
        self.index_version = 0
        self.searches: dict[bytes, list[str]] = {}
        """What recent searches found, by question and index_version."""
        self.aliases: dict[str, dict[str, str]] = {name: {} for name in self.definitions}
        self.links: dict[tuple[str, str], dict[str, list[str]]] = {}
        self.owners: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []
        """In order of time."""
        self.events_of: dict[str, list[int]] = {}
        """Places in `events`, by contact."""
        self.mails: list[dict[str, Any]] = []
        self.forms: dict[str, dict[str, Any]] = {}
        self.submissions: dict[str, list[dict[str, Any]]] = {}
        self.lists: dict[str, dict[str, Any]] = {}
        self.members: dict[str, dict[str, Micros]] = {}
        """By list: which records are on it, and since when."""
        self.subscriptions: dict[str, str] = {}
        """Kinds of mail people may subscribe to: id -> name."""
        self.consents: dict[str, dict[str, str]] = {}
        """Address -> subscription -> SUBSCRIBED or UNSUBSCRIBED."""
        self.merged: dict[str, dict[str, tuple[str, str]]] = {name: {} for name in self.definitions}
        """By new id: the primary record's id of before, and the other's."""
        self._emails: dict[str, str] = {}
        self._waiting: list[tuple[Micros, str, str, Values | None, Micros]] = []
        self._last_id = 734_931_000_000
        self._silent = False

    # --- looking --------------------------------------------------------------------------------

    def find(self, kind: str, id_: str) -> Record:
        """The live record of an id, or of the one it was merged into. Raises HubError 404."""
        found = self.records[kind].get(self.aliases[kind].get(id_, id_))
        if found is None or found.archived is not None:
            raise not_found(id_)
        return found

    def find_by(self, kind: str, name: str, value: str) -> Record:
        """The live record with that value of a unique property. Raises HubError 404."""
        if name == "hs_object_id":
            return self.find(kind, value)
        wanted = value.lower()
        if (kind, name) == ("contacts", "email"):
            return self.find(kind, self._emails.get(wanted, wanted))
        for record in self.records[kind].values():
            if record.archived is None and record.values.get(name, "").lower() == wanted:
                return record
        raise not_found(value)

    def associated(self, kind: str, id_: str, other: str) -> list[str]:
        """Ids of the live records of `other` that this one is tied to; the first one first."""
        id_ = self.aliases[kind].get(id_, id_)
        there = self.records[other]
        ties = self.links.get((kind, other), {}).get(id_, ())
        return [one for one in ties if (row := there.get(one)) and row.archived is None]

    def active_owners(self) -> set[str]:
        """Ids of owners that records may be given to."""
        return {one["id"] for one in self.owners if not one["archived"]}

    def settle(self) -> None:
        """Let the search index catch up with what is older than its lag."""
        now = self.clock.now()
        due = [one for one in self._waiting if one[0] <= now]
        if not due:
            return
        self._waiting = [one for one in self._waiting if one[0] > now]
        for _, kind, id_, values, updated in due:
            self._put(kind, id_, values, updated)

    # --- changing -------------------------------------------------------------------------------

    def create(self, kind: str, given: Mapping[str, Any], by: str, *, dated: bool) -> Record:
        """Add a record as a client does. Raises HubError."""
        self.check(kind, None, given, dated=dated)
        return self.insert(kind, self._checked(kind, given), by)

    def update(
        self, kind: str, record: Record, given: Mapping[str, Any], by: str, *, dated: bool
    ) -> None:
        """Change a record as a client does; a step back of the life cycle is ignored."""
        self.check(kind, record, given, dated=dated)
        values = self._checked(kind, given)
        if _steps_back(record.values.get("lifecyclestage"), values.get("lifecyclestage")):
            del values["lifecyclestage"]
        self.change(kind, record, values, by)

    def check(
        self, kind: str, record: Record | None, given: Mapping[str, Any], *, dated: bool
    ) -> None:
        """Hold values against definitions and rules. Raises HubError."""
        values = self._checked(kind, given)
        email = values.get("email", "").lower()
        there = self._emails.get(email) if kind == "contacts" and email else None
        if there is not None and (record is None or record.id != there):
            raise HubError(409, "CONFLICT", f"Contact already exists. Existing ID: {there}")
        whole = {**(record.values if record else {}), **values}
        for object_, name in self.rules.required if dated else ():
            if object_ == kind and not whole.get(name):
                raise invalid("MISSING_REQUIRED_PROPERTY", name, f"{name} is required")

    def insert(
        self, kind: str, values: Mapping[str, str], by: str, at: Micros | None = None
    ) -> Record:
        """Add a record without asking anybody."""
        self._last_id += 7
        id_ = str(self._last_id)
        now = at if at is not None else self.clock.now()
        first = {name: value for name, value in values.items() if value != ""}
        record = Record(id_, {}, now, now, by, first)
        self.records[kind][id_] = record
        self.order[kind].append(id_)
        self._note(by, kind, id_, "+", None, dict(values))
        self._set(kind, record, first, now)
        return record

    def change(
        self, kind: str, record: Record, values: Mapping[str, str], by: str,
        at: Micros | None = None,
    ) -> None:  # fmt: skip
        """Set properties ("" clears), with history, oracle and a new modified date."""
        now = at if at is not None else self.clock.now()
        for name, value in values.items():
            before = record.values.get(name)
            self._note(by, kind, record.id, name, before, value or None)
            record.changes.setdefault(name, []).insert(0, _entry(value, now, by))
        self._set(kind, record, values, now)

    def archive(self, kind: str, record: Record, by: str) -> None:
        """Put a record into the bin."""
        record.archived = record.updated = self.clock.now()
        self._note(by, kind, record.id, "-", before=False, after=True)
        self._forget_email(kind, record)
        self._reindex(kind, record, gone=True)

    def erase(self, kind: str, record: Record, by: str) -> None:
        """Delete a record for good, as privacy law asks."""
        self.archive(kind, record, by)
        del self.records[kind][record.id]
        self.order[kind].remove(record.id)

    def merge(self, kind: str, primary: str, other: str, by: str) -> Record:
        """Merge two records into a new one, which both old ids lead to from now on."""
        kept, lost = self.find(kind, primary), self.find(kind, other)
        if kept is lost:
            raise HubError(400, "VALIDATION_ERROR", "Cannot merge a record with itself")
        values = {k: v for k, v in {**lost.values, **kept.values}.items() if k not in _MOVED_APART}
        values["hs_merged_object_ids"] = f"{kept.id};{lost.id}"
        if kind == "contacts":
            stamp = self.clock.now() // 1000
            values["hs_calculated_merged_vids"] = f"{kept.id}:{stamp};{lost.id}:{stamp}"
        self.erase(kind, kept, by)
        self.erase(kind, lost, by)
        made = self.insert(kind, values, by, min(kept.created, lost.created))
        self.merged[kind][made.id] = (kept.id, lost.id)
        for old in (kept.id, lost.id):
            for alias, target in list(self.aliases[kind].items()):
                if target == old:
                    self.aliases[kind][alias] = made.id
            self.aliases[kind][old] = made.id
            for (near, far), ties in list(self.links.items()):
                if near == kind:
                    for other_id in ties.pop(old, []):
                        self.tie(kind, made.id, far, other_id)
            if kind == "contacts":
                self._move_events(old, made.id)
        self._set(kind, made, {}, self.clock.now())
        return made

    def tie(self, kind: str, id_: str, other: str, other_id: str) -> None:
        """Associate two records, both ways; the first company of a contact is its primary."""
        for near, near_id, far, far_id in (
            (kind, id_, other, other_id),
            (other, other_id, kind, id_),
        ):
            ties = self.links.setdefault((near, far), {}).setdefault(near_id, [])
            if far_id not in ties:
                ties.append(far_id)
            record = self.records[near].get(near_id)
            primary = (near, far) == ("contacts", "companies")
            if primary and record is not None and not record.values.get("associatedcompanyid"):
                record.values = {**record.values, "associatedcompanyid": far_id}
                self._reindex(near, record)

    def untie(self, kind: str, id_: str, other: str, other_id: str) -> None:
        """Undo an association, both ways."""
        for near, near_id, far, far_id in (
            (kind, id_, other, other_id),
            (other, other_id, kind, id_),
        ):
            ties = self.links.get((near, far), {}).get(near_id, [])
            if far_id in ties:
                ties.remove(far_id)

    def add_list(self, name: str, type_: str, processing: str) -> dict[str, Any]:
        """Make an empty list; gives it as the API does."""
        id_, now = str(len(self.lists) + 1), iso(self.clock.now())
        while id_ in self.lists:
            id_ = str(int(id_) + 1)
        self.members[id_] = {}
        self.lists[id_] = {
            "listId": id_,
            "name": name,
            "objectTypeId": type_,
            "processingType": processing,
            "processingStatus": "COMPLETE",
            "listVersion": 1,
            "createdAt": now,
            "updatedAt": now,
        }
        return self.lists[id_]

    def put_on_list(self, list_: str, id_: str, by: str) -> None:
        """Make a record a member of a list."""
        self.members[list_][id_] = self.clock.now()
        self._note(by, "lists", list_, id_, before=False, after=True)

    def take_off_list(self, list_: str, id_: str, by: str) -> None:
        """End a record's membership of a list."""
        del self.members[list_][id_]
        self._note(by, "lists", list_, id_, before=True, after=False)

    def labels(self, kind: str, other: str) -> list[dict[str, Any]]:
        """The types an association may have, as the API gives them."""
        types = [_label(ASSOCIATION.get((kind, other), 0), None)]
        if (kind, other) in _PRIMARY:
            types.append(_label(_PRIMARY[kind, other], "Primary"))
        return types

    def tie_types(self, kind: str, id_: str, other: str, other_id: str) -> list[dict[str, Any]]:
        """The types one association has: a contact's primary company has two."""
        contact, company = (id_, other_id) if kind == "contacts" else (other_id, id_)
        record = self.records["contacts"].get(contact)
        chosen = record is not None and record.values.get("associatedcompanyid") == company
        return self.labels(kind, other)[: None if chosen else 1]

    def add_events(self, events: list[dict[str, Any]]) -> None:
        """Remember what visitors did."""
        self.events = sorted([*self.events, *events], key=itemgetter("at"))
        self.events_of = {}
        for place, event in enumerate(self.events):
            self.events_of.setdefault(event["objectId"], []).append(place)

    @contextmanager
    def silently(self) -> Iterator[None]:
        """Let nothing that happens meanwhile be noted by the oracle."""
        self._silent = True
        try:
            yield
        finally:
            self._silent = False

    # --- inside ---------------------------------------------------------------------------------

    def _note(self, by: str, kind: str, id_: str, name: str, before: Any, after: Any) -> None:
        if not self._silent:
            self.oracle.note(Effect(self.clock.now(), by, kind, id_, name, before, after))

    def _move_events(self, old: str, new: str) -> None:
        moved = self.events_of.pop(old, [])
        for place in moved:
            self.events[place] = {**self.events[place], "objectId": new}
        if moved:
            self.events_of[new] = sorted([*self.events_of.get(new, ()), *moved])

    def _checked(self, kind: str, given: Mapping[str, Any]) -> dict[str, str]:
        known, owners = self.definitions[kind], self.active_owners()
        return {
            name: checked_value(known.live(name), name, value, owners)
            for name, value in given.items()
        }

    def _set(self, kind: str, record: Record, values: Mapping[str, str], at: Micros) -> None:
        record.updated = at
        if "email" in values:
            self._forget_email(kind, record)
        whole = {**record.values, **values, **_system_values(kind, record, values)}
        if "" in values.values():
            whole = {name: value for name, value in whole.items() if value != ""}
        record.values = whole
        if kind == "contacts" and whole.get("email"):
            self._emails[whole["email"].lower()] = record.id
        self._reindex(kind, record)

    def _forget_email(self, kind: str, record: Record) -> None:
        email = record.values.get("email", "").lower()
        if kind == "contacts" and self._emails.get(email) == record.id:
            del self._emails[email]

    def _reindex(self, kind: str, record: Record, *, gone: bool = False) -> None:
        values = None if gone else record.values
        if self.rules.lag:
            due = self.clock.now() + int(self.rules.lag * SECOND)
            self._waiting.append((due, kind, record.id, values, record.updated))
        else:
            self._put(kind, record.id, values, record.updated)

    def _put(self, kind: str, id_: str, values: Values | None, updated: Micros) -> None:
        self.index_version += 1
        if values is None:
            self.index[kind].pop(id_, None)
        else:
            self.index[kind][id_] = (values, updated)


def _entry(value: str, at: Micros, by: str) -> dict[str, str]:
    source = _SOURCES.get(by, "INTEGRATION")
    return {"value": value, "timestamp": iso(at), "sourceType": source, "sourceId": by}


def _system_values(kind: str, record: Record, given: Mapping[str, str]) -> dict[str, str]:
    created, updated = iso(record.created), iso(record.updated)
    values = {
        "hs_object_id": record.id,
        "createdate": created,
        "hs_createdate": created,
        "hs_lastmodifieddate": updated,
    }
    if kind == "contacts":
        values["lastmodifieddate"] = updated
        stage = given.get("lifecyclestage")
        if stage in LIFECYCLE:
            values[f"hs_lifecyclestage_{stage}_date"] = updated
    if kind == "deals":
        stage = given.get("dealstage") or record.values.get("dealstage", "")
        values["hs_is_closed"] = str(stage.startswith("closed")).lower()
        values["hs_is_closed_won"] = str(stage == "closedwon").lower()
        values["hs_is_closed_lost"] = str(stage == "closedlost").lower()
    return values


def _steps_back(before: str | None, after: str | None) -> bool:
    if not before or not after or before not in LIFECYCLE or after not in LIFECYCLE:
        return False
    return LIFECYCLE.index(after) < LIFECYCLE.index(before)


def _label(type_id: int, label: str | None) -> dict[str, Any]:
    return {"category": "HUBSPOT_DEFINED", "typeId": type_id, "label": label}
