"""Records: all of them by the list, what changed by search, both handed out in id order.

A full read walks the list endpoint, whose cursor is not made to last. Its pages come in id order
so far, but no page of HubSpot's says so. So a position is `list:<last id>:<rows so far>`, and who
resumes there asks search how many records have an id up to the last one: no more than were handed
out means that the order held, and search goes on above that id; more means it did not, and search
walks all ids from the beginning. Once a page breaks the order, positions say `id:0` themselves.

An increment is a closed window over the modified date, walked by search in id order.

Where most records changed, as after our own first scores, they are listed instead: the list is
not held to five calls a second. It gives more than was asked for, which does no harm.

Search knows no archived records. They are listed apart: all of them with a full read and once a
day, else the first thousand, and only those archived inside the window count. Engagements are many
and seldom deleted: theirs are listed once a day, and count from midnight before the window on.

Source: HubSpot's pages on CRM search and objects (2026-11).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from typing import Any, NamedTuple

import orjson

from connector.adapters.base import Page, Row, Window
from connector.adapters.hubspot.ahead import in_order
from connector.adapters.hubspot.calls import Calls
from connector.adapters.hubspot.chain import LIST_PAGE
from connector.adapters.hubspot.listing import Listing
from connector.adapters.hubspot.objects import ENGAGEMENTS, MERGED, merged_into, modified_of
from connector.adapters.hubspot.searching import (
    SEARCH_PAGE,
    Filters,
    Question,
    Search,
    above,
    query,
)
from connector.adapters.hubspot.shape import HISTORY_BATCH, Rows, Shape, rows_of
from connector.adapters.hubspot.unconfirmed import NOWHERE, SEARCH_BODY
from connector.adapters.hubspot.values import modified_ms
from connector.domain.moment import DAY, HOUR, parse_iso

BATCH = 100
PAGES_AHEAD = 3
"""Pages whose associations and consent are asked for at once."""
DATED_PAGES, UNUSED = 5, 0.05
"""Pages that share calls for when a property changed, at most: they wait for each other only where
more than this share of what their calls may ask for stayed unused."""
PAGE = 1000
"""Rows to a page of ours: one transaction, and one associations call."""
ARCHIVED_PAGES = 10
MANY = 2000
"""So many changes are ten searches, which take longer than a look at how many there are in all."""
_ARCHIVED = "archived"


class _Part(NamedTuple):
    """Rows of one page to be, those whose moments are asked for, and the position behind them."""

    rows: list[Row]
    dated: list[Row]
    position: str


class Reading:
    """Reads the records of one portal."""

    def __init__(
        self,
        calls: Calls,
        rows: Rows,
        *,
        page: int = PAGE,
        search_body: int = SEARCH_BODY,
        leaps: bool = True,
    ) -> None:
        self._search_body = search_body
        self._calls = calls
        self._rows = rows
        self._page = page
        self._search = Search(calls)
        self._listing = Listing(calls, self._search, page=page, leaps=leaps)

    def read(self, shape: Shape, window: Window, after: str | None) -> Iterator[Page]:
        """Yield what changed in the window, then what is gone."""
        if after != _ARCHIVED:
            groups = _grouped(self._parts(shape, window, after))
            ahead = 1 if shape.dated else PAGES_AHEAD
            with closing(in_order(partial(self._live, shape), groups, ahead)) as pages:
                for some in pages:
                    while some:
                        yield some.popleft()
        if shape.source not in ENGAGEMENTS:
            yield from self._archived(shape, window)
        elif window.since is not None and _ends_day(window):
            midnight = window.since // DAY * DAY
            yield from self._archived(shape, window._replace(since=midnight - HOUR))

    def by_ids(self, shape: Shape, ids: Sequence[str]) -> list[Row]:
        """Give these records as they are now; a merged one comes under the winner's id."""
        rows = rows_of(shape, self._batch(shape, ids))
        self._rows.add_asked(shape, rows, shape.to_date(rows))
        return rows

    def erased(self, source: str, ids: Sequence[str]) -> list[str]:
        """Of these ids, those that HubSpot says it has neither live nor in the bin."""
        asked = [one for one in ids if one.isascii() and one.isdigit()]
        nowhere: list[str] = []
        for start in range(0, len(asked), BATCH):
            some = set(asked[start : start + BATCH])
            for where in ("true", "false"):
                some &= self._not_found(source, some, where) if some else set()
            nowhere += sorted(some)
        return nowhere

    def _not_found(self, source: str, ids: Iterable[str], archived: str) -> set[str]:
        """Those of which an answer says that they are not there; silence says nothing."""
        path = f"{self._calls.paths['objects']}/{source}/batch/read?archived={archived}"
        inputs = [{"id": one} for one in sorted(ids)]
        body = {"inputs": inputs, "properties": ["hs_object_id"], "propertiesWithHistory": []}
        return {
            str(ident)
            for error in self._calls.post(path, body).get("errors") or ()
            if error.get("category") == NOWHERE
            for ident in (error.get("context") or {}).get("ids") or ()
        }

    def _parts(self, shape: Shape, window: Window, after: str | None) -> Generator[_Part]:
        if window.since is not None:
            last = int(after[3:]) if after else 0
            filters = _inside(shape.source, window)
            return self._by_id(shape, filters, last, may_list=after is None)
        if after is None:
            return self._listed(shape)
        return self._by_id(shape, [], self._resumed(shape, after))

    # --- full reads ------------------------------------------------------------------------------

    def _listed(self, shape: Shape) -> Generator[_Part]:
        last, count, ordered = 0, 0, True
        found: list[Row] = []

        def parts(least: int) -> Iterator[_Part]:
            nonlocal last, count, found
            while len(found) >= least:
                some, found = found[: self._page], found[self._page :]
                last = max([last, *(int(one["id"]) for one in some)])
                count += len(some)
                position = f"list:{last}:{count}" if ordered else "id:0"
                yield _Part(some, shape.to_date(some), position)

        with closing(self._listing.walk(shape, partial(self._whole, shape))) as runs:
            for run in runs:
                ordered = ordered and run.ordered
                for some in run.rows():
                    found += some
                    yield from parts(self._page)
        yield from parts(1)

    def _resumed(self, shape: Shape, after: str) -> int:
        """Give the id above which to go on after a position of a full read."""
        kind, _, rest = after.partition(":")
        if kind == "id":
            return int(rest)
        last, _, count = rest.partition(":")
        up_to = [{"propertyName": "hs_object_id", "operator": "LTE", "value": last}]
        there, _ = self._search.first(shape.source, up_to)
        return int(last) if there <= int(count) else 0

    # --- increments ------------------------------------------------------------------------------

    def _is_most(self, shape: Shape, changed: int) -> bool:
        if changed <= MANY:
            return False
        return self._search.first(shape.source, above(0))[0] < 2 * changed

    def _by_id(
        self,
        shape: Shape,
        filters: Filters,
        last: int,
        *,
        may_list: bool = False,
    ) -> Generator[_Part]:
        """Walk what fits the filters in id order."""
        found: list[Row] = []
        with closing(self._search.walk(self._question(shape, filters), last)) as walked:
            for some in walked:
                if may_list and self._is_most(shape, some.left + len(some.records)):
                    break
                may_list = False
                found += rows_of(shape, some.records)
                last = some.last
                if found and (not some.left or len(found) + SEARCH_PAGE > self._page):
                    yield _Part(found, shape.to_date(found), f"id:{last}")
                    found = []
        if may_list:  # whoever resumes goes on by search, which gets further each time
            for part in self._listed(shape):
                yield part._replace(position="id:0")
        elif found:
            yield _Part(found, shape.to_date(found), f"id:{last}")

    def _question(self, shape: Shape, filters: Filters) -> Question:
        """What to search for: where it would be too long ids are, and the records read by them."""
        longest = query([*filters, *above(10**15)], shape.properties, SEARCH_PAGE, 10_000)
        if len(orjson.dumps(longest)) <= self._search_body:
            return Question(shape.source, filters, shape.properties, list)
        wanted = ("hs_object_id", modified_of(shape.source))
        return Question(shape.source, filters, wanted, partial(self._whole, shape))

    def _whole(self, shape: Shape, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Read records by the ids of those found."""
        return self._batch(shape, [one["id"] for one in found])

    def _batch(self, shape: Shape, ids: Sequence[str]) -> list[dict[str, Any]]:
        """Read records by id, a hundred a call; those that are gone are left out."""
        path = f"{self._calls.paths['objects']}/{shape.source}/batch/read"
        asked = [one for one in dict.fromkeys(ids) if one.isascii() and one.isdigit()]
        bodies = [
            {
                "inputs": [{"id": one} for one in asked[start : start + BATCH]],
                "properties": list(shape.properties),
                "propertiesWithHistory": [],
            }
            for start in range(0, len(asked), BATCH)
        ]
        answers = self._calls.together(partial(self._calls.post, path), bodies)
        found = {one["id"]: one for answer in answers for one in answer.get("results", ())}
        return list(found.values())

    # --- what is gone ----------------------------------------------------------------------------

    def _live(self, shape: Shape, parts: Sequence[_Part]) -> deque[Page]:
        """Make the rows of the parts whole, and pages of them; let go of the parts' own."""
        for part in parts:
            part.rows.sort(key=lambda row: int(row["id"]))
        dated = [row for part in parts for row in part.dated]
        self._rows.add_asked(shape, [row for part in parts for row in part.rows], dated)
        pages = deque[Page]()
        for part in parts:
            pages.append(self._page_of(shape, part.rows.copy(), part.position))
            part.rows.clear()
            part.dated.clear()
        return pages

    def _page_of(self, shape: Shape, rows: list[Row], position: str) -> Page:
        first, second = MERGED
        gone: dict[str, str | None] = {}
        if first in shape.properties or second in shape.properties:
            for row in rows:
                if row.get(first) or row.get(second):
                    gone.update(dict.fromkeys(merged_into(row), row["id"]))
        return Page(rows, position, gone=gone)

    def _archived(self, shape: Shape, window: Window) -> Iterator[Page]:
        since = window.since
        whole = since is None or _ends_day(window)
        path = f"{self._calls.paths['objects']}/{shape.source}"
        query = {"limit": LIST_PAGE, "properties": "hs_object_id", "archived": "true"}
        cursor: str | None = None
        pages = 0
        while True:
            answer = self._calls.get(path, {**query, "after": cursor})
            pages += 1
            ids = [
                one["id"]
                for one in answer["results"]
                if since is None or _archived_at(one, window) >= since
            ]
            if ids:
                winners = self._winners(shape, ids) if since is not None else {}
                gone = {one: winners.get(one) for one in ids}
                yield Page((), _ARCHIVED, gone=gone)
            cursor = _next(answer)
            if cursor is None or (pages >= ARCHIVED_PAGES and not whole):
                return

    def _winners(self, shape: Shape, ids: Sequence[str]) -> dict[str, str]:
        """Say of archived ids which record each was merged into, if it was: a read by the old id
        answers with the winner. (A full read has seen every winner before.)"""
        merged = tuple(name for name in MERGED if name in shape.properties)
        if not merged:
            return {}
        found: dict[str, str] = {}
        for one in self._batch(shape._replace(properties=("hs_object_id", *merged)), ids):
            if one["id"] not in ids:
                losers = merged_into({**one["properties"], "id": one["id"]})
                found.update(dict.fromkeys(losers, str(one["id"])))
        return found


def _grouped(parts: Generator[_Part]) -> Generator[list[_Part]]:
    """Yield parts that are asked for together; those that ask for no moment wait for no other."""
    group: list[_Part] = []
    asked = 0
    with closing(parts):
        for part in parts:
            group.append(part)
            asked += len(part.dated)
            if len(group) == DATED_PAGES or -asked % HISTORY_BATCH <= asked * UNUSED:
                yield group
                group, asked = [], 0
    if group:
        yield group


def _ends_day(window: Window) -> bool:
    return window.since is not None and window.since // DAY != window.until // DAY


def _archived_at(one: Mapping[str, Any], window: Window) -> int:
    """When a record was archived; where HubSpot does not say, inside the window."""
    return parse_iso(one["archivedAt"]) if one.get("archivedAt") else window.until


def _inside(source: str, window: Window) -> list[dict[str, str]]:
    modified = modified_of(source)
    assert window.since is not None  # noqa: S101  increments have a beginning
    return [
        {"propertyName": modified, "operator": "GTE", "value": modified_ms(window.since)},
        {"propertyName": modified, "operator": "LT", "value": modified_ms(window.until)},
    ]


def _next(answer: Mapping[str, Any]) -> str | None:
    after = ((answer.get("paging") or {}).get("next") or {}).get("after")
    return str(after) if after else None
