"""What became of a write, from Salesforce's own word for it. Pure.

Source: SOAP API Developer Guide, "Core Data Types: StatusCode"; Bulk API 2.0 Developer Guide,
"Get Job Failed Record Results" for an error as one text, `CODE:message:fields --`.
"""

from __future__ import annotations

from collections.abc import Sequence

from connector.adapters.salesforce.answers import LATER, Refusal
from connector.adapters.salesforce.unconfirmed import ERROR_PARTS
from connector.domain.change import Outcome, Result

LOCKED = "UNABLE_TO_LOCK_ROW"
_LATER = LATER | {
    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "REQUEST_LIMIT_EXCEEDED",
    "UNKNOWN_EXCEPTION",
}
_GONE = frozenset({"ENTITY_IS_DELETED", "NOT_FOUND", "MALFORMED_ID", "INVALID_ID_FIELD"})
_CONVERTED = "CANNOT_UPDATE_CONVERTED_LEAD"
_PASSING = (LOCKED, "CPU time limit")
_MOST_WORDS = 1000
_HINTS = {
    "DUPLICATES_DETECTED": "A duplicate rule blocks this record: merge its twin, or let the rule "
    "allow edits",
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": "A validation rule refuses this record as it is: mend it "
    "there, or let the rule pass our user",
    "INVALID_FIELD_FOR_INSERT_UPDATE": "Assign the permission set Leadloop Integration to our user",
    "INACTIVE_OWNER_OR_USER": "Take the user out of routing.yaml, or make them active again",
    "QUEUE_NOT_FOR_OBJECT": "Let the queue take this object (Setup > Queues)",
    "TRANSFER_REQUIRES_READ": "Give the new owner the right to see this object",
}


def outcome(ident: str, errors: Sequence[Refusal]) -> Outcome:
    """Say what became of a record that was refused with these errors; none tell us nothing."""
    if not errors:
        return Outcome(ident, Result.UNKNOWN, "no_answer")
    first = errors[0]
    field = first.fields[0] if first.fields else None
    hint = _HINTS.get(first.code, "")
    return Outcome(ident, result_of(first), first.code, first.message[:_MOST_WORDS], field, hint)


def result_of(error: Refusal) -> Result:
    """Say whether an error is for good, passes, or means that the record is not there any more.

    A converted lead takes no writes: its contact is read next, and the score goes there.
    """
    if error.code in _LATER:
        return Result.RETRY
    if error.code in _GONE or error.code == _CONVERTED:
        return Result.GONE
    if error.code == "INVALID_CROSS_REFERENCE_KEY" and not error.fields:
        return Result.GONE
    if error.code == "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY" and any(
        word in error.message for word in _PASSING
    ):
        return Result.RETRY  # their trigger met a lock or ran out of time
    return Result.REFUSED


def spelled_error(text: str) -> Refusal:
    """Read an error as Bulk spells it."""
    code, _, rest = text.partition(ERROR_PARTS)
    message, _, fields = rest.rpartition(ERROR_PARTS)
    names = fields.removesuffix("--").replace(",", " ").split()
    return Refusal(code.strip(), message if message else rest, tuple(names))
