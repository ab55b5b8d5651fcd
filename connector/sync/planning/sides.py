"""Which of our fields two connections write: fine in CRMs apart, a fight in ones that sync."""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

from connector.config.load import Loaded
from connector.config.settings import Connection
from connector.mapping.compile import compile_mapping
from connector.sync.opening import mapping_of

_NO_CRM = "files"
_SHOWN = 6


class BothSides(NamedTuple):
    """Two connections that write the same of our fields, and the next step if these are synced."""

    said: str
    fix: str


def both_sides(loaded: Loaded) -> list[BothSides]:
    """Name each pair of CRMs that get the same fields, in the order of leadloop.yaml."""
    written = [
        (one, _words(loaded, one)) for one in loaded.settings.connections if one.kind != _NO_CRM
    ]
    pairs = combinations(written, 2)
    return [_pair(a, b, sorted(of_a & of_b)) for (a, of_a), (b, of_b) in pairs if of_a & of_b]


def _words(loaded: Loaded, connection: Connection) -> set[str]:
    objects = compile_mapping(mapping_of(loaded, connection)).values()
    return {word for one in objects for word in one.writes}


def _pair(one: Connection, other: Connection, words: list[str]) -> BothSides:
    first, second = (other, one) if other.handoff and not one.handoff else (one, other)
    named = ", ".join(words[:_SHOWN]) + (f" and {len(words) - _SHOWN} more" * (len(words) > _SHOWN))
    return BothSides(
        f"{one.name} and {other.name} both get {named}",
        f"If these two CRMs copy fields to each other, one side writes: take `write:` out of "
        f"{second.mapping}, keep it in {first.mapping}; else leave it",
    )
