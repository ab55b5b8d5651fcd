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

    An objection (`opted_out`) on any record counts for the person, unless consent (`opted_in`) was
    given later: where both say when (`opted_out_at`, `opted_in_at`), the latest statement decides.
    `do_not_call` on any record counts.
    """
    ordered = list(versions)
    if len(ordered) > 1:
        ordered.sort(key=lambda v: (v.changed or 0, -v.rank, _last(v.id)))
    fused: Fields = {}
    docs = []
    for version in ordered:
        for name, value in version.doc.items():
            if value is not None:
                fused[name] = value
        docs.append(version.doc)
    if any(doc.get("opted_out") is True for doc in docs):
        fused["opted_out"] = _objected(docs)
    if any(doc.get("do_not_call") is True for doc in docs):
        fused["do_not_call"] = True
    if fused.get("email") is not None:
        fused.pop("email_invalid", None)
    return fused


def _objected(docs: Iterable[Fields]) -> bool:
    """Whether the latest word is an objection; one without a date always counts."""
    consent: Micros | None = None
    objection: Micros | None = None
    for doc in docs:
        out, given = doc.get("opted_out_at"), doc.get("opted_in_at")
        if doc.get("opted_out") is True:
            if not isinstance(out, int):
                return True
            objection = max(objection or out, out)
        if doc.get("opted_in") is True and isinstance(given, int):
            consent = max(consent or given, given)
    return objection is not None and (consent is None or consent <= objection)


def _last(ident: str) -> tuple[int, ...]:
    """Sort the smaller id later, so that it wins a tie."""
    return tuple(-ord(letter) for letter in ident)
