"""Reading: closed windows of change times, paged by id, deleted and archived rows included.

A page is never taken by Salesforce's own cursor: what came of it is kept, and the next query begins
after its last id. So an answer may be short, a cursor may expire and a run may die anywhere. The
first query of a window asks for everything, for its answer tells how much there is; where much is
left behind the first pages, a job of the Bulk API reads it, if Bulk takes the query.

Source: SOQL and SOQL Reference; REST API Developer Guide, "QueryAll".
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from functools import partial

from connector.adapters.base import Page, Row, Window
from connector.adapters.salesforce.answers import TooLongError
from connector.adapters.salesforce.bulk import BulkQueries, JobLostError, Place, place_of
from connector.adapters.salesforce.calls import Calls
from connector.adapters.salesforce.covering import Covering
from connector.adapters.salesforce.days import Days
from connector.adapters.salesforce.describing import Objects
from connector.adapters.salesforce.edits import name_fields
from connector.adapters.salesforce.money import Money
from connector.adapters.salesforce.related import add_beside
from connector.adapters.salesforce.shape import Shape, fill, flat_rows, gone, shape_of
from connector.adapters.salesforce.soql import (
    Select,
    full_id,
    groups,
    moment,
    one_of,
    quoted,
    url_size,
)
from connector.adapters.salesforce.unconfirmed import MAX_URL
from connector.errors import RemoteError, TryLaterError, UsageError

PAGE = 2000
BULK_FROM = 10_000
"""So many rows left behind the first pages are read by a job instead of page by page."""
_FIRST = 3
"""Pages of everything that are read before a job is begun: a sample needs none. Of what is new
the first page says enough."""
_JOBS = 2
"""Jobs a window is given, should Salesforce lose one, before it is read page by page."""
_UNTOLD = 1 << 40
"""How much is left where it is so much that it cannot even be counted in time."""
_ROLE = "role:"
_FEWEST, _MOST = 200, 550
"""How many ids a query asks for, as there is room beside its columns."""
_ID_SIZE = 21
"""Bytes that an id takes in the list of a query."""
_FRAME = 300
"""Bytes of a query's URL besides columns and conditions, generously."""


class Reading:
    """Reads rows of any object that our user sees."""

    def __init__(
        self,
        calls: Calls,
        objects: Objects,
        page: int = PAGE,
        *,
        bulk: BulkQueries | None = None,
        bulk_from: int = BULK_FROM,
        covering: Covering | None = None,
        days: Days | None = None,
    ) -> None:
        self._calls = calls
        self._objects = objects
        self._page = page
        self._bulk = bulk
        self._bulk_from = bulk_from
        self._covering = covering
        self._money = Money(calls, objects)
        self._days = days if days is not None else Days(calls, lambda: "")

    def read(
        self, source: str, names: Sequence[str], window: Window, after: str | None
    ) -> Iterator[Page]:
        """Yield the window's pages after a position, then what changed by its contact roles."""
        shape = shape_of(self._objects, source, names)
        if self._covering is not None:
            window = self._covering.widened(shape.described.name, window)
        span = _span(shape, window)
        if after is None or not after.startswith(_ROLE):
            pages = 1 if window.since is not None else _FIRST
            for found, position in self._window(shape, span, after or "", pages):
                rows, dead = gone(shape, found)
                self._finish(shape, rows)
                yield Page(rows, position, gone=dead)
        if window.since is not None and any(one.kind == "role" for one in shape.beside):
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

    # --- much at once ----------------------------------------------------------------------------

    def _window(
        self, shape: Shape, span: Sequence[str], after: str, pages: int
    ) -> Iterator[tuple[list[Row], str]]:
        """Yield the rows after a position, each page with its own: a few by REST, many by Bulk."""
        place = place_of(after)
        if place is None:
            place = yield from self._first_pages(shape, span, after, pages)
        base = place.base if place is not None else None
        for left in reversed(range(_JOBS)):
            if place is None:
                break
            try:
                yield from self._of_job(shape, place)
            except JobLostError:
                place = self._job(shape, span, place.base) if left else None
            else:
                return
        if base is not None:
            yield from self._rest(shape, span, base)

    def _first_pages(
        self, shape: Shape, span: Sequence[str], after: str, first: int
    ) -> Generator[tuple[list[Row], str], None, Place | None]:
        """Yield pages by REST; gives the place of a job as soon as much turns out to be left."""
        told = self._bulk is not None
        left = 0
        pages = self._told(shape, span, after, everything=shape.deletes, told=told)
        for number, (rows, behind) in enumerate(pages, start=1):
            left = behind if number == 1 else left - len(rows)
            after = rows[-1]["Id"]
            yield rows, after
            if told and number == first and left >= self._bulk_from:
                place = self._job(shape, span, after)
                if place is not None:
                    return place
        return None

    def _rest(
        self, shape: Shape, span: Sequence[str], after: str
    ) -> Iterator[tuple[list[Row], str]]:
        for rows in self._pages(shape, span, after, everything=shape.deletes):
            yield rows, rows[-1]["Id"]

    def _job(self, shape: Shape, span: Sequence[str], after: str) -> Place | None:
        assert self._bulk is not None  # noqa: S101  asked for by whoever has one
        source = shape.described.name
        select = Select(shape.columns, source, _behind(span, after), 0)
        job = self._bulk.begin(source, select.whole(), everything=shape.deletes)
        return Place(job, "", 0, after) if job is not None else None

    def _of_job(self, shape: Shape, place: Place) -> Iterator[tuple[list[Row], str]]:
        if self._bulk is None:
            raise JobLostError
        self._bulk.wait(place.job)
        row_of = partial(flat_rows, self._objects, shape)
        for rows, reached in self._bulk.pages(place, row_of):
            yield rows, reached.text()

    # --- pages -----------------------------------------------------------------------------------

    def _some(
        self, shape: Shape, field: str, ids: Sequence[str], *also: str, everything: bool
    ) -> list[Row]:
        known = list(dict.fromkeys(filter(None, map(full_id, ids))))
        beside = url_size(f"{', '.join(shape.columns)}{field}{''.join(also)}")
        room = (MAX_URL - 2 * _FRAME - beside) // _ID_SIZE
        most = max(_FEWEST, min(_MOST, room))
        rows: list[Row] = []
        for start in range(0, len(known), most):
            of_these = one_of(field, known[start : start + most])
            for page in self._pages(shape, [of_these, *also], "", everything=everything):
                rows.extend(page)
        return rows

    def _pages(
        self, shape: Shape, conditions: Sequence[str], after: str, *, everything: bool
    ) -> Iterator[list[Row]]:
        """Yield every row that meets the conditions, page by page; no page is empty."""
        for rows, _ in self._told(shape, conditions, after, everything=everything, told=False):
            yield rows

    def _told(
        self, shape: Shape, conditions: Sequence[str], after: str, *, everything: bool, told: bool
    ) -> Iterator[tuple[list[Row], int]]:
        """Yield pages; the first, where it is `told`, with how many rows are left behind it."""
        room = MAX_URL - _FRAME - sum(url_size(f" AND {c}") for c in conditions)
        first, *rest = groups(shape.columns, room)
        last = after
        while True:
            since = _behind(conditions, last)
            rows, left = self._query(shape, first, since, everything=everything, told=told)
            told = False
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
            fill(shape, rows)
            if rows:
                yield rows, left
            if not left:
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
        last, left = "", 1
        while left:
            since = _behind(conditions, last)
            found, left = self._query(shape, columns, since, everything=everything, told=False)
            more.update((row["Id"], row) for row in found)
            last, left = (found[-1]["Id"], left) if found else (last, 0)
        return [row | more[row["Id"]] for row in rows if row["Id"] in more]

    def _query(
        self,
        shape: Shape,
        columns: Sequence[str],
        conditions: Sequence[str],
        *,
        everything: bool,
        told: bool,
    ) -> tuple[list[Row], int]:
        """Give a page, and how many rows are left behind it: where that need not be `told`, one
        stands for any number."""
        name = shape.described.name
        select = Select(columns, name, conditions, 0 if told else self._page)
        try:
            found = self._calls.query(select, everything=everything)
        except TooLongError:
            if not told:
                raise
            page, left = self._query(shape, columns, conditions, everything=everything, told=False)
            return page, _UNTOLD if left else 0
        except RemoteError as error:
            if error.vendor_code not in {"INVALID_FIELD", "INVALID_TYPE", "MALFORMED_QUERY"}:
                raise
            self._objects.forget()
            raise UsageError(
                f"Salesforce refused a query of {name}: {error.vendor_code}",
                hint="A field was hidden or removed meanwhile: check the mapping with doctor",
            ) from None
        rows = found.rows[: self._page]
        if told:
            return rows, found.total - len(rows)
        return rows, int(not found.done or len(rows) == self._page)

    # --- what stands beside ----------------------------------------------------------------------

    def _finish(self, shape: Shape, rows: list[Row]) -> None:
        self._money.convert(shape.money, rows)
        self._days.fill(shape.days, rows)
        add_beside(self._objects, self.matching, shape.described.name, shape.beside, rows)
        name_fields(self._objects, shape.described, rows)

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


def _behind(conditions: Sequence[str], last: str) -> list[str]:
    return [*conditions, f"Id > {quoted(last)}"] if last else list(conditions)


def _span(shape: Shape, window: Window) -> list[str]:
    """The window in SOQL; both ends are rounded alike, so that windows that touch lose nothing."""
    stamp = shape.described.stamp()
    if stamp is None:
        return []
    span = [f"{stamp} < {moment(window.until)}"]
    if window.since is not None:
        span.append(f"{stamp} >= {moment(window.since)}")
    return span
