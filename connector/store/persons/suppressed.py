"""People who were forgotten and are not to come back: known by salted digests alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, delete, or_, select
from sqlalchemy import insert as sql_insert

from connector.domain.moment import Micros
from connector.domain.record import Activity, Edit, Record
from connector.identity.address import normalise_address
from connector.store.persons.people import chunks
from connector.store.running import audit
from connector.store.schema import forgotten
from connector.store.statements.among import among

Key = tuple[str, str, str]
_KEPT_OF_DEALS = ("status", "status_at", "amount", "created", "closed", "owner", "account")


def figures_only(doc: Mapping[str, Any]) -> dict[str, Any]:
    """Give what of a deal says nothing of its person."""
    return {name: doc[name] for name in _KEPT_OF_DEALS if name in doc}


def suppress(
    tx: Connection, emails: Iterable[str], keys: Iterable[Key], pseudonym: str, now: Micros
) -> None:
    """Leave salted digests, by which later pulls know whom not to take in.

    `keys` are those of the person's records; deals about them are known by them too.
    """
    words = {f"email:{one}" for one in emails}
    for key in keys:
        words |= {_record_word(*key), f"subject:{key[0]}/{key[2]}"}
    digests = {audit.digest(tx, word) for word in words}
    known: set[str] = set()
    for some in chunks(digests):
        query = select(forgotten.c.digest).where(among(forgotten.c.digest, some))
        known.update(tx.execute(query).scalars())
    fresh = [{"digest": d, "pseudonym": pseudonym, "at": now} for d in sorted(digests - known)]
    if fresh:
        tx.execute(sql_insert(forgotten), fresh)


def allow_return(tx: Connection, address: str) -> int:
    """Take back the digests of everybody forgotten by this address; gives how many there were."""
    digest = audit.digest(tx, f"email:{address}")
    query = select(forgotten.c.pseudonym).where(forgotten.c.digest == digest)
    names = list(tx.execute(query).scalars())
    done = tx.execute(
        delete(forgotten).where(or_(forgotten.c.digest == digest, forgotten.c.pseudonym.in_(names)))
    )
    return int(done.rowcount)


def let_in(
    tx: Connection, connection: str, obj: str, kind: str, records: Sequence[Record]
) -> tuple[list[Record], set[str]]:
    """Leave out the records of forgotten people; gives the others, and the ids left out.

    A deal about a forgotten person is let in as figures alone.
    """
    if not _is_anybody(tx) or kind not in {"person", "opportunity", "answers"}:
        return list(records), set()
    if kind == "answers":
        said = {one.id: f"subject:{connection}/{one.doc.get('person')}" for one in records}
        unwanted = _unwanted(tx, set(said.values()))
        out = {ident for ident, word in said.items() if word in unwanted}
        return [one for one in records if one.id not in out], out
    if kind == "opportunity":
        words = {f"subject:{connection}/{one.doc.get('person')}" for one in records}
        unwanted = _unwanted(tx, words)
        return [
            one._replace(doc=figures_only(one.doc))
            if f"subject:{connection}/{one.doc.get('person')}" in unwanted
            else one
            for one in records
        ], set()
    known_by = {one.id: _words(connection, obj, one) for one in records}
    unwanted = _unwanted(tx, {word for words in known_by.values() for word in words})
    out = {ident for ident, words in known_by.items() if words & unwanted}
    return [one for one in records if one.id not in out], out


def let_in_activities(
    tx: Connection, connection: str, activities: Sequence[Activity]
) -> Sequence[Activity]:
    """Leave out the activities of forgotten people."""
    if not _is_anybody(tx):
        return activities
    known_by = []
    for one in activities:
        words = {f"record:{connection}/{one.person}"} if one.person else set()
        if one.email and (address := normalise_address(one.email)):
            words.add(f"email:{address}")
        known_by.append(words)
    unwanted = _unwanted(tx, {word for words in known_by for word in words})
    pairs = zip(activities, known_by, strict=True)
    return [one for one, words in pairs if not words & unwanted]


def let_in_edits(
    tx: Connection, connection: str, obj: str, edits: Sequence[Edit]
) -> Sequence[Edit]:
    """Leave out what the records of forgotten people held before."""
    if not _is_anybody(tx):
        return edits
    unwanted = _unwanted(tx, {_record_word(connection, obj, one.record) for one in edits})
    return [one for one in edits if _record_word(connection, obj, one.record) not in unwanted]


def _words(connection: str, obj: str, one: Record) -> set[str]:
    words = {_record_word(connection, obj, one.id)}
    email = one.doc.get("email")
    if isinstance(email, str) and (address := normalise_address(email)):
        words.add(f"email:{address}")
    return words


def _record_word(connection: str, obj: str, ident: str) -> str:
    return f"record:{connection}/{obj}/{ident}"


def _is_anybody(tx: Connection) -> bool:
    return tx.execute(select(forgotten.c.digest).limit(1)).scalar() is not None


def _unwanted(tx: Connection, words: Iterable[str]) -> set[str]:
    by_digest = {audit.digest(tx, word): word for word in words}
    found: set[str] = set()
    for some in chunks(by_digest):
        query = select(forgotten.c.digest).where(among(forgotten.c.digest, some))
        found.update(by_digest[one] for one in tx.execute(query).scalars())
    return found
