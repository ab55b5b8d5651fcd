"""Records: all of them by the list, what changed by search, both handed out in id order.

A full read walks the list endpoint, whose cursor is not made to last. Its pages come in id order
so far, but no page of HubSpot's says so. So a position is `list:<last id>:<rows so far>`, and who
resumes there asks search how many records have an id up to the last one: no more than were handed
out means that the order held, and search goes on above that id; more means it did not, and search
walks all ids from the beginning. Once a page breaks the order, positions say `id:0` themselves.

An increment is a closed window over the modified date, walked by search in id order. Every page is
a query of its own above the last id: search gives no more than 10,000 rows to one query, a bulk
job stamps more than that with one moment, and a row that changes meanwhile leaves the window.

Where most records changed, as after our own first scores, they are listed instead: the list is
not held to five calls a second. It gives more than was asked for, which does no harm.

Search knows no archived records. They are listed apart: all of them with a full read and once a
day, else the first thousand, and only those archived inside the window count.

Source: HubSpot's pages on CRM search and objects (2026-11).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import orjson

from connector.adapters.base import Page, Row, Window
from connector.adapters.hubspot.calls import Calls
from connector.adapters.hubspot.objects import ENGAGEMENTS, MERGED, merged_into, modified_of
from connector.adapters.hubspot.shape import Rows, Shape
from connector.adapters.hubspot.values import modified_ms
from connector.domain.moment import DAY, parse_iso

LIST_PAGE, SEARCH_PAGE, BATCH = 100, 200, 100
PAGE = 1000
"""Rows to a page of ours: one transaction, and one associations call."""
SEARCH_BODY = 3000
"""Characters a search may have by HubSpot's page; `auth.search_body` of the connection says where
more will do. One that names more properties asks for ids, and reads the records by them."""
URL_QUERY = 8000
ARCHIVED_PAGES = 10
MANY = 2000
"""So many changes are ten searches, which take longer than a look at how many there are in all."""
_ARCHIVED = "archived"

_IDS = ("hs_object_id",)


class Reading:
    """Reads the records of one portal."""

    def __init__(
        self, calls: Calls, rows: Rows, *, page: int = PAGE, search_body: int = SEARCH_BODY
    ) -> None:
        self._search_body = search_body
        self._calls = calls
        self._rows = rows
        self._page = page

    def read(self, shape: Shape, window: Window, after: str | None) -> Iterator[Page]:
        """Yield what changed in the window, then what is gone."""
        if after != _ARCHIVED:
            if window.since is not None:
                last = int(after[3:]) if after else 0
                filters = _inside(shape.source, window)
                yield from self._by_id(shape, filters, last, may_list=after is None)
            elif after is None:
                yield from self._listed(shape)
            else:
                yield from self._by_id(shape, [], self._resumed(shape, after))
        if shape.source not in ENGAGEMENTS:
            yield from self._archived(shape, window)

    def by_ids(self, shape: Shape, ids: Sequence[str]) -> list[Row]:
        """Give these records as they are now; a merged one comes under the winner's id."""
        return self._rows.of(shape, self._batch(shape, ids))

    # --- full reads ------------------------------------------------------------------------------

    def _listed(self, shape: Shape) -> Iterator[Page]:
        last, count, ordered = 0, 0, True
        cursor: str | None = None
        while True:
            results, cursor = self._list(shape, cursor)
            ids = [int(one["id"]) for one in results]
            ordered = ordered and ids == sorted(ids) and (not ids or ids[0] > last)
            last, count = max([last, *ids]), count + len(ids)
            results.sort(key=lambda one: int(one["id"]))
            if results:
                yield self._live(shape, results, f"list:{last}:{count}" if ordered else "id:0")
            if cursor is None:
                return

    def _list(self, shape: Shape, cursor: str | None) -> tuple[list[dict[str, Any]], str | None]:
        """Give the next page's worth of list calls, and the cursor after them."""
        named = ",".join(shape.properties)
        wide = len(named) > URL_QUERY
        query = {"limit": LIST_PAGE, "properties": "hs_object_id" if wide else named}
        path = f"{self._calls.paths['objects']}/{shape.source}"
        found: list[dict[str, Any]] = []
        while True:
            answer = self._calls.get(path, {**query, "after": cursor})
            found += answer["results"]
            cursor = _next(answer)
            if cursor is None or len(found) + LIST_PAGE > self._page:
                break
        if wide:
            found = self._batch(shape, [one["id"] for one in found])
        return found, cursor

    def _resumed(self, shape: Shape, after: str) -> int:
        """Give the id above which to go on after a position of a full read."""
        kind, _, rest = after.partition(":")
        if kind == "id":
            return int(rest)
        last, _, count = rest.partition(":")
        up_to = [{"propertyName": "hs_object_id", "operator": "LTE", "value": last}]
        answer = self._search(shape.source, up_to, _IDS, 1)
        return int(last) if int(answer["total"]) <= int(count) else 0

    # --- increments ------------------------------------------------------------------------------

    def _relisted(self, shape: Shape) -> Iterator[Page]:
        """List everything; whoever resumes goes on by search, which gets further each time."""
        for page in self._listed(shape):
            yield replace(page, position="id:0")

    def _is_most(self, shape: Shape, changed: int) -> bool:
        if changed <= MANY:
            return False
        return int(self._search(shape.source, _above(0), _IDS, 1)["total"]) < 2 * changed

    def _by_id(
        self,
        shape: Shape,
        filters: Sequence[Mapping[str, str]],
        last: int,
        *,
        may_list: bool = False,
    ) -> Iterator[Page]:
        """Walk what fits the filters in id order, each query above the last id seen."""
        wanted: Sequence[str] = shape.properties
        wide = len(orjson.dumps(_query(filters, wanted, last, SEARCH_PAGE))) > self._search_body
        if wide:
            wanted = ["hs_object_id", modified_of(shape.source)]
        found: list[dict[str, Any]] = []
        while True:
            above = [*filters, *_above(last)]
            answer = self._search(shape.source, above, wanted, SEARCH_PAGE)
            if may_list and self._is_most(shape, int(answer.get("total", 0))):
                yield from self._relisted(shape)
                return
            may_list = False
            results = answer["results"]
            found += results
            last = max([last, *(int(one["id"]) for one in results)])
            done = len(results) < SEARCH_PAGE
            if found and (done or len(found) + SEARCH_PAGE > self._page):
                if wide:
                    found = self._batch(shape, [one["id"] for one in found])
                found.sort(key=lambda one: int(one["id"]))
                yield self._live(shape, found, f"id:{last}")
                found = []
            if done:
                return

    def _search(
        self, source: str, filters: Sequence[Mapping[str, str]], wanted: Sequence[str], limit: int
    ) -> Any:
        path = f"{self._calls.paths['objects']}/{source}/search"
        return self._calls.post(path, _query(filters, wanted, None, limit))

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

    def _live(self, shape: Shape, results: list[dict[str, Any]], position: str) -> Page:
        rows = self._rows.of(shape, results)
        first, second = MERGED
        gone: dict[str, str | None] = {}
        if first in shape.properties or second in shape.properties:
            for row in rows:
                if row.get(first) or row.get(second):
                    gone.update(dict.fromkeys(merged_into(row), row["id"]))
        return Page(rows, position, gone=gone)

    def _archived(self, shape: Shape, window: Window) -> Iterator[Page]:
        since = window.since
        whole = since is None or since // DAY != window.until // DAY
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


def _above(last: int) -> list[dict[str, str]]:
    return [{"propertyName": "hs_object_id", "operator": "GT", "value": str(last)}]


def _query(
    filters: Sequence[Mapping[str, str]], wanted: Sequence[str], last: int | None, limit: int
) -> dict[str, Any]:
    above = [] if last is None else _above(last)
    return {
        "filterGroups": [{"filters": [*filters, *above]}],
        "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
        "properties": list(wanted),
        "limit": limit,
        "after": "0",
    }


def _next(answer: Mapping[str, Any]) -> str | None:
    after = ((answer.get("paging") or {}).get("next") or {}).get("after")
    return str(after) if after else None
