"""Follows the list of an object's records from cursor to cursor, and joins what was read of it.

Source: HubSpot's page on objects (2026-11); what its cursors are was never told.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from connector.adapters.base import Row
from connector.adapters.hubspot.calls import Calls, decoded, with_query
from connector.adapters.hubspot.shape import Shape, rows_of

LIST_PAGE = 100
"""Records to a call."""
LONGEST = 7500
"""Records to a stretch at most, whatever its cursors say."""
NO_END = 10**18
"""Above any id."""
URL_QUERY = 8000
Read = Callable[[list[Row]], list[dict[str, Any]]]


class Listed(NamedTuple):
    """Rows that follow each other, in id order as far as `ordered` holds for them.

    `parts` are pages. `bound` cuts off the rows of the last one that come later; they are `beyond`.
    `cursor` leads to what follows these, None where nothing does. `first` and `last` are the ids at
    the ends; `up_to` is the id up to which nothing more is to come, as far as one was asked for.
    """

    parts: deque[list[Row]]
    bound: int
    beyond: list[Row]
    cursor: str | None
    first: int | None
    last: int
    ordered: bool
    up_to: int = 0

    def rows(self) -> Iterator[list[Row]]:
        """Yield the rows, a page of the list at a time, each once: it is let go of."""
        while self.parts:
            some = self.parts.popleft()
            yield [one for one in some if int(one["id"]) <= self.bound] if self.beyond else some


class Closed(NamedTuple):
    """Pages of a stretch as they came, whose turn is yet to come: so they take a third of the room,
    and are decoded once."""

    bodies: deque[bytes]
    cursor: str | None


class _Page(NamedTuple):
    rows: list[Row]
    ids: list[int]


class Chain:
    """The list's own order, from cursor to cursor, and what its cursors look like."""

    def __init__(self, calls: Calls, shape: Shape, read: Read) -> None:
        self._calls = calls
        self._shape = shape
        self._read = read
        named = ",".join(shape.properties)
        self._wide = len(named) > URL_QUERY
        query = {"limit": LIST_PAGE, "properties": "hs_object_id" if self._wide else named}
        self._path = with_query(f"{calls.paths['objects']}/{shape.source}", query)
        self._ahead: int | None = None

    def learns(self, cursor: str | None, last: int) -> bool:
        """Whether a cursor behind an id is that id, or one above it: of what comes next."""
        number = _number(cursor) if cursor is not None else None
        if number is not None and number >= last:
            self._ahead = min(1, number - last)
        return self._ahead is not None

    def follow(self, end: Listed | None, last: int, up_to: int | None, most: int) -> Listed:
        """Go on where the list ended, up to an id, or to about so many records."""
        beyond = end.beyond if end is not None else []
        cursor = end.cursor if end is not None else None
        enough = up_to is not None and bool(beyond) and int(beyond[-1]["id"]) >= up_to
        if beyond and (enough or cursor is None):
            return self._joined(beyond, [], cursor, last, up_to)
        return self._run(beyond, cursor, last, up_to, most)

    def leap(self, last: int, up_to: int) -> Closed | Listed:
        """Begin above an id, without a cursor of the list's own; gives what is to be `opened`."""
        assert self._ahead is not None  # noqa: S101  nobody leaps before
        cursor: str | None = str(last + self._ahead)
        bodies = deque[bytes]()
        while True:
            bodies.append(self._calls.told(self._path, {"after": cursor}))
            cursor = cursor_behind(bodies[-1])
            if cursor is None or self._is_past(cursor, up_to):
                break
            if (len(bodies) + 1) * LIST_PAGE > LONGEST:
                break
        closed = Closed(bodies, cursor)
        return self.opened(closed, last, up_to) if self._wide else closed

    def _is_past(self, cursor: str, up_to: int) -> bool:
        """Whether a cursor tells that the record before it is the last one asked for, or that
        cursors are no ids any more."""
        number = _number(cursor)
        return number is None or number >= up_to + (self._ahead or 0)

    def opened(self, closed: Closed | Listed, last: int, up_to: int) -> Listed:
        """Decode a stretch that was leapt to above an id."""
        if isinstance(closed, Listed):
            return closed
        pages = []
        while closed.bodies:
            pages.append(self._page(decoded(closed.bodies.popleft())))
        return self._joined([], pages, closed.cursor, last, up_to)

    def meets(self, end: Listed, leapt: int, run: Listed) -> bool:
        """Whether a run that began above the id `leapt` begins where the list itself goes on."""
        if end.beyond:
            return run.first == int(end.beyond[0]["id"])
        if end.cursor is None or self._ahead is None:
            return False
        return end.cursor in {str(leapt + self._ahead), str(run.first)}

    def _run(
        self, found: list[Row], cursor: str | None, last: int, up_to: int | None, most: int
    ) -> Listed:
        pages: list[_Page] = []
        count, reached = len(found), last
        while True:
            answer = self._calls.get(self._path, {"after": cursor})
            pages.append(self._page(answer))
            count += len(pages[-1].ids)
            reached = max([reached, *pages[-1].ids])
            cursor = _after(answer)
            if cursor is None or count + LIST_PAGE > most:
                break
            if up_to is not None and reached >= up_to:
                break
        return self._joined(found, pages, cursor, last, up_to)

    def _joined(
        self,
        found: list[Row],
        pages: Sequence[_Page],
        cursor: str | None,
        above: int,
        up_to: int | None,
    ) -> Listed:
        """Look at what was listed above an id: its order, and what of it comes later than asked."""
        bound = NO_END if up_to is None else up_to
        ids = _ids(found)
        reached, ordered = max([above, *ids]), True
        for _, here in pages:
            ordered = ordered and here == sorted(here) and (not here or here[0] > reached)
            reached = max([reached, *here])
            ids += here
        parts = deque([found, *(page.rows for page in pages)])
        last = max(ids, default=0)
        beyond: list[Row] = []
        if last > bound:
            last = max((one for one in ids if one <= bound), default=0)
            beyond = [one for part in parts for one in part if int(one["id"]) > bound]
            beyond.sort(key=lambda one: int(one["id"]))
        over = up_to if up_to is not None and (beyond or cursor is None) else 0
        run = Listed(parts, bound, beyond, cursor, min(ids, default=None), last, ordered, over)
        if self._wide:
            named = [one for some in run.rows() for one in some]
            run = run._replace(parts=deque([rows_of(self._shape, self._read(named))]))
        return run

    def _page(self, answer: Mapping[str, Any]) -> _Page:
        """The rows of an answer, made while all of it is at hand."""
        rows = rows_of(self._shape, answer["results"])
        return _Page(rows, _ids(rows))


def cursor_behind(body: bytes) -> str | None:
    """Give the cursor of an answer of the list; where it stands at the end, without decoding the
    records before it.

    What begins behind a comma outside of any record, and makes an object of its own once it is
    given the brace that it lacks, is the end of the answer's own object.
    """
    begin = body.rfind(b'"paging"')
    if begin > 0 and body[begin - 1 : begin] == b",":
        try:
            return _after(orjson.loads(b"{" + body[begin:]))
        except orjson.JSONDecodeError:
            pass  # it is that of something inside
    return _after(decoded(body))


def _after(answer: Mapping[str, Any]) -> str | None:
    after = ((answer.get("paging") or {}).get("next") or {}).get("after")
    return str(after) if after else None


def _ids(rows: Sequence[Row]) -> list[int]:
    return [int(row["id"]) for row in rows]


def _number(cursor: str) -> int | None:
    return int(cursor) if cursor.isascii() and cursor.isdigit() else None
