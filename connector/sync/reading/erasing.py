"""Erases what a CRM erased for good: its webhook says so, or it lies nowhere there any more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import Connection

from connector.mapping.compile import CompiledObject
from connector.store.persons import forgetting, people, suppressed
from connector.store.persons.news import note_news
from connector.store.running import audit
from connector.sync.context import Loop, Source


def erase(
    loop: Loop, source: Source, one: CompiledObject, ids: Sequence[str], counts: Counter[str]
) -> None:
    """Erase records and all that hangs on them; whoever was nothing else is forgotten whole."""
    with loop.store.write() as tx:
        source.hold(tx)
        for ident in ids:
            key = (source.name, one.name, ident)
            who = people.find_by_record(tx, *key)
            kept = {w for w in who if _keys(tx, w) - {key}}
            whole = sorted(set(who) - kept)
            emails = forgetting.addresses(tx, whole)
            pseudonym, erased = forgetting.erase(tx, whole, [key], next(iter(emails), ""), loop.now)
            suppressed.suppress(tx, emails, [key], pseudonym, loop.now)
            note_news(tx, kept)
            counts["erased"] += erased["records"]
        about = {"connection": source.name, "object": one.name, "records": len(ids)}
        audit.append(tx, "erased by the CRM's word", about, loop.now)


def _keys(tx: Connection, person: str) -> set[tuple[str, str, str]]:
    mine = people.records_of(tx, [person]).get(person, ())
    return {(r.connection, r.object, r.id) for r in mine}
