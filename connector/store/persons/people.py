"""People: which records they are, what is known about them, and what waits to be done for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

import orjson
from sqlalchemy import (
    BindParameter,
    Connection,
    Select,
    bindparam,
    delete,
    false,
    func,
    or_,
    select,
    true,
    union,
    update,
)
from sqlalchemy import insert as sql_insert

from connector.domain.moment import Micros
from connector.domain.record import Fields, Scalar
from connector.domain.tally import closes_at
from connector.store.schema import (
    activity,
    alert,
    cycle,
    disposition,
    handoff,
    identity_key,
    is_live,
    move,
    offer,
    outbox,
    person,
    person_alias,
    record,
    routing,
    score,
    tally,
)
from connector.store.schema import recount as to_recount
from connector.store.schema_review import survey_lead
from connector.store.statements.among import among
from connector.store.statements.bulk import execute_many, insert_many
from connector.store.statements.upsert import insert_missing

_CLEAN = (
    update(record)
    .where(
        record.c.connection == bindparam("c"),
        record.c.object == bindparam("o"),
        record.c.id == bindparam("i"),
    )
    .values(dirty=false(), person=bindparam("p"))
)
_CHANGE = (
    update(person)
    .where(person.c.id == bindparam("i"))
    .values(
        facts=bindparam("f"),
        doc=bindparam("d"),
        excluded=bindparam("e"),
        stale=true(),
        pending=true(),
    )
)
_ACTIVE = (
    update(person)
    .where(or_(person.c.stale.is_(False), person.c.pending.is_(False)))
    .values(stale=true(), pending=true())
)
_PERSON = ("id", "facts", "doc", "excluded")
_of_person = itemgetter(*_PERSON)
_KEY = ("kind", "value", "person")
CHUNK = 1000
"""Ids bound in one statement, as one value. Fewer and the statements cost more than their rows."""


class PersonRecord(NamedTuple):
    """One record as it stands in the store."""

    connection: str
    object: str
    id: str
    changed: int | None
    doc: Fields
    remote: Fields
    gone: bool
    merged_into: str | None
    person: str | None

    @property
    def key(self) -> str:
        return f"{self.connection}/{self.object}/{self.id}"


def chunks(values: Iterable[str], size: int = CHUNK) -> Iterator[list[str]]:
    """Cut ids, each once, into lists a statement can bind."""
    unique = list(dict.fromkeys(values))
    for start in range(0, len(unique), size):
        yield unique[start : start + size]


def dumps(value: object) -> str:
    """Write a value as JSON with sorted keys, so that equal values are equal bytes."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def dirty_records(tx: Connection, kind: str, limit: int) -> list[PersonRecord]:
    """Give records of a kind that resolve has not seen in their present version."""
    rows = tx.execute(
        select(*columns_of_records)
        .where(record.c.kind == kind, record.c.dirty)
        .order_by(record.c.connection, record.c.object, record.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [record_of(row) for row in rows]


def records_of(tx: Connection, people: Iterable[str]) -> dict[str, list[PersonRecord]]:
    """Give each person's records, gone ones too, in key order."""
    found: dict[str, list[PersonRecord]] = {}
    for ids in chunks(people):
        rows = tx.execute(
            select(*columns_of_records)
            .where(among(record.c.person, ids), record.c.kind == "person")
            .order_by(record.c.connection, record.c.object, record.c.id)
        )
        for row in rows.all():
            found.setdefault(row[-1], []).append(record_of(row))
    return found


class Held(NamedTuple):
    """What the fields we write to hold in one live record of a person."""

    person: str
    connection: str
    object: str
    id: str
    changed: int | None
    remote: Fields


def held(tx: Connection, people: Iterable[str]) -> dict[str, list[Held]]:
    """Give what the live records of these people hold in fields we write to."""
    found: dict[str, list[Held]] = {}
    names = [record.c[name] for name in Held._fields]
    for ids in chunks(people):
        rows = tx.execute(
            select(*names)
            .where(among(record.c.person, ids), record.c.kind == "person", ~record.c.gone)
            .order_by(record.c.connection, record.c.object, record.c.id)
        )
        for *row, remote in rows.all():
            one = Held(*(*row, orjson.loads(remote)))
            found.setdefault(one.person, []).append(one)
    return found


def count_in_scope(tx: Connection) -> int:
    """Count the people the loop is about."""
    query = select(func.count()).select_from(person).where(person.c.excluded.is_(None))
    return int(tx.execute(query).scalar_one())


def records_by_id(
    tx: Connection, connection: str, kind: str, ids: Iterable[str]
) -> dict[str, PersonRecord]:
    """Give the records of a kind in one connection by their remote id."""
    found = {}
    for some in chunks(ids):
        rows = tx.execute(
            select(*columns_of_records).where(
                record.c.connection == connection,
                record.c.kind == kind,
                among(record.c.id, some),
            )
        )
        found.update({row.id: record_of(row) for row in rows.all()})
    return found


def find_by_record(tx: Connection, connection: str, obj: str, ident: str) -> list[str]:
    """Give the person a record belongs to; none where nobody knows it."""
    query = select(record.c.person).where(
        record.c.connection == connection,
        record.c.object == obj,
        record.c.id == ident,
        record.c.person.is_not(None),
    )
    return list(tx.execute(query).scalars())


def opportunities_of(
    tx: Connection, connection: str, subjects: Iterable[str]
) -> dict[str, list[PersonRecord]]:
    """Give the live opportunities of person records, by the person record's remote id."""
    found: dict[str, list[PersonRecord]] = {}
    for some in chunks(subjects):
        rows = tx.execute(
            select(*columns_of_records, record.c.subject).where(
                record.c.connection == connection,
                record.c.kind == "opportunity",
                among(record.c.subject, some),
                ~record.c.gone,
            )
        )
        # Ordered here: asked to, SQLite would walk every record in key order.
        for *row, subject in sorted(rows.all(), key=lambda row: (row[1], row[2])):
            found.setdefault(subject, []).append(record_of(row))
    return found


def people_of_records(
    tx: Connection, connection: str, kind: str, column: str, values: Iterable[str]
) -> set[str]:
    """Give the people whose records carry one of these values in `account` or `subject`."""
    found: set[str] = set()
    for some in chunks(values):
        rows = tx.execute(
            select(record.c.person).where(
                record.c.connection == connection,
                record.c.kind == kind,
                among(record.c[column], some),
                record.c.person.is_not(None),
            )
        )
        found.update(rows.scalars())
    return found


def clean(tx: Connection, records: Sequence[PersonRecord]) -> None:
    """Note that resolve has seen these versions, and whose records they are."""
    execute_many(
        tx,
        _CLEAN,
        [{"c": r.connection, "o": r.object, "i": r.id, "p": r.person} for r in records],
    )


def known_keys(tx: Connection, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Give the person each identity key already belongs to."""
    by_kind: dict[str, list[str]] = {}
    for kind, value in keys:
        by_kind.setdefault(kind, []).append(value)
    found = {}
    for kind, values in by_kind.items():
        for some in chunks(values):
            rows = tx.execute(
                select(identity_key.c.value, identity_key.c.person).where(
                    identity_key.c.kind == kind, among(identity_key.c.value, some)
                )
            )
            found.update({(kind, value): owner for value, owner in rows.all()})
    return found


def add_keys(tx: Connection, keys: Mapping[tuple[str, str], str]) -> None:
    """Remember which person new identity keys belong to."""
    insert_many(tx, identity_key, _KEY, [(*key, owner) for key, owner in keys.items()])


def merge(tx: Connection, losers: Mapping[str, str], run: str) -> None:
    """Make one person of two: the loser's records, keys and activities become the winner's.

    The loser's cycles stay under its own id for the record; its live outbox rows are superseded.
    What was counted of the loser goes, and of the winner the types that came along are recounted.
    """
    moved: list[tuple[str, str]] = []
    for loser, winner in losers.items():
        moved += [(winner, kind) for kind in _types_of(tx, loser)]
        for table in (record, activity, identity_key):
            tx.execute(update(table).where(table.c.person == loser).values(person=winner))
        tx.execute(update(person_alias).where(person_alias.c.person == loser).values(person=winner))
        tx.execute(sql_insert(person_alias).values(old=loser, person=winner, run=run))
        _adopt_history(tx, loser, winner)
        tx.execute(delete(score).where(score.c.person == loser))
        tx.execute(delete(person).where(person.c.id == loser))
    forget_counted(tx, losers)
    recount(tx, moved)


def _types_of(tx: Connection, who: str) -> list[str]:
    query = select(activity.c.type).where(activity.c.person == who)
    return list(tx.execute(query.distinct()).scalars())


def _adopt_history(tx: Connection, loser: str, winner: str) -> None:
    """The winner without a cycle of its own inherits the loser's; else both histories are kept."""
    has_cycle = tx.execute(select(func.count()).where(cycle.c.person == winner)).scalar_one()
    tables = (
        (disposition, routing, outbox)
        if has_cycle
        else (disposition, routing, outbox, cycle, move, handoff, alert, offer)
    )
    for table in (*tables, survey_lead):
        tx.execute(update(table).where(table.c.person == loser).values(person=winner))
    if has_cycle:
        tx.execute(
            update(cycle).where(cycle.c.person == loser, cycle.c.current).values(current=False)
        )


def save_people(
    tx: Connection, rows: Sequence[Mapping[str, Any]], run: str
) -> tuple[list[str], list[str]]:
    """Store people whose facts, doc or exclusion differ; gives (new ids, changed ids).

    Each row holds id, facts, doc (both JSON text) and excluded. A person whose facts changed is
    stale (to be scored) and pending (to be decided and planned).
    """
    known = _known(tx, [row["id"] for row in rows])
    new = [row for row in rows if row["id"] not in known]
    changed = [
        row
        for row in rows
        if row["id"] in known and known[row["id"]] != (row["facts"], row["doc"], row["excluded"])
    ]
    insert_many(
        tx,
        person,
        (*_PERSON, "stale", "pending", "first_run"),
        [(*_of_person(row), True, True, run) for row in new],
    )
    forget_counted(tx, (row["id"] for row in new))  # of somebody erased while a run scored them
    execute_many(
        tx,
        _CHANGE,
        [{"i": r["id"], "f": r["facts"], "d": r["doc"], "e": r["excluded"]} for r in changed],
    )
    return [row["id"] for row in new], [row["id"] for row in changed]


def _known(tx: Connection, ids: Iterable[str]) -> dict[str, tuple[str, str, str | None]]:
    found = {}
    for some in chunks(ids):
        rows = tx.execute(
            select(person.c.id, person.c.facts, person.c.doc, person.c.excluded).where(
                among(person.c.id, some)
            )
        )
        found.update({ident: (facts, doc, out) for ident, facts, doc, out in rows.all()})
    return found


def mark(tx: Connection, people: Iterable[str], **flags: bool) -> None:
    """Set the flags `stale` and `pending` of these people; who has them is not written again.

    What was counted of them stays: whoever changes activities says so by `recount` as well.
    """
    others = or_(*(person.c[name].is_(not value) for name, value in flags.items()))
    for ids in chunks(people):
        tx.execute(update(person).where(among(person.c.id, ids), others).values(**flags))


def mark_active(tx: Connection, since: Mapping[tuple[str, str], Micros]) -> None:
    """Set both flags of people who did more: `since` has when the first of it was, by (person,
    type).

    More is added to what was counted of them. Where the day of that moment is closed for a person,
    the type is counted anew.
    """
    for ids in chunks(who for who, _ in since):
        tx.execute(_ACTIVE.where(among(person.c.id, ids)))
    until = _counted_until(tx, (who for who, _ in since))
    late = [
        (who, kind)
        for (who, kind), first in since.items()
        if who in until and until[who] >= closes_at(first)
    ]
    _note_recounts(tx, late)


def recount(tx: Connection, changed: Iterable[tuple[str, str]]) -> None:
    """Let what rules count of these (person, type) be counted anew, from all that is there by now.

    Sets no flags; of whom nothing is counted nothing is noted.
    """
    pairs = list(dict.fromkeys(changed))
    until = _counted_until(tx, (who for who, _ in pairs))
    _note_recounts(tx, [pair for pair in pairs if pair[0] in until])


def _counted_until(tx: Connection, people: Iterable[str]) -> dict[str, Micros]:
    found: dict[str, Micros] = {}
    for ids in chunks(people):
        rows = tx.execute(select(tally.c.person, tally.c.as_of).where(among(tally.c.person, ids)))
        found.update((who, as_of) for who, as_of in rows.all())
    return found


def _note_recounts(tx: Connection, pairs: Iterable[tuple[str, str]]) -> None:
    insert_missing(tx, to_recount, [{"person": who, "type": kind} for who, kind in pairs])


def forget_counted(tx: Connection, people: Iterable[str]) -> None:
    """Let all that these people did be counted anew when they are scored next."""
    for ids in chunks(people):
        for table in (tally, to_recount):
            tx.execute(delete(table).where(among(table.c.person, ids)))


def mark_colleagues(tx: Connection, accounts: Iterable[str]) -> None:
    """Let whoever has a record of one of these accounts (`connection/id`) be scored again."""
    mark(tx, people_of_accounts(tx, accounts), stale=True)


def people_of_accounts(tx: Connection, accounts: Iterable[str]) -> set[str]:
    """Give whoever has a record of one of these accounts (`connection/id`)."""
    ids: dict[str, set[str]] = {}
    for key in accounts:
        connection, _, ident = key.partition("/")
        ids.setdefault(connection, set()).add(ident)
    found: set[str] = set()
    for connection, some in ids.items():
        found |= people_of_records(tx, connection, "person", "account", some)
    return found


def mark_all(tx: Connection, **flags: bool) -> None:
    """Set the flags `stale` and `pending` of everybody."""
    tx.execute(update(person).values(**flags))


def find(tx: Connection, word: str) -> str | None:
    """Give the person for a person id, a record key, an alias or a remote id that is unique."""
    alias = tx.execute(select(person_alias.c.person).where(person_alias.c.old == word)).scalar()
    if alias is not None:
        return str(alias)
    if tx.execute(select(person.c.id).where(person.c.id == word)).scalar() is not None:
        return word
    by_key = known_keys(tx, [("record", word)]).get(("record", word))
    if by_key is not None:
        return by_key
    found = set(
        tx.execute(
            select(record.c.person).where(record.c.id == word, record.c.person.is_not(None))
        ).scalars()
    )
    return str(found.pop()) if len(found) == 1 else None


columns_of_records = (
    record.c.connection,
    record.c.object,
    record.c.id,
    record.c.changed,
    record.c.doc,
    record.c.remote,
    record.c.gone,
    record.c.merged_into,
    record.c.person,
)


def record_of(row: Sequence[Any]) -> PersonRecord:
    """Give the record in a row of `columns_of_records`."""
    connection, obj, ident, changed, doc, remote, gone, merged_into, owner = row
    return PersonRecord(
        connection,
        obj,
        ident,
        changed,
        orjson.loads(doc),
        orjson.loads(remote),
        gone,
        merged_into,
        owner,
    )


def records_of_kind(tx: Connection, connection: str, kind: str) -> list[PersonRecord]:
    """Give every record of a small kind (owners) in one connection, by object and id."""
    rows = tx.execute(
        select(*columns_of_records).where(record.c.connection == connection, record.c.kind == kind)
    )
    return sorted((record_of(row) for row in rows.all()), key=lambda one: (one.object, one.id))


def facts_of(tx: Connection, ids: Iterable[str]) -> dict[str, Fields]:
    """Give what rules read about each of these people."""
    found = {}
    for some in chunks(ids):
        rows = tx.execute(select(person.c.id, person.c.facts).where(among(person.c.id, some)))
        found.update({row.id: orjson.loads(row.facts) for row in rows})
    return found


def values_of(tx: Connection, ids: Iterable[str], name: str) -> dict[str, Scalar]:
    """Give one fact of each of these people, where it is known."""
    named = person.c.facts.contains(dumps(name), autoescape=True)
    found = {}
    for some in chunks(ids):
        rows = tx.execute(
            select(person.c.id, person.c.facts).where(among(person.c.id, some), named)
        )
        found.update({row.id: orjson.loads(row.facts).get(name) for row in rows})
    return found


def documents_of(tx: Connection, ids: Iterable[str]) -> dict[str, Fields]:
    """Give each of these people as people read them."""
    found = {}
    for some in chunks(ids):
        rows = tx.execute(select(person.c.id, person.c.doc).where(among(person.c.id, some)))
        found.update({row.id: orjson.loads(row.doc) for row in rows})
    return found


def active_since(tx: Connection, since: int, until: int) -> set[str]:
    """Give who did something that counts between two moments."""
    rows = tx.execute(
        select(activity.c.person)
        .where(
            activity.c.person.is_not(None),
            activity.c.time >= since,
            activity.c.time <= until,
            ~activity.c.machine,
            ~activity.c.duplicate,
        )
        .distinct()
    )
    return set(rows.scalars())


def colleagues(tx: Connection, account: str) -> dict[str, Fields]:
    """Give the facts of everybody in scope whose `account.key` is this."""
    part = dumps({"account.key": account})[1:-1]
    rows = tx.execute(
        select(person.c.id, person.c.facts).where(
            person.c.facts.contains(part, autoescape=True), person.c.excluded.is_(None)
        )
    )
    return {row.id: orjson.loads(row.facts) for row in rows}


_FLAGGED = (
    select(person.c.id)
    .where(person.c.id > bindparam("after"), person.c.excluded.is_(None), person.c.pending)
    .order_by(person.c.id)
    .limit(bindparam("most"))
)


def flagged(tx: Connection, after: str, limit: int) -> list[str]:
    """Give people past `after` of whom there is news since they were planned, by id."""
    return list(tx.execute(_FLAGGED, {"after": after, "most": limit}).scalars())


def _to_be_planned() -> Select[Any]:
    """Those who are flagged, and those about whom something waits; each have an index of theirs."""
    past: BindParameter[str] = bindparam("after")
    most: BindParameter[int] = bindparam("most")
    ours = (person.c.id > past, person.c.excluded.is_(None))
    flagged = (
        select(person.c.id)
        .where(*ours, person.c.pending)
        .order_by(person.c.id)
        .limit(most)
        .subquery()
    )
    waiting = (
        select(outbox.c.person)
        .distinct()
        .join(person, person.c.id == outbox.c.person)
        .where(*ours, outbox.c.person > past, is_live)
        .order_by(outbox.c.person)
        .limit(most)
        .subquery()
    )
    both = union(select(flagged.c.id), select(waiting.c.person.label("id"))).subquery()
    return select(both.c.id).order_by(both.c.id).limit(most)


_PENDING = _to_be_planned()


def pending(tx: Connection, after: str, limit: int) -> list[str]:
    """Give people past `after` for whom something may have to be written, by id.

    These are the pending ones, and those about whom something waits to be written.
    """
    return list(tx.execute(_PENDING, {"after": after, "most": limit}).scalars())


def count_records(tx: Connection, kind: str) -> int:
    """Count the live records of a kind."""
    query = select(func.count()).select_from(record).where(record.c.kind == kind, ~record.c.gone)
    return int(tx.execute(query).scalar_one())


def record_remote(tx: Connection, connection: str, obj: str, ident: str) -> Fields | None:
    """Give what the fields we write to hold in one live record; None when it is gone."""
    text = tx.execute(
        select(record.c.remote).where(
            record.c.connection == connection,
            record.c.object == obj,
            record.c.id == ident,
            ~record.c.gone,
        )
    ).scalar()
    return orjson.loads(text) if text is not None else None


def seniority(tx: Connection, ids: Iterable[str]) -> dict[str, int]:
    """Number people by when they were first seen: lower is earlier."""
    rows: list[tuple[str, str]] = []
    for some in chunks(ids):
        found = tx.execute(select(person.c.first_run, person.c.id).where(among(person.c.id, some)))
        rows += [(row.first_run, row.id) for row in found]
    return {ident: number for number, (_, ident) in enumerate(sorted(rows))}


def hold(tx: Connection, key: tuple[str, str, str], values: Fields) -> None:
    """Note what the CRM was just seen to hold in fields we write to."""
    held = record_remote(tx, *key)
    if held is None:
        return
    tx.execute(
        update(record)
        .where(record.c.connection == key[0], record.c.object == key[1], record.c.id == key[2])
        .values(remote=dumps({**held, **values}))
    )
