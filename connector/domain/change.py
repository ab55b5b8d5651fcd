"""A change is one field of one record, before -> after; an outcome says what became of it."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from connector.domain.record import Fields


class Write(NamedTuple):
    """What is asked of a CRM for one record: absolute values, by remote field name.

    `quiet` asks the CRM to send no notification of its own (first loads); a real hand-off
    is not quiet.
    """

    source: str
    id: str
    values: Fields
    quiet: bool = False


class Result(StrEnum):
    """What became of one write."""

    APPLIED = "applied"
    REFUSED = "refused"  # for good: a rule, a type, a permission
    RETRY = "retry"  # a lock or a hiccup of this record: later
    GONE = "gone"  # deleted or merged away in the CRM
    UNKNOWN = "unknown"  # no answer: read it back


class Outcome(NamedTuple):
    """The CRM's answer for one record. `message` is the vendor's words: stored, never logged.

    `hint` is the one next step for whoever mends it. `into` is the record it was merged into,
    where the CRM says so.
    """

    id: str
    result: Result
    code: str = ""
    message: str = ""
    field: str | None = None
    hint: str = ""
    into: str | None = None
