"""Which record of a person carries owner, status and nurture, and what it says now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from sqlalchemy import Connection

from connector.domain.cycle import State
from connector.store.incoming.activities import newest_by_record
from connector.store.incoming.field_history import Kept, Key, edits_of
from connector.store.passes.handoffs import InHand, in_hand
from connector.store.persons import people
from connector.store.persons.people import PersonRecord
from connector.sync.context import Loop, Source
from connector.sync.deciding.statements import Statement, Step, dated, earlier, statements

OPEN = "open"
_PACKAGE = ("package", "do_next", "crossed_at", "sla_due")


class Primary(NamedTuple):
    """A person's primary record in the hand-off connection, and all that is said about the person.

    `remote_owner` is whoever owns the record, as a key (`connection/id`); the other owners are
    people only, not queues.
    """

    record: PersonRecord
    statements: tuple[Statement, ...]
    remote_owner: str | None
    owner: str | None
    opportunity_owner: str | None
    account_owner: str | None
    steps: tuple[Step, ...] = ()
    """What was said before what is said now, where the CRM keeps a history."""


def primaries(
    tx: Connection,
    loop: Loop,
    ids: Iterable[str],
    known: dict[str, list[PersonRecord]] | None = None,
) -> dict[str, Primary]:
    """Give the primary of each person who has a live record in the hand-off connection.

    `known` are the people's records, for a caller who has read them.

    It is the record with an open opportunity; else the one sales was given, or had before us; else
    the one with which something was done last, the one changed last, the first by id. One that is
    frozen only where there is no other; what frozen records say counts all the same.
    """
    name = loop.handoff.name
    mine = {
        person: [r for r in records if r.connection == name and not r.gone]
        for person, records in (people.records_of(tx, ids) if known is None else known).items()
    }
    mine = {person: records for person, records in mine.items() if records}
    deals = people.opportunities_of(tx, name, (r.id for rs in mine.values() for r in rs))
    chosen = _chosen(tx, loop, mine, deals)
    accounts = people.records_by_id(
        tx,
        name,
        "account",
        (str(r.doc["account"]) for r in chosen.values() if r.doc.get("account")),
    )
    queues = _queues(tx, name)
    told = _histories(tx, loop.handoff, chosen, mine, deals)
    return {
        person: _primary(
            record,
            [r for r in mine[person] if r is not record and _frozen(r)],
            deals.get(record.id, []),
            accounts,
            loop.handoff,
            queues,
            told,
        )
        for person, record in chosen.items()
    }


def _chosen(
    tx: Connection,
    loop: Loop,
    mine: Mapping[str, list[PersonRecord]],
    deals: Mapping[str, list[PersonRecord]],
) -> dict[str, PersonRecord]:
    several = [person for person, records in mine.items() if len(records) > 1]
    given = in_hand(tx, several)
    newest = newest_by_record(tx, loop.handoff.name, several, loop.now)

    def rank(person: str, one: PersonRecord) -> tuple[object, ...]:
        return (
            not _frozen(one),
            any(deal.doc.get("status") == OPEN for deal in deals.get(one.id, [])),
            _is_with_sales(one, given.get(person), loop.handoff),
            newest.get(f"{one.object}/{one.id}", 0),
            one.changed or 0,
            _reversed(one.id),
        )

    return {
        person: records[0] if len(records) == 1 else max(records, key=partial(rank, person))
        for person, records in mine.items()
    }


def _is_with_sales(record: PersonRecord, given: InHand | None, source: Source) -> bool:
    if given is None:  # nobody knows of a pass: the record that shows a package had the last one
        spec = source.objects.get(record.object)
        targets = [spec.writes[n].to for n in _PACKAGE if n in spec.writes] if spec else []
        return any(record.remote.get(to) for to in targets)
    if given.record is not None:
        return given.record == record.key
    return given.owner == f"{source.name}/{_owner(record, source)}"


def _frozen(record: PersonRecord) -> bool:
    return record.doc.get("frozen") is True


def _reversed(ident: str) -> str:
    """Sort text that puts the smallest id last, so that `max` prefers it."""
    return "".join(chr(0x10FFFF - ord(letter)) for letter in ident)


def _queues(tx: Connection, connection: str) -> set[str]:
    owners = people.records_of_kind(tx, connection, "owner")
    return {row.id for row in owners if row.doc.get("type") == "queue"}


def _primary(
    record: PersonRecord,
    frozen: list[PersonRecord],
    deals: list[PersonRecord],
    accounts: dict[str, PersonRecord],
    source: Source,
    queues: set[str],
    told: Mapping[Key, list[Kept]],
) -> Primary:
    name = source.name
    account = accounts.get(str(record.doc.get("account") or ""))
    opened = [d for d in deals if d.doc.get("status") == OPEN and d.doc.get("owner")]

    def key(owner: object) -> str | None:
        return f"{name}/{owner}" if owner and str(owner) not in queues else None

    owner = _owner(record, source)
    said = (
        *statements(record, deals, key(owner)),
        *(said for one in frozen for said in statements(one, [], key(owner))),
    )
    return Primary(
        record=record,
        statements=tuple([dated(one, _of_status(told, source, one.source)) for one in said])
        if told
        else said,
        remote_owner=f"{name}/{owner}" if owner else None,
        owner=key(owner),
        opportunity_owner=key(opened[0].doc.get("owner")) if opened else None,
        account_owner=key(account.doc.get("owner")) if account else None,
        steps=tuple([step for one in (record, *frozen) for step in _steps(one, told, source)]),
    )


# --- what was said before ------------------------------------------------------------------------


def _histories(
    tx: Connection,
    source: Source,
    chosen: Mapping[str, PersonRecord],
    mine: Mapping[str, list[PersonRecord]],
    deals: Mapping[str, list[PersonRecord]],
) -> Mapping[Key, list[Kept]]:
    """The edits of status and reason that the CRM tells of, of all records that say something."""
    dating = {one.name: one for one in source.objects.values() if one.trail and one.told_by}
    if not dating:
        return {}
    speak = [
        one
        for person, record in chosen.items()
        for one in (record, *mine[person], *deals.get(record.id, ()))
        if one.object in dating
    ]
    fields = {str(one.told_by) for one in dating.values()} | {_REASON}
    edits = edits_of(tx, dict.fromkeys((r.connection, r.object, r.id) for r in speak), fields)
    return {key: [one for one in found if one.told] for key, found in edits.items()}


_REASON = "reason"


def _of_status(told: Mapping[Key, list[Kept]], source: Source, record: str) -> list[Kept]:
    connection, obj, ident = record.split("/", 2)
    edits = told.get((connection, obj, ident))
    spec = source.objects.get(obj) if edits else None
    return [one for one in edits or () if spec is not None and one.field == spec.told_by]


def _steps(record: PersonRecord, told: Mapping[Key, list[Kept]], source: Source) -> Sequence[Step]:
    edits = told.get((record.connection, record.object, record.id))
    if not edits:
        return ()
    reasons = [one for one in edits if one.field == _REASON]
    status = record.doc.get("status")
    now = State(status) if isinstance(status, str) else None
    return earlier(record.key, _of_status(told, source, record.key), reasons, now)


def _owner(record: PersonRecord, source: Source) -> object:
    """The owner the CRM shows: in the field we write, where we write one."""
    spec = source.objects.get(record.object)
    target = spec.writes.get("owner") if spec else None
    return record.remote.get(target.to) if target else record.doc.get("owner")
