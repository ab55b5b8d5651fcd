"""Tasks for sales: looked for by their marker first, made one at a time, never made twice.

They are found by the associations of their contact, which show a task at once; the search index
follows by moments, and would let one be made a second time.

Source: HubSpot's page on tasks; association type 204 is task to contact (2026-11).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from html import escape

from connector.adapters.base import NewTask
from connector.adapters.hubspot.answers import ForbiddenError, body_of
from connector.adapters.hubspot.associations import Associations
from connector.adapters.hubspot.calls import Calls
from connector.domain.moment import format_iso
from connector.errors import FeatureError, UnknownOutcomeError

_TO_CONTACT = 204
_READ = 100


class Tasks:
    """Tasks of one portal."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._associations = Associations(calls)

    def find(self, source: str, wanted: Sequence[NewTask]) -> dict[str, str]:
        """Give the ids of tasks that stand there, by marker."""
        with _offered():
            return self._found(source, wanted)

    def _found(self, source: str, wanted: Sequence[NewTask]) -> dict[str, str]:
        about = [one.record for one in wanted]
        tied = self._associations.read(source, "tasks", about)
        ids = list(dict.fromkeys(task for tasks in tied.values() for task in tasks))
        markers = {one.marker for one in wanted}
        found: dict[str, str] = {}
        for start in range(0, len(ids), _READ):
            body = {
                "properties": ["hs_task_subject"],
                "inputs": [{"id": ident} for ident in ids[start : start + _READ]],
            }
            answer = self._calls.post(f"{self._calls.paths['objects']}/tasks/batch/read", body)
            for row in answer.get("results", ()):
                subject = str((row.get("properties") or {}).get("hs_task_subject") or "")
                marker = subject.rpartition("[")[2].removesuffix("]")
                if marker in markers:
                    found.setdefault(marker, str(row["id"]))
        return found

    def create(self, task: NewTask) -> str:
        """Make one task, tied to its contact."""
        kind = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": _TO_CONTACT}
        body = {
            "properties": {
                "hs_task_subject": task.subject,
                "hs_task_body": escape(task.text).replace("\n", "<br>"),
                "hs_timestamp": format_iso(task.due),
                "hs_task_status": "NOT_STARTED",
                "hs_task_type": "TODO",
                "hubspot_owner_id": task.owner,
            },
            "associations": [{"to": {"id": task.record}, "types": [kind]}],
        }
        path = f"{self._calls.paths['objects']}/tasks"
        with _offered():
            made = body_of(self._calls.send("POST", path, body, repeatable=False)).get("id")
        if made is None:
            raise UnknownOutcomeError(
                "HubSpot's answer to a task names no id", hint="It is looked for next time"
            )
        return str(made)


@contextmanager
def _offered() -> Iterator[None]:
    try:
        yield
    except ForbiddenError as error:
        raise FeatureError(str(error), hint="Give the key that scope") from error
