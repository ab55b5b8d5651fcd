"""Tasks and notes for people: made once, however often they are asked for.

HubSpot has no key of ours for an engagement, and its search follows by moments. So each carries a
marker in its text, and before one is made those tied to the contact are read: associations are
not looked up in the search index. Where the answer to a creation is lost, the same look decides.

Source: HubSpot's pages on tasks, notes and associations (2026-11).
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import NamedTuple

from connector.adapters.hubspot.answers import body_of
from connector.adapters.hubspot.associations import Associations
from connector.adapters.hubspot.calls import Calls
from connector.adapters.hubspot.values import iso
from connector.domain.moment import Micros
from connector.errors import RemoteError, UnknownOutcomeError

BATCH = 100
_BODY = {"tasks": "hs_task_body", "notes": "hs_note_body"}


class Task(NamedTuple):
    """Something to do about a contact. `marker` is what makes it one: a short word of ours."""

    marker: str
    contact: str
    subject: str
    body: str
    due: Micros
    owner: str | None = None
    priority: str = "HIGH"


class Note(NamedTuple):
    """Something said on a contact's timeline."""

    marker: str
    contact: str
    body: str
    at: Micros


class Tasks:
    """Makes tasks and notes in one portal."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._associations = Associations(calls)
        self._types: dict[str, int] = {}

    def ensure_task(self, one: Task) -> str:
        """Give the id of the task with this marker, made if it was not there.

        Raises what `Calls.send` raises; UnknownOutcomeError only while HubSpot cannot be read.
        """
        properties = {
            "hs_timestamp": iso(one.due),
            "hs_task_subject": one.subject,
            "hs_task_body": _marked(one.body, one.marker),
            "hs_task_status": "NOT_STARTED",
            "hs_task_priority": one.priority,
            "hs_task_type": "TODO",
        }
        if one.owner:
            properties["hubspot_owner_id"] = one.owner
        return self._ensure("tasks", one.contact, one.marker, properties)

    def ensure_note(self, one: Note) -> str:
        """Give the id of the note with this marker, made if it was not there."""
        properties = {"hs_timestamp": iso(one.at), "hs_note_body": _marked(one.body, one.marker)}
        return self._ensure("notes", one.contact, one.marker, properties)

    def find(self, kind: str, contact: str, marker: str) -> str | None:
        """Give the id of the task or note of a contact that carries the marker."""
        tied = self._associations.read("contacts", kind, [contact]).get(contact, [])
        path = f"{self._calls.paths['objects']}/{kind}/batch/read"
        text = _BODY[kind]
        for start in range(0, len(tied), BATCH):
            body = {
                "inputs": [{"id": ident} for ident in tied[start : start + BATCH]],
                "properties": [text],
                "propertiesWithHistory": [],
            }
            for there in self._calls.post(path, body).get("results", ()):
                if _tag(marker) in (there["properties"].get(text) or ""):
                    return str(there["id"])
        return None

    def _ensure(self, kind: str, contact: str, marker: str, properties: Mapping[str, str]) -> str:
        found = self.find(kind, contact, marker)
        return found if found is not None else self._create(kind, contact, marker, properties)

    def _create(self, kind: str, contact: str, marker: str, properties: Mapping[str, str]) -> str:
        tie = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": self._type(kind)}
        body = {
            "properties": properties,
            "associations": [{"to": {"id": contact}, "types": [tie]}],
        }
        path = f"{self._calls.paths['objects']}/{kind}"
        try:
            return str(body_of(self._calls.send("POST", path, body, repeatable=False))["id"])
        except UnknownOutcomeError:
            made = self.find(kind, contact, marker)
            if made is None:
                raise  # the next run looks again, and makes it then
            return made

    def _type(self, kind: str) -> int:
        """Give the type id of the plain tie to a contact; the portal says it."""
        if kind not in self._types:
            path = f"{self._calls.paths['associations']}/{kind}/contacts/labels"
            for one in self._calls.get(path).get("results", ()):
                if one.get("category") == "HUBSPOT_DEFINED" and not one.get("label"):
                    self._types[kind] = int(one["typeId"])
                    break
            else:
                raise RemoteError(
                    f"HubSpot names no way to tie {kind} to contacts",
                    hint=f"Give the key the scope to read {kind} and contacts",
                )
        return self._types[kind]


def _tag(marker: str) -> str:
    return f"leadloop:{marker}."


def _marked(body: str, marker: str) -> str:
    """Add the marker below the text; bodies are HTML, so what people wrote is spelled for it."""
    return f"{escape(body)}<br><br>{_tag(marker)}"
