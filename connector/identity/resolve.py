"""Which records are the same person: incremental, page by page, independent of the pages' cuts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

Key = tuple[str, str]
"""(kind, value): an address, an id field, or the record itself."""


class Candidate(NamedTuple):
    """A record to be placed. `keys` always holds its own ("record", key)."""

    key: str
    person: str | None
    keys: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Resolution:
    """Whose each record is, the keys to remember, and which people turned out to be one."""

    people: dict[str, str]
    keys: dict[Key, str]
    merged: dict[str, str]


def resolve(
    page: Sequence[Candidate], known: Mapping[Key, str], seniority: Mapping[str, int]
) -> Resolution:
    """Place the records of one page.

    Args:
        page: In the order they were first seen; a new person is called after the first of its
            records.
        known: The person each key already belongs to.
        seniority: When each known person was first seen (lower is earlier): of two that turn out
            to be one, the earlier keeps its id; ties go to the smaller id.
    """
    union = _Union()
    for candidate in page:
        union.join(_nodes(candidate, known))
    names = _names(page, known, seniority, union)
    people = {c.key: names[union.find(("record", c.key))] for c in page}
    keys = {key: people[c.key] for c in page for key in c.keys if known.get(key) != people[c.key]}
    fresh = {key: person for key, person in keys.items() if key not in known}
    merged = {
        person: names[union.find(("person", person))]
        for person in _people(page, known)
        if names[union.find(("person", person))] != person
    }
    return Resolution(people, fresh, merged)


def _nodes(candidate: Candidate, known: Mapping[Key, str]) -> list[Key]:
    nodes: list[Key] = [("record", candidate.key), *candidate.keys]
    nodes += [("person", known[key]) for key in candidate.keys if key in known]
    if candidate.person is not None:
        nodes.append(("person", candidate.person))
    return nodes


def _people(page: Sequence[Candidate], known: Mapping[Key, str]) -> set[str]:
    found = {c.person for c in page if c.person is not None}
    return found | {known[key] for c in page for key in c.keys if key in known}


def _names(
    page: Sequence[Candidate],
    known: Mapping[Key, str],
    seniority: Mapping[str, int],
    union: _Union,
) -> dict[Key, str]:
    """Name each group: its earliest known person, else its first record of this page."""
    names: dict[Key, str] = {}
    late = 1 << 62
    for person in sorted(_people(page, known), key=lambda p: (seniority.get(p, late), p)):
        names.setdefault(union.find(("person", person)), person)
    for candidate in page:
        names.setdefault(union.find(("record", candidate.key)), candidate.key)
    return names


class _Union:
    """Groups of nodes that belong together."""

    def __init__(self) -> None:
        self._parent: dict[Key, Key] = {}

    def find(self, node: Key) -> Key:
        parent = self._parent.setdefault(node, node)
        while parent != self._parent[parent]:
            self._parent[parent] = self._parent[self._parent[parent]]
            parent = self._parent[parent]
        self._parent[node] = parent
        return parent

    def join(self, nodes: Iterable[Key]) -> None:
        first: Key | None = None
        for node in nodes:
            root = self.find(node)
            if first is None:
                first = root
            elif root != first:
                self._parent[root] = first
