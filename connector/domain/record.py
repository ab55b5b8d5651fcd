"""What one remote row becomes once a mapping has read it."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple, TypeAlias

from connector.domain.moment import Micros

Scalar: TypeAlias = str | int | float | bool | None
Fields: TypeAlias = dict[str, Scalar]


class Kind(StrEnum):
    """What a remote object is to us."""

    PERSON = "person"
    ACTIVITY = "activity"
    ANSWERS = "answers"
    """What a person answered at one touch: on a form, to a caller, at a fair."""
    ACCOUNT = "account"
    OPPORTUNITY = "opportunity"
    OWNER = "owner"
    CAMPAIGN = "campaign"
    HISTORY = "history"
    """Earlier values of another object's fields; a mapping asks for it by `history:` there."""


ANSWERED_AT = "answered_at"
"""When answers were given, among their values."""


class Record(NamedTuple):
    """One person, account, opportunity or owner row in our words.

    `doc` holds the mapped values; beside the mapping's own field names it may hold `status`,
    `reason`, `owner` (remote owner id), `account` and `person` (remote ids in the same
    connection). `remote` holds what the fields we write to contain now, by remote name,
    but for those that are empty.
    `gone` means deleted or merged away; then `merged_into` may name the winner.
    """

    id: str
    changed: Micros | None
    doc: Fields
    remote: Fields
    gone: bool = False
    merged_into: str | None = None


class Activity(NamedTuple):
    """One engagement event. `person` is `<object>/<id>` in the same connection, else `email`.

    Text that rules read is normalised already. `message` groups the events of one mail;
    `agent` is the user agent or another trace of who acted.
    """

    id: str
    type: str
    time: Micros
    person: str | None = None
    email: str | None = None
    url: str | None = None
    asset: str | None = None
    campaign: str | None = None
    form: str | None = None
    channel: str | None = None
    visit: str | None = None
    message: str | None = None
    agent: str | None = None
    owner: str | None = None


class Edit(NamedTuple):
    """One edit of one field of a record, in our words: when, by whom, the value before and after.

    `record` is the remote id of what was edited, `by` that of who did it.
    """

    id: str
    record: str
    field: str
    at: Micros
    before: Scalar
    after: Scalar
    by: str | None = None


class Rejected(NamedTuple):
    """A row that could not be read: kept aside with its reason, never dropped in silence.

    `place` is `file:line` or `<object>/<id>`; `reason` names the field and what would have been
    right, never the value.
    """

    place: str
    reason: str
    id: str | None = None
