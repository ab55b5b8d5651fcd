"""A table of very many rows that are alike: each is made when somebody looks at it.

Rows that people or the system change are kept; the rest are a pattern, the value that links each to
its parent, and a number, so that millions take little room.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator, MutableMapping, Sequence
from typing import Any, overload

from connector.practice.salesforce.ids import ids_from, make_id, number_of

Row = dict[str, Any]


class PlentyIds(Sequence[str]):
    """The ids of such a table in their order: a span of numbers, then whatever came later."""

    def __init__(self, prefix: str, span: range, later: list[str]) -> None:
        self._prefix, self._span, self._later = prefix, span, later

    def __len__(self) -> int:
        return len(self._span) + len(self._later)

    def __iter__(self) -> Iterator[str]:
        yield from ids_from(self._prefix, self._span)
        yield from self._later

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> PlentyIds: ...
    def __getitem__(self, at: int | slice) -> str | PlentyIds:
        size = len(self._span)
        if isinstance(at, slice):
            start, stop, _ = at.indices(len(self))
            later = self._later[max(start - size, 0) : max(stop - size, 0)]
            return PlentyIds(self._prefix, self._span[min(start, size) : min(stop, size)], later)
        place = range(len(self))[at]
        if place >= size:
            return self._later[place - size]
        return make_id(self._prefix, self._span[place])

    def insert(self, _place: int, id_: str) -> None:
        """Add the id of a row that was made later; ids sort as they were made."""
        insort(self._later, id_)


class Plenty(MutableMapping[str, Row]):
    """Rows by id. None of the pattern can be taken away."""

    def __init__(
        self, prefix: str, span: range, pattern: Row, link: str, parents: Sequence[str]
    ) -> None:
        self._prefix, self._span, self._pattern = prefix, span, pattern
        self._link, self._parents = link, parents
        self._each = max(1, len(span) // max(1, len(parents)))
        self._kept: dict[str, Row] = {}

    def __getitem__(self, id_: str) -> Row:
        row = self._kept.get(id_)
        if row is not None:
            return row
        number = number_of(id_) if id_[:3] == self._prefix else -1
        if number not in self._span:
            raise KeyError(id_)
        return self._made(id_, number)

    def _made(self, id_: str, number: int) -> Row:
        row = self._pattern.copy()
        place = (number - self._span.start) // self._each
        row["Id"] = id_
        row[self._link] = self._parents[min(place, len(self._parents) - 1)]
        return row

    def held(self, id_: str) -> Row | None:
        """The row of an id, kept from now on, for somebody may change it."""
        row = self.get(id_)
        return None if row is None else self._kept.setdefault(id_, row)

    def __setitem__(self, id_: str, row: Row) -> None:
        self._kept[id_] = row

    def __delitem__(self, id_: str) -> None:
        if number_of(id_) in self._span:
            raise KeyError(f"{id_} is one of a pattern")
        del self._kept[id_]

    def __iter__(self) -> Iterator[str]:
        yield from ids_from(self._prefix, self._span)
        yield from (id_ for id_ in self._kept if number_of(id_) not in self._span)

    def __len__(self) -> int:
        return sum(1 for id_ in self._kept if number_of(id_) not in self._span) + len(self._span)
