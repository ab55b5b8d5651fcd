"""Owners: a short list, read whole; the archived ones are a list of their own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from connector.adapters.base import Page, RemoteField, Row
from connector.adapters.hubspot.library import Library
from connector.adapters.hubspot.values import iso
from connector.domain.moment import to_micros
from connector.domain.outward import FieldType
from connector.errors import UsageError

_FIELDS = {
    "id": FieldType.TEXT,
    "email": FieldType.TEXT,
    "name": FieldType.TEXT,
    "firstName": FieldType.TEXT,
    "lastName": FieldType.TEXT,
    "type": FieldType.TEXT,
    "userId": FieldType.TEXT,
    "team": FieldType.TEXT,
    "archived": FieldType.BOOLEAN,
    "createdAt": FieldType.MOMENT,
    "updatedAt": FieldType.MOMENT,
}
QUEUE = "QUEUE"


class Owners:
    """Owners of one portal. `id` is what records carry; `userId` is another number."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def read(self, names: Sequence[str]) -> Iterator[Page]:
        """Yield all owners as one page; the list has no modified date to ask for."""
        self._check(names)
        rows = [_row(one) for archived in (False, True) for one in self._of(archived)]
        rows.sort(key=lambda row: (len(row["id"]), row["id"]))
        if rows:
            yield Page(rows, "all")

    def by_ids(self, names: Sequence[str], ids: Sequence[str]) -> list[Row]:
        """Give these owners."""
        wanted = set(ids)
        return [row for page in self.read(names) for row in page.rows if row["id"] in wanted]

    def refusals(self) -> dict[str, str | None]:
        """Say of each owner id that may be found on records whether it can be given leads now:
        None if so, else the code of why not. Asked for anew each time: people leave."""
        found: dict[str, str | None] = {one.id: "owner_archived" for one in self._of(archived=True)}
        for one in self._of(archived=False):
            found[one.id] = "owner_is_a_queue" if one.type == QUEUE else None
        return found

    def describe(self) -> dict[str, RemoteField]:
        """Describe an owner."""
        return {
            name: RemoteField(name, kind, name, writable=False) for name, kind in _FIELDS.items()
        }

    def _of(self, archived: bool) -> Iterator[Any]:  # noqa: FBT001  one of two lists
        return self._library.owners(archived=archived)

    def _check(self, names: Sequence[str]) -> None:
        for name in names:
            if name not in _FIELDS:
                raise UsageError(
                    f"HubSpot's owners have no field `{name}`",
                    hint=f"They have: {', '.join(_FIELDS)}",
                )


def _row(one: Any) -> Row:
    teams = [team.name for team in one.teams or () if team.primary] if one.teams else []
    user = one.user_id if one.user_id is not None else one.user_id_including_inactive
    return {
        "id": str(one.id),
        "email": one.email or None,
        "name": " ".join(filter(None, (one.first_name, one.last_name))) or None,
        "firstName": one.first_name,
        "lastName": one.last_name,
        "type": one.type,
        "userId": None if user is None else str(user),
        "team": teams[0] if teams else None,
        "archived": bool(one.archived),
        "createdAt": _moment(one.created_at),
        "updatedAt": _moment(one.updated_at),
    }


def _moment(value: Any) -> str | None:
    if not isinstance(value, datetime):
        return None
    return iso(to_micros(value))
