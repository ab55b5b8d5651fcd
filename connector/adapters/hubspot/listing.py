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

from collections.abc import Generator, Iterator
from functools import partial
from typing import NamedTuple

from connector.adapters.hubspot.ahead import in_order, one_ahead
from connector.adapters.hubspot.calls import Calls
from connector.adapters.hubspot.chain import LIST_PAGE, NO_END, Chain, Closed, Listed, Read
from connector.adapters.hubspot.searching import Search, above
from connector.adapters.hubspot.shape import Shape

STRETCH, LEAST = 2500, 2000
"""Records to a stretch at most and at least: each costs a search beside its 20 to 25 calls of the
list."""
AHEAD = 8
"""Stretches under way at once, each one call at a time: 23 a second at 0.35 seconds each."""
_SEARCH_ENDS = 10_000
_RANKS = 3
"""Searches for where stretches begin that are under way at once."""


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
        chain = Chain(self._calls, shape, read)
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

    def _leaping(self, shape: Shape, chain: Chain, end: Listed, last: int) -> Iterator[Listed]:
        """Read stretches at once and join them, up to the last one that search knows the end of."""
        leap = partial(self._leap, chain)
        runs = in_order(leap, one_ahead(self._stretches(shape.source, last)), AHEAD)
        try:
            for stretch, closed in runs:
                run = chain.opened(closed, stretch.above, stretch.up_to)
                del closed
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

    def _leap(self, chain: Chain, stretch: _Stretch) -> tuple[_Stretch, Closed | Listed]:
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
        yield _Stretch(begin, NO_END)

    def _rank(self, source: str, base: int, after: int) -> int | None:
        return self._search.first(source, above(base), after)[1]


def _step(left: int) -> int:
    """How long stretches behind the first one are, in whole calls, so that the last of them, begun
    together, end together."""
    turns = -(-(left + STRETCH) // (AHEAD * STRETCH))
    return max(LEAST, -(-left // (turns * AHEAD - 1) // LIST_PAGE) * LIST_PAGE)
