"""Taking records out of a person they were wrongly joined to, and keeping them out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, and_, delete, func, select, true, update
from sqlalchemy import insert as sql_insert

from connector.identity.address import normalise_address
from connector.identity.resolve import Key
from connector.store.persons.answers import give_answers
from connector.store.persons.forgetting import deals_of
from connector.store.persons.people import PersonRecord, find, forget_counted, mark
from connector.store.schema import (
    activity,
    alert,
    cycle,
    disposition,
    handoff,
    identity_key,
    move,
    offer,
    outbox,
    person_alias,
    record,
    routing,
)
from connector.store.schema_review import survey_lead
from connector.store.schema_sync import shared_key

_OF_A_PASS = (cycle, move, disposition, routing, handoff, alert, offer, survey_lead)


def shared_keys(tx: Connection) -> set[Key]:
    """Give the keys that several people have, so that they join nobody; people name them."""
    query = select(shared_key.c.kind, shared_key.c.value)
    return {(row.kind, row.value) for row in tx.execute(query)}


def keys_of(tx: Connection, person: str) -> list[Key]:
    """Give every key this person is known by."""
    query = select(identity_key.c.kind, identity_key.c.value).where(identity_key.c.person == person)
    return [(row.kind, row.value) for row in tx.execute(query)]


def holds(one: PersonRecord, key: Key) -> bool:
    """Whether a record has this key now."""
    kind, value = key
    if kind == "record":
        return value == one.key
    if kind == "email":
        email = one.doc.get("email")
        return isinstance(email, str) and normalise_address(email) == value
    found = one.doc.get(kind.removeprefix(f"{one.connection}."))
    return kind.startswith(f"{one.connection}.") and found is not None and str(found) == value


def name_of(tx: Connection, records: Sequence[PersonRecord]) -> str:
    """Give what a person of these records is called: as before they were joined to somebody, else
    after the record seen first."""
    keys = [one.key for one in records]
    before = tx.execute(select(person_alias.c.old).where(person_alias.c.old.in_(keys))).scalars()
    seen = [(_first_run(tx, one), one.key) for one in records]
    return min(before, default=min(seen)[1])


def _first_run(tx: Connection, one: PersonRecord) -> str:
    query = select(record.c.first_run).where(_here(record, "id", one))
    return str(tx.execute(query).scalar_one())


def declare_shared(tx: Connection, person: str, keys: Iterable[Key]) -> None:
    """Let these keys, by which `person` was known, join nobody from now on."""
    for kind, value in keys:
        tx.execute(delete(identity_key).where(_is(identity_key, (kind, value))))
        tx.execute(sql_insert(shared_key).values(kind=kind, value=value, person=person))


def declare_own(tx: Connection, keys: Iterable[Key]) -> None:
    """Let these keys join people again, to those they had joined them to."""
    for kind, value in keys:
        query = select(shared_key.c.person).where(_is(shared_key, (kind, value)))
        person = find(tx, str(tx.execute(query).scalar_one()))
        tx.execute(delete(shared_key).where(_is(shared_key, (kind, value))))
        if person is not None:
            tx.execute(sql_insert(identity_key).values(kind=kind, value=value, person=person))


def part(
    tx: Connection, person: str, records: Sequence[PersonRecord], keys: Iterable[Key], new: str
) -> int:
    """Make these records of `person` the person `new`, who is known by `keys`.

    What is known of both, and whose each activity is, is worked out anew by the next run. A pass
    goes along with the record it was handed off with, or that sales gave its verdict on. Gives how
    many passes went along.
    """
    for key in keys:
        tx.execute(update(identity_key).where(_is(identity_key, key)).values(person=new))
    for one in records:
        tx.execute(update(record).where(_here(record, "id", one)).values(person=new))
        tx.execute(update(outbox).where(_here(outbox, "record", one)).values(person=new))
        give_answers(tx, one.connection, {one.id: new})
    read_again(tx, [person, new])
    tx.execute(update(activity).where(activity.c.person == person).values(person=None))
    forget_counted(tx, [person, new])
    tx.execute(delete(person_alias).where(person_alias.c.old == new))
    passes = _passes_with(tx, person, records)
    for number, place in enumerate(passes, start=_last_pass(tx, new) + 1):
        for table in _OF_A_PASS:
            here = (table.c.person == person, table.c.number == place)
            tx.execute(update(table).where(*here).values(person=new, number=number))
    for who in (person, new):
        _stand_last(tx, who)
    return len(passes)


def read_again(tx: Connection, people: Sequence[str]) -> None:
    """Let the next run join these people's records, score and plan them anew."""
    mine = (record.c.person.in_(people), record.c.kind == "person")
    tx.execute(update(record).where(*mine).values(dirty=true()))
    mark(tx, people, stale=True, pending=True)


def _passes_with(tx: Connection, person: str, records: Sequence[PersonRecord]) -> list[int]:
    """The passes that were about these records: by their hand-off, else by what sales said."""
    named = {one.key for one in records}
    keys = [(one.connection, one.object, one.id) for one in records]
    deals = {"/".join(key) for key in deals_of(tx, keys)}
    given = dict(
        tx.execute(
            select(handoff.c.number, handoff.c.record).where(handoff.c.person == person)
        ).all()
    )
    said = tx.execute(
        select(disposition.c.number, disposition.c.source).where(disposition.c.person == person)
    )
    judged = {number for number, source in said if source in named | deals and number not in given}
    return sorted(judged | {number for number, key in given.items() if key in named})


def _last_pass(tx: Connection, person: str) -> int:
    query = select(func.max(cycle.c.number)).where(cycle.c.person == person)
    return int(tx.execute(query).scalar() or 0)


def _stand_last(tx: Connection, person: str) -> None:
    """Let the last pass of a person be the one that goes on."""
    mine = cycle.c.person == person
    last = cycle.c.number == _last_pass(tx, person)
    tx.execute(update(cycle).where(mine, ~last, cycle.c.current).values(current=False))
    tx.execute(update(cycle).where(mine, last).values(current=True))


def _is(table: Any, key: Key) -> Any:
    return and_(table.c.kind == key[0], table.c.value == key[1])


def _here(table: Any, ident: str, one: PersonRecord) -> Any:
    return and_(
        table.c.connection == one.connection,
        table.c.object == one.object,
        table.c[ident] == one.id,
    )
