"""Walks a search in id order, some pages ahead, and misses no row though rows come and go.

Search gives no more than 10,000 rows to one query, and a bulk job stamps more than that with one
moment. So each page is a query of its own, from the last id seen, and counts a few rows on from
there. Rows that leave the search meanwhile move all later ones: so a page asked ahead begins with
the last row of the one before it. Where it does not, rows may lie between the two, and it is asked
anew from the last id.

Source: HubSpot's page on CRM search (2026-11).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, NamedTuple

from connector.adapters.hubspot.ahead import threads
from connector.adapters.hubspot.calls import Calls

SEARCH_PAGE = 200
AHEAD = 6
"""Searches under way at once: five a second that take a second each."""
Filters = Sequence[Mapping[str, str]]
Record = dict[str, Any]


class Question(NamedTuple):
    """What fits the filters, in id order. `read` turns what was found into whole records."""

    source: str
    filters: Filters
    wanted: Sequence[str]
    read: Callable[[list[Record]], list[Record]]


class Walked(NamedTuple):
    """The next records, the last id so far, and how many are left as far as totals tell."""

    records: list[Record]
    last: int
    left: int


class _Found(NamedTuple):
    ids: list[int]
    records: list[Record]
    more: bool
    left: int
    """Rows behind these, as far as the answer's total tells."""


class Search:
    """Searches one portal."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def first(self, source: str, filters: Filters, after: int = 0) -> tuple[int, int | None]:
        """Say how many rows fit, and the id of the first one after so many."""
        answer = self._ask(source, filters, _IDS, 1, after)
        ids = [int(one["id"]) for one in answer["results"]]
        return int(answer.get("total", 0)), ids[0] if ids else None

    def walk(self, question: Question, last: int) -> Generator[Walked]:
        """Yield the records above the id `last`, page by page."""
        with threads(AHEAD) as pool:
            page = self._page(question, above(last), 0)
            while True:
                last = max([last, *page.ids])
                yield Walked(page.records, last, page.left)
                if not page.more:
                    return
                waiting: deque[Future[_Found]] = deque()
                follows = True
                while follows and page.more:
                    while len(waiting) < AHEAD and (
                        not waiting or len(waiting) * (SEARCH_PAGE - 1) < page.left
                    ):
                        skipped = len(waiting) * (SEARCH_PAGE - 1)
                        waiting.append(pool.submit(self._page, question, _from(last), skipped))
                    page = waiting.popleft().result()
                    follows = bool(page.ids) and page.ids[0] <= last
                    if follows:
                        fresh = [one for one in page.records if int(one["id"]) > last]
                        last = max(last, page.ids[-1])
                        yield Walked(fresh, last, page.left)
                if follows:
                    return
                for one in waiting:
                    one.cancel()
                page = self._page(question, above(last), 0)

    def _page(self, question: Question, from_id: Filters, after: int) -> _Found:
        filters = [*question.filters, *from_id]
        while True:
            answer = self._ask(question.source, filters, question.wanted, SEARCH_PAGE, after)
            results = answer["results"]
            more = bool((answer.get("paging") or {}).get("next"))
            if results or not more or after >= int(answer.get("total", 0)):
                break
            after += SEARCH_PAGE  # a page may be empty though others follow
        ids = [int(one["id"]) for one in results]
        left = max(0, int(answer.get("total", 0)) - after - len(ids))
        return _Found(ids, question.read(results), more, left)

    def _ask(
        self, source: str, filters: Filters, wanted: Sequence[str], limit: int, after: int
    ) -> Any:
        path = f"{self._calls.paths['objects']}/{source}/search"
        return self._calls.post(path, query(filters, wanted, limit, after))


_IDS = ("hs_object_id",)


def above(last: int) -> list[dict[str, str]]:
    """The filter for ids above one."""
    return [{"propertyName": "hs_object_id", "operator": "GT", "value": str(last)}]


def _from(last: int) -> list[dict[str, str]]:
    return [{"propertyName": "hs_object_id", "operator": "GTE", "value": str(last)}]


def query(filters: Filters, wanted: Sequence[str], limit: int, after: int = 0) -> dict[str, Any]:
    """The body of a search in id order."""
    return {
        "filterGroups": [{"filters": list(filters)}],
        "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
        "properties": list(wanted),
        "limit": limit,
        "after": str(after),
    }
