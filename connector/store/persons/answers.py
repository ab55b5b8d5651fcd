"""What people answered at single touches: on a form, to a caller, at a fair."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection, and_, bindparam, or_, select, update

from connector.domain.record import ANSWERED_AT, Kind
from connector.store.persons.people import PersonRecord, chunks, columns_of_records, record_of
from connector.store.schema import record
from connector.store.statements.among import among
from connector.store.statements.bulk import execute_many

_KIND = record.c.kind == Kind.ANSWERS.value
_GIVE = (
    update(record)
    .where(
        record.c.connection == bindparam("c"),
        record.c.object == bindparam("o"),
        record.c.id == bindparam("i"),
    )
    .values(person=bindparam("p"))
)


def answers_of(tx: Connection, people: Iterable[str]) -> dict[str, list[PersonRecord]]:
    """Give what each person answered, in key order, as records that changed when it was said."""
    found: dict[str, list[PersonRecord]] = {}
    for ids in chunks(people):
        rows = tx.execute(
            select(*columns_of_records)
            .where(among(record.c.person, ids), _KIND, ~record.c.gone)
            .order_by(record.c.connection, record.c.object, record.c.id)
        )
        for row in rows.all():
            found.setdefault(row[-1], []).append(_said(record_of(row)))
    return found


def _said(one: PersonRecord) -> PersonRecord:
    at = one.doc.get(ANSWERED_AT)
    doc = {name: value for name, value in one.doc.items() if name not in _NOT_SAID}
    return one._replace(doc=doc, changed=at if isinstance(at, int) else one.changed)


_NOT_SAID = frozenset({"person", ANSWERED_AT})


def give_answers(tx: Connection, connection: str, owners: Mapping[str, str]) -> None:
    """Note whose answers they are: `owners` has the person of each person record, by remote id."""
    for ids in chunks(owners):
        rows = tx.execute(
            select(record.c.object, record.c.id, record.c.subject, record.c.person).where(
                record.c.connection == connection, _KIND, among(record.c.subject, ids)
            )
        )
        execute_many(
            tx,
            _GIVE,
            [
                {"c": connection, "o": row.object, "i": row.id, "p": owners[row.subject]}
                for row in rows.all()
                if row.person != owners[row.subject]
            ],
        )


def keys_of_answers(
    tx: Connection, people: Sequence[str], records: Iterable[tuple[str, str, str]]
) -> list[tuple[str, str, str]]:
    """Give the keys of all answers of these people, or about one of these person records."""
    about = [and_(record.c.connection == c, record.c.subject == i) for c, _, i in records]
    query = select(record.c.connection, record.c.object, record.c.id).where(
        _KIND, or_(record.c.person.in_(people), *about)
    )
    return [(row.connection, row.object, row.id) for row in tx.execute(query)]
