"""Walks the list of an object's records, several stretches of it at once.

A cursor of the list leads to the next hundred only, so one chain of calls can never use what
HubSpot allows. So far its cursors are the id of the last record, or of the next; no page of
HubSpot's says so. Where the first page's cursor looks like one of the two, we leap: search names
an id every 2,000 to 2,500, each stretch between two of them is a chain of its own, and where two
stretches meet the first one's own cursor, or what it read beyond, must lead to where the second
began. Where it does not, the list is followed by its own cursors from there. `auth.leaps: off` of
the connection follows it by them alone.

Source: HubSpot's page on objects (2026-11); what its cursors are was never told.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import orjson

from connector.adapters.hubspot.ahead import in_order, one_ahead
from connector.adapters.hubspot.calls import Calls
from connector.adapters.hubspot.searching import Search, above
from connector.adapters.hubspot.shape import Shape

LIST_PAGE, STRETCH, LEAST = 100, 2500, 2000
"""Records to a call, and to a stretch at most and at least: each stretch costs a search beside its
20 to 25 calls of the list."""
AHEAD = 8
"""Stretches under way at once, each one call at a time: 23 a second at 0.35 seconds each."""
_LONGEST = 3 * STRETCH
_SEARCH_ENDS = 10_000
_RANKS = 3
"""Searches for where stretches begin that are under way at once."""
_NO_END = 10**18
"""Above any id."""
URL_QUERY = 8000
Record = dict[str, Any]
Read = Callable[[list[Record]], list[Record]]


class Listed(NamedTuple):
    """Records that follow each other, in id order as far as `ordered` holds for them.

    `parts` are pages as they came: what waits for its turn is held as bytes, which take a third of
    the room. `bound` cuts off those of the last page that come later; they are `beyond`. `cursor`
    leads to what follows these, None where nothing does. `first` and `last` are the ids at the
    ends; `up_to` is the id up to which nothing more is to come, as far as one was asked for.
    """

    parts: deque[bytes | list[Record]]
    bound: int
    beyond: list[Record]
    cursor: str | None
    first: int | None
    last: int
    ordered: bool
    up_to: int = 0

    def records(self) -> Iterator[list[Record]]:
        """Yield the records, a page of the list at a time, each once: it is let go of."""
        while self.parts:
            part = self.parts.popleft()
            some = orjson.loads(part)["results"] if isinstance(part, bytes) else part
            yield [one for one in some if int(one["id"]) <= self.bound]


class _Page(NamedTuple):
    """One page of the list: its ids, and those of its records that come later than asked for."""

    body: bytes
    ids: list[int]
    over: list[Record]


class _Stretch(NamedTuple):
    above: int
    up_to: int


class Listing:
    """Lists the records of one portal. `leaps` False follows the list's own cursors alone."""

    def __init__(self, calls: Calls, search: Search, *, page: int, leaps: bool) -> None:
        self._calls = calls
        self._search = search
        self._page = page
        self._leaps = leaps

    def walk(self, shape: Shape, read: Read) -> Generator[Listed]:
        """Yield all records, no more than some thousands at a time; `read` makes them whole."""
        chain = _Chain(self._calls, shape, read)
        end = chain.follow(None, 0, None, LIST_PAGE)
        last = end.last
        yield end
        if self._leaps and end.ordered and chain.learns(end.cursor, last):
            for run in self._leaping(shape, chain, end, last):
                end, last = run, max(run.last, last, run.up_to)
                yield run
        while end.cursor is not None or end.beyond:
            end = chain.follow(end, last, None, self._page)
            last = max(end.last, last)
            yield end

    def _leaping(self, shape: Shape, chain: _Chain, end: Listed, last: int) -> Iterator[Listed]:
        """Read stretches at once and join them, up to the last one that search knows the end of."""
        leap = partial(self._leap, chain)
        runs = in_order(leap, one_ahead(self._stretches(shape.source, last)), AHEAD)
        try:
            for stretch, run in runs:
                if run.ordered and chain.meets(end, stretch.above, run):
                    end, last = run, max(run.last, last, run.up_to)
                    yield end
                    continue
                while last < stretch.up_to and (end.cursor is not None or end.beyond):
                    end = chain.follow(end, last, stretch.up_to, self._page)
                    last = max(end.last, last, end.up_to)
                    yield end
                if not end.ordered:
                    return
        finally:
            runs.close()

    def _leap(self, chain: _Chain, stretch: _Stretch) -> tuple[_Stretch, Listed]:
        return stretch, chain.leap(stretch.above, stretch.up_to)

    def _stretches(self, source: str, begin: int) -> Generator[_Stretch]:
        """Yield where each stretch ends, by search, and what comes behind the last of those.

        A query counts on for 10,000 rows at most; how many there are the first one tells.
        """
        base = begin
        left, ident = self._search.first(source, above(base), LEAST - 1)
        ranks, found, step = [LEAST], iter([ident]), _step(left - LEAST)
        while ranks:
            for ident in found:
                if ident is not None and ident > begin:
                    yield _Stretch(begin, ident)
                    begin = ident
            left -= ranks[-1]
            more = left > STRETCH and begin > base
            ranks = list(range(step, min(left, _SEARCH_ENDS + 1), step)) if more else []
            base = begin
            found = in_order(partial(self._rank, source, base), [one - 1 for one in ranks], _RANKS)
        yield _Stretch(begin, _NO_END)

    def _rank(self, source: str, base: int, after: int) -> int | None:
        return self._search.first(source, above(base), after)[1]


class _Chain:
    """The list's own order, from cursor to cursor, and what its cursors look like."""

    def __init__(self, calls: Calls, shape: Shape, read: Read) -> None:
        self._calls = calls
        self._read = read
        named = ",".join(shape.properties)
        self._wide = len(named) > URL_QUERY
        self._query = {
            "limit": LIST_PAGE,
            "properties": "hs_object_id" if self._wide else named,
        }
        self._path = f"{calls.paths['objects']}/{shape.source}"
        self._ahead: int | None = None

    def learns(self, cursor: str | None, last: int) -> bool:
        """Whether a cursor behind an id is that id, or one above it: of what comes next."""
        if cursor is not None and cursor.isascii() and cursor.isdigit() and int(cursor) >= last:
            self._ahead = min(1, int(cursor) - last)
        return self._ahead is not None

    def follow(self, end: Listed | None, last: int, up_to: int | None, most: int) -> Listed:
        """Go on where the list ended, up to an id, or to about so many records."""
        beyond = end.beyond if end is not None else []
        cursor = end.cursor if end is not None else None
        enough = up_to is not None and bool(beyond) and int(beyond[-1]["id"]) >= up_to
        if beyond and (enough or cursor is None):
            return self._cut(beyond, [], cursor, up_to, ordered=True)
        return self._run(beyond, cursor, last, up_to, most)

    def leap(self, last: int, up_to: int) -> Listed:
        """Begin above an id, without a cursor of the list's own."""
        assert self._ahead is not None  # noqa: S101  nobody leaps before
        return self._run([], str(last + self._ahead), last, up_to, _LONGEST)

    def meets(self, end: Listed, leapt: int, run: Listed) -> bool:
        """Whether a run that began above the id `leapt` begins where the list itself goes on."""
        if end.beyond:
            return run.first == int(end.beyond[0]["id"])
        if end.cursor is None or self._ahead is None:
            return False
        return end.cursor in {str(leapt + self._ahead), str(run.first)}

    def _run(
        self, found: list[Record], cursor: str | None, last: int, up_to: int | None, most: int
    ) -> Listed:
        pages: list[_Page] = []
        ordered, count = True, len(found)
        last = max([last, *(int(one["id"]) for one in found)])
        while True:
            body, answer = self._calls.told(self._path, {**self._query, "after": cursor})
            ids = [int(one["id"]) for one in answer["results"]]
            ordered = ordered and ids == sorted(ids) and (not ids or ids[0] > last)
            bound = _NO_END if up_to is None else up_to
            over = [one for one in answer["results"] if int(one["id"]) > bound]
            pages.append(_Page(body, ids, over))
            count += len(ids)
            last = max([last, *ids])
            after = ((answer.get("paging") or {}).get("next") or {}).get("after")
            cursor = str(after) if after else None
            if cursor is None or count + LIST_PAGE > most:
                break
            if up_to is not None and last >= up_to:
                break
        return self._cut(found, pages, cursor, up_to, ordered=ordered)

    def _cut(
        self,
        found: list[Record],
        pages: Sequence[_Page],
        cursor: str | None,
        up_to: int | None,
        *,
        ordered: bool,
    ) -> Listed:
        bound = _NO_END if up_to is None else up_to
        ids = [*(int(one["id"]) for one in found), *(one for page in pages for one in page.ids)]
        beyond = [one for one in found if int(one["id"]) > bound]
        beyond += [one for page in pages for one in page.over]
        beyond.sort(key=lambda one: int(one["id"]))
        parts = deque[bytes | list[Record]]([found, *(page.body for page in pages)])
        last = max((one for one in ids if one <= bound), default=0)
        over = up_to if up_to is not None and (beyond or cursor is None) else 0
        run = Listed(parts, bound, beyond, cursor, min(ids, default=None), last, ordered, over)
        if self._wide:
            named = [one for some in run.records() for one in some]
            run = run._replace(parts=deque([self._read(named)]))
        return run


def _step(left: int) -> int:
    """How long stretches behind the first one are, in whole calls, so that the last of them, begun
    together, end together."""
    turns = -(-(left + STRETCH) // (AHEAD * STRETCH))
    return max(LEAST, -(-left // (turns * AHEAD - 1) // LIST_PAGE) * LIST_PAGE)
