"""One person's field values out of all the records that are that person."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from connector.domain.moment import Micros
from connector.domain.record import Fields


class Version(NamedTuple):
    """One record's say: when it changed, the rank of its connection, its id and its values."""

    changed: Micros | None
    rank: int
    id: str
    doc: Fields


def fuse(versions: Iterable[Version]) -> Fields:
    """Give each field its newest known value; equal times go to the connection listed first.

    An objection (`opted_out`) on any record counts for the person.
    """
    ordered = sorted(versions, key=lambda v: (v.changed or 0, -v.rank, _last(v.id)))
    fused: Fields = {}
    objected = False
    for version in ordered:
        for name, value in version.doc.items():
            if value is not None:
                fused[name] = value
        objected = objected or version.doc.get("opted_out") is True
    if objected:
        fused["opted_out"] = True
    if fused.get("email") is not None:
        fused.pop("email_invalid", None)
    return fused


def _last(ident: str) -> tuple[int, ...]:
    """Sort the smaller id later, so that it wins a tie."""
    return tuple(-ord(letter) for letter in ident)
