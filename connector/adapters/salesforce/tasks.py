"""Tasks for sales: looked for by their marker first, made one at a time, never made twice.

A long text cannot be searched, so the marker stands at the end of the subject; tasks are found
by the record they are about, whose number is small.

Source: Object Reference, "Task" (Subject 255 characters, WhoId, ActivityDate a day without time);
REST API Developer Guide, "sObject Basic Information".
"""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from connector.adapters.base import NewTask
from connector.adapters.salesforce.answers import NoRightError
from connector.adapters.salesforce.calls import Calls
from connector.adapters.salesforce.days import Days
from connector.adapters.salesforce.reading import Reading
from connector.adapters.salesforce.soql import full_id
from connector.errors import FeatureError, RemoteError, UnknownOutcomeError

_SUBJECT = 255
_CALL = {"Sforce-Call-Options": "client=leadloop"}


class Tasks:
    """Tasks of one org."""

    def __init__(self, calls: Calls, reading: Reading, days: Days) -> None:
        self._calls = calls
        self._days = days
        self._reading = reading

    def find(self, wanted: Sequence[NewTask]) -> dict[str, str]:
        """Give the ids of tasks that stand there, by marker."""
        about = sorted({ident for one in wanted if (ident := full_id(one.record))})
        if not about:
            return {}
        rows = self._reading.matching("Task", ["Id", "Subject"], "WhoId", about)
        markers = {one.marker for one in wanted}
        found: dict[str, str] = {}
        for row in rows:
            marker = str(row.get("Subject") or "").rpartition("[")[2].removesuffix("]")
            if marker in markers:
                found.setdefault(marker, str(row["Id"]))
        return found

    def create(self, task: NewTask) -> str:
        """Make one task."""
        who, owner = full_id(task.record), full_id(task.owner)
        if who is None or owner is None:
            raise RemoteError("a task needs a record and an owner", vendor_code="MALFORMED_ID")
        mark = f" [{task.marker}]"
        title = task.subject.replace(mark, "")
        body = {
            "Subject": title[: _SUBJECT - len(mark)] + mark,
            "Description": task.text,
            "WhoId": who,
            "OwnerId": owner,
            "ActivityDate": self._days.of(task.due),
            "Status": "Not Started",
            "Priority": "High",
        }
        answer = self._sent(orjson.dumps(body))
        try:
            return str(orjson.loads(answer)["id"])
        except (orjson.JSONDecodeError, KeyError, TypeError):
            raise UnknownOutcomeError(
                "Salesforce's answer to a task names no id", hint="It is looked for next time"
            ) from None

    def _sent(self, body: bytes) -> bytes:
        try:
            return self._calls.write("POST", "sobjects/Task", body, "make a task", headers=_CALL)
        except NoRightError as error:
            raise FeatureError(
                str(error), hint="Give our user the system permission Edit Tasks"
            ) from error
