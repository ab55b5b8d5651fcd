"""Reading: closed windows of change times, paged by id, deleted and archived rows included.

A page is never taken by Salesforce's own cursor: what came of it is kept, and the next query begins
after its last id. So an answer may be short, a cursor may expire and a run may die anywhere.

Source: SOQL and SOQL Reference; REST API Developer Guide, "QueryAll".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from connector.adapters.base import Page, Row, Window
from connector.adapters.salesforce.calls import Calls
from connector.adapters.salesforce.describing import Objects
from connector.adapters.salesforce.shape import Shape, fill, gone, shape_of
from connector.adapters.salesforce.soql import (
    MAX_URL,
    Select,
    full_id,
    groups,
    moment,
    quoted,
    url_size,
)
from connector.errors import RemoteError, TryLaterError, UsageError

PAGE = 2000
_ROLE = "role:"
_IDS = 300
_FRAME = 300
"""Bytes of a query's URL besides columns and conditions, generously."""


class Reading:
    """Reads rows of any object that our user sees."""

    def __init__(self, calls: Calls, objects: Objects, page: int = PAGE) -> None:
        self._calls = calls
        self._objects = objects
        self._page = page

    def read(
        self, source: str, names: Sequence[str], window: Window, after: str | None
    ) -> Iterator[Page]:
        """Yield the window's pages after a position, then what changed by its contact roles."""
        shape = shape_of(self._objects, source, names)
        span = _span(shape, window)
        if after is None or not after.startswith(_ROLE):
            for found in self._pages(shape, span, after or "", everything=shape.deletes):
                rows, dead = gone(shape, found)
                self._finish(shape, rows)
                yield Page(rows, found[-1]["Id"], gone=dead)
        if shape.contact and window.since is not None:
            yield from self._by_role(shape, names, window, after)

    def read_ids(self, source: str, names: Sequence[str], ids: Sequence[str]) -> list[Row]:
        """Give the live rows of these ids; what can be no id names no row."""
        shape = shape_of(self._objects, source, names)
        rows = self._some(shape, "Id", ids, everything=shape.deletes)
        live, _ = gone(shape, rows)
        self._finish(shape, live)
        return live

    def matching(
        self, source: str, names: Sequence[str], field: str, ids: Sequence[str], *also: str
    ) -> list[Row]:
        """Give the live rows whose reference `field` is one of these ids, in id order."""
        shape = shape_of(self._objects, source, names)
        return self._some(shape, field, ids, *also, everything=False)

    def where(self, source: str, names: Sequence[str], *conditions: str) -> list[Row]:
        """Give the live rows that meet conditions; those are SOQL, with values quoted already."""
        shape = shape_of(self._objects, source, names)
        return [
            row for page in self._pages(shape, conditions, "", everything=False) for row in page
        ]

    # --- pages -----------------------------------------------------------------------------------

    def _some(
        self, shape: Shape, field: str, ids: Sequence[str], *also: str, everything: bool
    ) -> list[Row]:
        known = list(dict.fromkeys(filter(None, map(full_id, ids))))
        rows: list[Row] = []
        for start in range(0, len(known), _IDS):
            one_of = f"{field} IN {quoted(known[start : start + _IDS])}"
            for page in self._pages(shape, [one_of, *also], "", everything=everything):
                rows.extend(page)
        return rows

    def _pages(
        self, shape: Shape, conditions: Sequence[str], after: str, *, everything: bool
    ) -> Iterator[list[Row]]:
        """Yield every row that meets the conditions, page by page; no page is empty."""
        room = MAX_URL - _FRAME - sum(url_size(f" AND {c}") for c in conditions)
        first, *rest = groups(shape.columns, room)
        last = after
        while True:
            since = [*conditions, f"Id > {quoted(last)}"] if last else list(conditions)
            rows, done = self._query(shape, first, since, everything=everything)
            if not rows:
                return
            if rows[0]["Id"] == last:
                raise TryLaterError(
                    f"Salesforce gives the same page of {shape.described.name} again",
                    hint="Run again later",
                )
            last = rows[-1]["Id"]
            for columns in rest:
                until = [*since, f"Id <= {quoted(last)}"]
                rows = self._join(shape, rows, columns, until, everything=everything)
            if rows:
                yield rows
            if done:
                return

    def _join(
        self,
        shape: Shape,
        rows: list[Row],
        columns: Sequence[str],
        conditions: list[str],
        *,
        everything: bool,
    ) -> list[Row]:
        """Add more columns to a page. A row that left the window meanwhile comes with the next."""
        more: dict[str, Row] = {}
        last = ""
        done = False
        while not done:
            since = [*conditions, f"Id > {quoted(last)}"] if last else conditions
            found, done = self._query(shape, columns, since, everything=everything)
            more.update((row["Id"], row) for row in found)
            last = found[-1]["Id"] if found else last
            done = done or not found
        return [row | more[row["Id"]] for row in rows if row["Id"] in more]

    def _query(
        self, shape: Shape, columns: Sequence[str], conditions: Sequence[str], *, everything: bool
    ) -> tuple[list[Row], bool]:
        name = shape.described.name
        select = Select(columns, name, conditions, self._page)
        try:
            found = self._calls.query(select, everything=everything)
        except RemoteError as error:
            if error.vendor_code not in {"INVALID_FIELD", "INVALID_TYPE", "MALFORMED_QUERY"}:
                raise
            self._objects.forget()
            raise UsageError(
                f"Salesforce refused a query of {name}: {error.vendor_code}",
                hint="A field was hidden or removed meanwhile: check the mapping with doctor",
            ) from None
        return found.rows, found.done and len(found.rows) < self._page

    # --- contact roles ---------------------------------------------------------------------------

    def _finish(self, shape: Shape, rows: list[Row]) -> None:
        fill(shape, rows)
        if shape.contact and rows:
            contacts = self._contacts([row["Id"] for row in rows])
            for row in rows:
                row[shape.contact] = contacts.get(row["Id"])

    def _contacts(self, deals: Sequence[str]) -> dict[str, str]:
        names = ["OpportunityId", "ContactId", "IsPrimary"]
        roles = self.matching("OpportunityContactRole", names, "OpportunityId", deals)
        roles.sort(key=lambda role: not role["IsPrimary"])
        contacts: dict[str, str] = {}
        for role in roles:
            contacts.setdefault(role["OpportunityId"], role["ContactId"])
        return contacts

    def _by_role(
        self, shape: Shape, names: Sequence[str], window: Window, after: str | None
    ) -> Iterator[Page]:
        """Deals whose roles changed: a role that comes or goes does not touch its deal's stamp."""
        roles = shape_of(self._objects, "OpportunityContactRole", ["OpportunityId"])
        begin = (after or "").removeprefix(_ROLE) if (after or "").startswith(_ROLE) else ""
        for found in self._pages(roles, _span(roles, window), begin, everything=roles.deletes):
            deals = list(dict.fromkeys(row["OpportunityId"] for row in found))
            rows = self.read_ids(shape.described.name, names, deals)
            yield Page(rows, f"{_ROLE}{found[-1]['Id']}")


def _span(shape: Shape, window: Window) -> list[str]:
    """The window in SOQL; both ends are rounded alike, so that windows that touch lose nothing."""
    stamp = shape.described.stamp()
    if stamp is None:
        return []
    span = [f"{stamp} < {moment(window.until)}"]
    if window.since is not None:
        span.append(f"{stamp} >= {moment(window.since)}")
    return span
