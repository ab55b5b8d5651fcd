"""Tasks and notes for sales: looked for by their marker first, made one at a time, never twice.

They are found by the associations of their contact, which show one at once; the search index
follows by moments, and would let one be made a second time.

Source: HubSpot's pages on tasks and notes (2026-11).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from html import escape
from typing import NamedTuple

from connector.adapters.base import NewTask
from connector.adapters.hubspot.answers import ForbiddenError, body_of
from connector.adapters.hubspot.associations import Associations
from connector.adapters.hubspot.calls import Calls
from connector.adapters.hubspot.unconfirmed import NOTE_TO_CONTACT, TASK_TO_CONTACT
from connector.domain.moment import format_iso
from connector.errors import FeatureError, UnknownOutcomeError

_READ = 100
_MARKS = re.compile(r"\[([^\[\]<>]+)\]")


class Deed(NamedTuple):
    """What is made: an object, the property that holds its marker, and how it is tied."""

    kind: str
    marked: str
    tied: int


TASK = Deed("tasks", "hs_task_subject", TASK_TO_CONTACT)
NOTE = Deed("notes", "hs_note_body", NOTE_TO_CONTACT)


class Tasks:
    """Tasks and notes of one portal."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._associations = Associations(calls)

    def find(self, deed: Deed, source: str, wanted: Sequence[NewTask]) -> dict[str, str]:
        """Give the ids of those that stand there, by marker."""
        with _offered():
            return self._found(deed, source, wanted)

    def _found(self, deed: Deed, source: str, wanted: Sequence[NewTask]) -> dict[str, str]:
        about = [one.record for one in wanted]
        tied = self._associations.read(source, deed.kind, about)
        ids = list(dict.fromkeys(ident for some in tied.values() for ident in some))
        markers = {one.marker for one in wanted}
        found: dict[str, str] = {}
        path = f"{self._calls.paths['objects']}/{deed.kind}/batch/read"
        for start in range(0, len(ids), _READ):
            body = {
                "properties": [deed.marked],
                "inputs": [{"id": ident} for ident in ids[start : start + _READ]],
            }
            for row in self._calls.post(path, body).get("results", ()):
                text = str((row.get("properties") or {}).get(deed.marked) or "")
                for marker in markers.intersection(_MARKS.findall(text)):
                    found.setdefault(marker, str(row["id"]))
        return found

    def create(self, deed: Deed, one: NewTask) -> str:
        """Make one, tied to its contact."""
        kind = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": deed.tied}
        body = {
            "properties": _task(one) if deed is TASK else _note(one),
            "associations": [{"to": {"id": one.record}, "types": [kind]}],
        }
        path = f"{self._calls.paths['objects']}/{deed.kind}"
        with _offered():
            made = body_of(self._calls.send("POST", path, body, repeatable=False)).get("id")
        if made is None:
            raise UnknownOutcomeError(
                f"HubSpot's answer to one of {deed.kind} names no id",
                hint="It is looked for next time",
            )
        return str(made)


def _task(one: NewTask) -> Mapping[str, str]:
    return {
        "hs_task_subject": one.subject,
        "hs_task_body": _html(one.text),
        "hs_timestamp": format_iso(one.due),
        "hs_task_status": "NOT_STARTED",
        "hs_task_type": "TODO",
        "hubspot_owner_id": one.owner,
    }


def _note(one: NewTask) -> Mapping[str, str]:
    told = {"hs_note_body": _html(one.text), "hs_timestamp": format_iso(one.due)}
    return told | ({"hubspot_owner_id": one.owner} if one.owner else {})


def _html(text: str) -> str:
    return escape(text).replace("\n", "<br>")


@contextmanager
def _offered() -> Iterator[None]:
    try:
        yield
    except ForbiddenError as error:
        raise FeatureError(str(error), hint="Give the key that scope") from error
