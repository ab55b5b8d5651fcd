"""What an org's own admins set up that an integration meets, and who holds which records."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from connector.domain.moment import Micros
from connector.practice.salesforce.errors import SaveError


@dataclass
class Rules:
    """Rules of one org."""

    assignment: dict[str, str] = field(default_factory=dict)
    """Object -> the owner its assignment rule gives, unless a call says not to."""
    validation: list[dict[str, Any]] = field(default_factory=list)
    """{object, field, equals, message}: rows with that value are refused."""
    triggers: list[dict[str, Any]] = field(default_factory=list)
    """{object, on, message}: the customer's own code throws when field `on` is set."""
    flows: list[dict[str, Any]] = field(default_factory=list)
    """{object, on, set, count}: when field `on` is set, the flow sets other fields, and adds one to
    the number `count` each time."""
    locked: dict[str, int] = field(default_factory=dict)
    """Record id, or its account's -> how many more writes find it locked."""
    held: dict[str, Micros] = field(default_factory=dict)
    """The same, but until a moment: another transaction works on it."""
    lock_status: int = 400
    """The HTTP status of a lock in a call for one record; real ones were seen with 500, too."""
    duplicates: dict[str, str] = field(default_factory=dict)
    """Object -> `block` or `alert`: no second row with the same e-mail address, or only if the
    call insists."""
    duplicates_at_any_edit: bool = False
    """Whether rows are held against them when anything changes, not only the address; not known."""
    conversion: dict[str, str] = field(default_factory=dict)
    """Lead's custom field -> contact's: what conversion takes along (LeadConvertSettings)."""
    member_keeps_lead: bool = True
    """Unconfirmed: a campaign member of a converted lead names the contact and still the lead."""
    hidden: set[tuple[str, str]] = field(default_factory=set)
    """(object, field) that field-level security hides."""
    unshared: set[str] = field(default_factory=set)
    """Ids of records that sharing keeps from whoever calls."""
    references: dict[str, list[str]] = field(default_factory=dict)
    """`Object.Field__c` -> the flows, reports or pages that keep it from being removed."""
    blind: set[str] = field(default_factory=set)
    """Ids of users who may not read what they would own."""

    def check_locks(self, ids: Iterable[Any], now: Micros) -> None:
        """Raises SaveError where one of these records is locked; counts the write off."""
        for id_ in ids:
            if self.held.get(id_, 0) > now:
                raise self._lock(id_)
            if self.locked.get(id_, 0) > 0:
                self.locked[id_] -= 1
                raise self._lock(id_)

    def check_triggers(self, object_: str, given: Iterable[str]) -> None:
        """Raises SaveError where the customer's own code throws."""
        for trigger in self.triggers:
            if trigger["object"] == object_ and trigger["on"] in given:
                raise SaveError("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", trigger["message"])

    def _lock(self, id_: str) -> SaveError:
        return SaveError(
            "UNABLE_TO_LOCK_ROW",
            f"unable to obtain exclusive access to this record or 1 records: {id_}",
            status=self.lock_status,
        )


class Wishes(NamedTuple):
    """What the headers of a write ask for."""

    auto_assign: bool = True
    allow_duplicates: bool = False
    details: bool = False
    """Whether the answer shows the fields of a duplicate."""


WISHES = Wishes()
