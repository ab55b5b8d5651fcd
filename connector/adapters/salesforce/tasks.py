"""Hand-off tasks: one for each hand-off, found again by its mark before one is made.

The mark stands at the end of the subject, where a query can look for it; a long text cannot be
searched, and a field of our own on tasks would be one more thing to install. An answer that got
lost leaves its tasks unknown: whoever asks again finds those that were made.

Source: Object Reference, "Task"; REST API Developer Guide, "Create Multiple Records".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson

from connector.adapters.salesforce.answers import refusal
from connector.adapters.salesforce.calls import Calls
from connector.adapters.salesforce.outcomes import outcome
from connector.adapters.salesforce.reading import Reading
from connector.adapters.salesforce.soql import full_id
from connector.adapters.salesforce.writing import CHUNK, HEADERS
from connector.domain.change import Outcome, Result
from connector.errors import RemoteError, UnknownOutcomeError

_MOST_SUBJECT = 255


class HandOffTask(NamedTuple):
    """A task for an owner about a lead or contact. `mark` is the hand-off's own and short;
    `due` is a day, `YYYY-MM-DD`."""

    person: str
    owner: str
    subject: str
    due: str
    mark: str
    text: str = ""

    @property
    def full_subject(self) -> str:
        """The subject with the mark behind it; a long one is cut before the mark."""
        tail = f" [{self.mark}]"
        return self.subject[: _MOST_SUBJECT - len(tail)] + tail


def make_tasks(calls: Calls, reading: Reading, wanted: Sequence[HandOffTask]) -> list[Outcome]:
    """Make what is not there yet; one outcome each, in their order, by the id of its person."""
    outcomes: dict[int, Outcome] = {}
    there = _marked(reading, wanted)
    missing: list[tuple[int, HandOffTask]] = []
    for place, one in enumerate(wanted):
        if (full_id(one.person), one.mark) in there:
            outcomes[place] = Outcome(one.person, Result.APPLIED, "there")
        else:
            missing.append((place, one))
    for start in range(0, len(missing), CHUNK):
        some = missing[start : start + CHUNK]
        made = _make(calls, [one for _, one in some])
        outcomes.update(zip((place for place, _ in some), made, strict=True))
    return [outcomes[place] for place in range(len(wanted))]


def _marked(reading: Reading, wanted: Sequence[HandOffTask]) -> set[tuple[str | None, str]]:
    """The (person, mark) of tasks that are there; closed ones count, deleted ones do not."""
    people = [one.person for one in wanted]
    found = reading.matching("Task", ["Id", "WhoId", "Subject"], "WhoId", people)
    return {
        (row["WhoId"], subject.rpartition(" [")[2][:-1])
        for row in found
        if (subject := row["Subject"] or "").endswith("]")
    }


def _make(calls: Calls, wanted: Sequence[HandOffTask]) -> list[Outcome]:
    records = [
        {
            "attributes": {"type": "Task"},
            "WhoId": one.person,
            "OwnerId": one.owner,
            "Subject": one.full_subject,
            "ActivityDate": one.due,
            "Description": one.text or None,
        }
        for one in wanted
    ]
    body = orjson.dumps({"allOrNone": False, "records": records})
    try:
        answer = calls.write(
            "POST", "composite/sobjects", body, "make hand-off tasks", headers=HEADERS
        )
        given = orjson.loads(answer)
    except (UnknownOutcomeError, orjson.JSONDecodeError):
        given = None
    except RemoteError as error:
        return [Outcome(one.person, Result.REFUSED, error.vendor_code) for one in wanted]
    if not isinstance(given, list) or len(given) != len(wanted):
        return [Outcome(one.person, Result.UNKNOWN, "no_answer") for one in wanted]
    return [_settled(one, told) for one, told in zip(wanted, given, strict=True)]


def _settled(one: HandOffTask, told: Any) -> Outcome:
    if told.get("success") is True:
        return Outcome(one.person, Result.APPLIED)
    errors = [refusal(e) for e in told.get("errors") or () if isinstance(e, dict)]
    return outcome(one.person, errors)
