"""One portal: records with history, associations, owners, pipelines, events, and the search index.

The index is a copy that follows the records by `lag` seconds. Properties of a record are replaced,
never changed in place, so the index may hold older ones. Source: developers.hubspot.com, CRM API
guides.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connector.domain.moment import SECOND, Micros, to_datetime
from connector.practice.clock import PracticeClock
from connector.practice.hubspot.errors import HubError, invalid, not_found
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
}  # fmt: skip
STAGES = (
    ("appointmentscheduled", "0.2"), ("qualifiedtobuy", "0.4"), ("presentationscheduled", "0.6"),
    ("decisionmakerboughtin", "0.8"), ("contractsent", "0.9"), ("closedwon", "1.0"),
    ("closedlost", "0.0"),
)  # fmt: skip


@dataclass
class Record:
    """One record. `values` holds what is set; a property that was cleared is absent."""

    id: str
    values: Values
    created: Micros
    updated: Micros
    archived: Micros | None = None
    history: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    """By property, newest first."""


@dataclass
class Rules:
    """What this portal's admins set up."""

    required: list[tuple[str, str]] = field(default_factory=list)
    """(object type, property) that a 2026-09 write must leave filled."""
    leads_enabled: bool = False
    enterprise: bool = True
    lag: float = 0.0
    """Seconds the search index is behind."""


class Portal:
    """The state of one portal."""

    def __init__(self, clock: PracticeClock) -> None:
        self.clock = clock
        self.oracle = Oracle()
        self.rules = Rules()
        self.id = 147893286
        self.definitions: dict[str, Definitions] = new_definitions()
        self.records: dict[str, dict[str, Record]] = {name: {} for name in self.definitions}
        self.order: dict[str, list[int]] = {name: [] for name in self.definitions}
        self.index: dict[str, dict[str, tuple[Values, Micros]]] = {
            name: {} for name in self.definitions
        }
        self.aliases: dict[str, dict[str, str]] = {name: {} for name in self.definitions}
        self.links: dict[tuple[str, str], dict[str, list[str]]] = {}
        self.owners: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []
        self.mails: list[dict[str, Any]] = []
        self.forms: dict[str, dict[str, Any]] = {}
        self.submissions: dict[str, list[dict[str, Any]]] = {}
        self._waiting: list[tuple[Micros, str, str, Values | None, Micros]] = []
        self._last_id = 734_931_000_000

    # --- looking --------------------------------------------------------------------------------

    def find(self, kind: str, id_: str) -> Record:
        """The live record of an id, or of the one it was merged into. Raises HubError 404."""
        found = self.records[kind].get(self.aliases[kind].get(id_, id_))
        if found is None or found.archived is not None:
            raise not_found(id_)
        return found

    def find_by(self, kind: str, name: str, value: str) -> Record:
        """The live record with that value of a unique property. Raises HubError 404."""
        wanted = value.lower()
        for record in self.records[kind].values():
            if record.archived is None and record.values.get(name, "").lower() == wanted:
                return record
        raise not_found(value)

    def associated(self, kind: str, id_: str, other: str) -> list[str]:
        """Ids of the records of `other` that this one is tied to; the primary one first."""
        return self.links.get((kind, other), {}).get(id_, [])

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
            if values is None:
                self.index[kind].pop(id_, None)
            else:
                self.index[kind][id_] = (values, updated)

    # --- changing -------------------------------------------------------------------------------

    def create(self, kind: str, given: Mapping[str, Any], by: str, *, dated: bool) -> Record:
        """Add a record as a client does. Raises HubError."""
        values = self._checked(kind, given)
        email = values.get("email")
        if kind == "contacts" and email:
            try:
                there = self.find_by(kind, "email", email)
            except HubError:
                pass
            else:
                raise HubError(409, "CONFLICT", f"Contact already exists. Existing ID: {there.id}")
        self._check_required(kind, values, dated=dated)
        return self.insert(kind, values, by)

    def update(
        self, kind: str, record: Record, given: Mapping[str, Any], by: str, *, dated: bool
    ) -> None:
        """Change a record as a client does; a step back of the life cycle is ignored."""
        values = self._checked(kind, given)
        self._check_required(kind, {**record.values, **values}, dated=dated)
        if _steps_back(record.values.get("lifecyclestage"), values.get("lifecyclestage")):
            del values["lifecyclestage"]
        self.change(kind, record, values, by)

    def check(self, kind: str, record: Record, given: Mapping[str, Any], *, dated: bool) -> None:
        """Hold values against definitions and rules. Raises HubError."""
        values = self._checked(kind, given)
        self._check_required(kind, {**record.values, **values}, dated=dated)

    def insert(
        self, kind: str, values: Mapping[str, str], by: str, at: Micros | None = None
    ) -> Record:
        """Add a record without asking anybody."""
        self._last_id += 7
        id_ = str(self._last_id)
        now = at if at is not None else self.clock.now()
        record = Record(id_, {}, now, now)
        self.records[kind][id_] = record
        insort(self.order[kind], int(id_))
        self.oracle.note(Effect(self.clock.now(), by, kind, id_, "+", None, dict(values)))
        self._set(kind, record, {k: v for k, v in values.items() if v != ""}, by, now)
        return record

    def change(
        self, kind: str, record: Record, values: Mapping[str, str], by: str,
        at: Micros | None = None,
    ) -> None:  # fmt: skip
        """Set properties ("" clears), with history, oracle and a new modified date."""
        for name, value in values.items():
            before = record.values.get(name)
            effect = Effect(self.clock.now(), by, kind, record.id, name, before, value or None)
            self.oracle.note(effect)
        self._set(kind, record, values, by, at if at is not None else self.clock.now())

    def archive(self, kind: str, record: Record, by: str) -> None:
        """Put a record into the bin."""
        now = self.clock.now()
        record.archived = record.updated = now
        effect = Effect(now, by, kind, record.id, "-", before=False, after=True)
        self.oracle.note(effect)
        self._reindex(kind, record, gone=True)

    def erase(self, kind: str, record: Record, by: str) -> None:
        """Delete a record for good, as privacy law asks."""
        self.archive(kind, record, by)
        del self.records[kind][record.id]
        self.order[kind].remove(int(record.id))

    def merge(self, kind: str, primary: str, other: str, by: str) -> Record:
        """Merge two records into a new one, which both old ids lead to from now on."""
        kept, lost = self.find(kind, primary), self.find(kind, other)
        if kept is lost:
            raise HubError(400, "VALIDATION_ERROR", "Cannot merge a record with itself")
        system = {"hs_object_id", "createdate", "hs_createdate"}
        values = {k: v for k, v in {**lost.values, **kept.values}.items() if k not in system}
        values["hs_merged_object_ids"] = f"{kept.id};{lost.id}"
        made = self.insert(kind, values, by, min(kept.created, lost.created))
        for old in (kept, lost):
            self.archive(kind, old, by)
            del self.records[kind][old.id]
            self.order[kind].remove(int(old.id))
            for alias, target in list(self.aliases[kind].items()):
                if target == old.id:
                    self.aliases[kind][alias] = made.id
            self.aliases[kind][old.id] = made.id
            for (near, far), ties in list(self.links.items()):
                if near == kind:
                    for other_id in ties.pop(old.id, []):
                        self.tie(kind, made.id, far, other_id)
        self._set(kind, made, {}, by, self.clock.now())
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

    # --- inside ---------------------------------------------------------------------------------

    def _checked(self, kind: str, given: Mapping[str, Any]) -> dict[str, str]:
        known, owners = self.definitions[kind], self.active_owners()
        return {
            name: checked_value(known.live(name), name, value, owners)
            for name, value in given.items()
        }

    def _check_required(self, kind: str, values: Mapping[str, str], *, dated: bool) -> None:
        for object_, name in self.rules.required if dated else ():
            if object_ == kind and not values.get(name):
                raise invalid("MISSING_REQUIRED_PROPERTY", name, f"{name} is required")

    def _set(
        self, kind: str, record: Record, values: Mapping[str, str], by: str, at: Micros
    ) -> None:
        record.updated = at
        whole = {**record.values, **values}
        whole |= _system_values(kind, record)
        record.values = {name: value for name, value in whole.items() if value != ""}
        for name, value in values.items():
            entry = {"value": value, "timestamp": iso(at), "sourceType": "INTEGRATION"}
            record.history.setdefault(name, []).insert(0, {**entry, "sourceId": by})
        self._reindex(kind, record)

    def _reindex(self, kind: str, record: Record, *, gone: bool = False) -> None:
        due = self.clock.now() + int(self.rules.lag * SECOND)
        values = None if gone else record.values
        if self.rules.lag:
            self._waiting.append((due, kind, record.id, values, record.updated))
        elif values is None:
            self.index[kind].pop(record.id, None)
        else:
            self.index[kind][record.id] = (values, record.updated)

    def tie_type(self, kind: str, other: str, *, primary: bool) -> list[dict[str, Any]]:
        """The labels of an association, as the API gives them."""
        types = [_label(ASSOCIATION.get((kind, other), 0), None)]
        if primary and (kind, other) == ("contacts", "companies"):
            types.append(_label(1, "Primary"))
        return types


def iso(moment: Micros) -> str:
    """A moment as HubSpot spells it: milliseconds, none where they are zero."""
    at = to_datetime(moment)
    milli = at.microsecond // 1000
    return at.strftime("%Y-%m-%dT%H:%M:%S") + (f".{milli:03}Z" if milli else "Z")


def pipelines(kind: str) -> list[dict[str, Any]]:
    """The pipelines of deals (or leads); their metadata are strings."""
    if kind != "deals":
        return []
    stages: Sequence[tuple[str, str]] = STAGES
    return [
        {
            "id": "default",
            "label": "Sales Pipeline",
            "displayOrder": 0,
            "archived": False,
            "createdAt": "1970-01-01T00:00:00Z",
            "updatedAt": "1970-01-01T00:00:00Z",
            "stages": [
                {
                    "id": stage,
                    "label": stage,
                    "displayOrder": place,
                    "archived": False,
                    "createdAt": "1970-01-01T00:00:00Z",
                    "updatedAt": "1970-01-01T00:00:00Z",
                    "metadata": {
                        "isClosed": str(stage.startswith("closed")).lower(),
                        "probability": chance,
                    },
                }
                for place, (stage, chance) in enumerate(stages)
            ],
        }
    ]


def _system_values(kind: str, record: Record) -> dict[str, str]:
    created, updated = iso(record.created), iso(record.updated)
    values = {
        "hs_object_id": record.id,
        "createdate": created,
        "hs_createdate": created,
        "hs_lastmodifieddate": updated,
    }
    if kind == "contacts":
        values["lastmodifieddate"] = updated
    if kind == "deals":
        stage = record.values.get("dealstage", "")
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
