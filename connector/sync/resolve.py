"""Resolve: whose each record is, what is known of each person, and whose each activity is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection

from connector.config.settings import Scope
from connector.domain.record import Fields, Kind
from connector.identity.address import is_role_address, normalise_address
from connector.identity.fuse import Version, fuse
from connector.identity.resolve import Candidate, Key, resolve
from connector.scoring.model import ACCOUNT
from connector.scoring.prepare import prepare
from connector.store.persons import people
from connector.store.persons.answers import answers_of, give_answers
from connector.store.persons.news import take_news
from connector.store.persons.people import PersonRecord
from connector.store.persons.splitting import shared_keys
from connector.sync.context import Loop
from connector.sync.engagement import place_activities
from connector.sync.planning.scope import within

PAGE = 1000


def resolve_people(loop: Loop) -> Counter[str]:
    """Take in every record that changed; gives how many people are new, changed and merged."""
    counts: Counter[str] = Counter()
    _take_news(loop)
    for kind, step in (
        (Kind.OWNER, _seen),
        (Kind.CAMPAIGN, _taken),
        (Kind.ACCOUNT, _accounts),
        (Kind.ANSWERS, _answers),
        (Kind.PERSON, _people),
        (Kind.OPPORTUNITY, _opportunities),
    ):
        while True:
            with loop.store.write() as tx:
                page = people.dirty_records(tx, kind.value, PAGE)
                if page:
                    step(loop, tx, page, counts)
            if not page:
                break
            loop.tell("resolve", counts)
    counts.update(place_activities(loop))
    return counts


def _take_news(loop: Loop) -> None:
    while True:
        with loop.store.write() as tx:
            loop.lease.check(tx)
            if not take_news(tx, PAGE):
                return


def _seen(loop: Loop, tx: Connection, page: Sequence[PersonRecord], counts: Counter[str]) -> None:
    del loop
    people.clean(tx, page)
    counts["owners"] += len(page)


def _taken(loop: Loop, tx: Connection, page: Sequence[PersonRecord], counts: Counter[str]) -> None:
    """Campaigns are what reports read, and say nothing of a person."""
    del loop
    people.clean(tx, page)
    counts["campaigns"] += len(page)


def _accounts(
    loop: Loop, tx: Connection, page: Sequence[PersonRecord], counts: Counter[str]
) -> None:
    people.clean(tx, page)
    affected: set[str] = set()
    for connection in {row.connection for row in page}:
        ids = [row.id for row in page if row.connection == connection]
        affected |= people.people_of_records(tx, connection, "person", "account", ids)
    _rebuild(loop, tx, affected, counts)


def _answers(
    loop: Loop, tx: Connection, page: Sequence[PersonRecord], counts: Counter[str]
) -> None:
    """What somebody answered is known of them, and no longer of whom it was ascribed to before."""
    affected = {row.person for row in page if row.person is not None}
    owners: dict[str, str] = {}
    for connection in {row.connection for row in page}:
        subjects = [str(r.doc.get("person")) for r in page if r.connection == connection]
        found = people.records_by_id(tx, connection, "person", subjects)
        owners |= {f"{connection}/{i}": one.person for i, one in found.items() if one.person}
    said = [
        row._replace(person=owners.get(f"{row.connection}/{row.doc.get('person')}")) for row in page
    ]
    people.clean(tx, said)
    counts["answers"] += len(page)
    _rebuild(loop, tx, affected | {row.person for row in said if row.person is not None}, counts)


def _opportunities(
    loop: Loop, tx: Connection, page: Sequence[PersonRecord], counts: Counter[str]
) -> None:
    """A deal that changed is news about its person: said, and perhaps owned, anew."""
    del loop
    people.clean(tx, page)
    counts["opportunities"] += len(page)
    for connection in {row.connection for row in page}:
        subjects = [
            str(row.doc["person"])
            for row in page
            if row.connection == connection and row.doc.get("person")
        ]
        found = people.records_by_id(tx, connection, "person", subjects)
        people.mark(tx, {r.person for r in found.values() if r.person}, pending=True)


def _people(loop: Loop, tx: Connection, page: Sequence[PersonRecord], counts: Counter[str]) -> None:
    ids = {s.name: s.objects for s in loop.sources}
    shared = shared_keys(tx)
    candidates = [_candidate(row, ids, shared) for row in page]
    known = people.known_keys(tx, {key for c in candidates for key in c.keys})
    involved = {*known.values(), *(c.person for c in candidates if c.person)}
    placed = resolve(candidates, known, people.seniority(tx, involved))
    left: set[str] = set()
    if placed.merged:
        left.update(_accounts_in(loop, tx, placed.merged).values())
        people.merge(tx, placed.merged, loop.run)
        counts["merged"] += len(placed.merged)
    people.add_keys(tx, placed.keys)
    people.clean(tx, [row._replace(person=placed.people[row.key]) for row in page])
    for source in loop.sources:
        if source.maps(Kind.ANSWERS):
            mine = {r.id: placed.people[r.key] for r in page if r.connection == source.name}
            give_answers(tx, source.name, mine)
    _rebuild(loop, tx, set(placed.people.values()), counts)
    # A record that came to a person, or a person that took in another, is news even if no fact is.
    joined = {placed.people[row.key] for row in page if placed.people[row.key] != row.person}
    people.mark(tx, joined | set(placed.merged.values()), stale=True, pending=True)
    people.mark_colleagues(tx, left)


def _candidate(row: PersonRecord, objects: dict[str, Any], shared: set[Key]) -> Candidate:
    keys: list[Key] = [("record", row.key)]
    if row.merged_into is not None:
        keys.append(("record", f"{row.connection}/{row.object}/{row.merged_into}"))
    email = row.doc.get("email")
    address = normalise_address(email) if isinstance(email, str) else None
    if address is not None and not is_role_address(address) and not row.gone:
        keys.append(("email", address))
    spec = objects.get(row.connection, {}).get(row.object)
    for name in spec.ids if spec else ():
        value = row.doc.get(name)
        if value is not None and not row.gone:
            keys.append((f"{row.connection}.{name}", str(value)))
    return Candidate(row.key, row.person, tuple(key for key in keys if key not in shared))


# --- what is known of a person -------------------------------------------------------------------


def _rebuild(loop: Loop, tx: Connection, ids: Iterable[str], counts: Counter[str]) -> None:
    """Work out anew what is known of these people, out of all their records and accounts."""
    records = people.records_of(tx, ids)
    accounts = accounts_of(tx, records.values())
    ranks = {source.name: source.rank for source in loop.sources}
    scopes = {c.name: _Inside.of(c.scope) for c in loop.settings.connections}
    said = answers_of(tx, records) if any(s.maps(Kind.ANSWERS) for s in loop.sources) else {}
    rows = [
        _row(person, versions, said.get(person, ()), accounts, ranks, scopes)
        for person, versions in records.items()
    ]
    before = _accounts_in(loop, tx, records)
    new, changed = people.save_people(tx, rows, loop.run)
    people.mark_colleagues(tx, _left(before, _accounts_in(loop, tx, before)))
    counts["new people"] += len(new)
    counts["changed people"] += len(changed)


def _accounts_in(loop: Loop, tx: Connection, ids: Iterable[str]) -> dict[str, str]:
    """Give the account of each person, where rules count what colleagues did; else nothing."""
    if not loop.models.rolls_up:
        return {}
    found = people.values_of(tx, ids, ACCOUNT)
    return {person: str(key) for person, key in found.items() if key is not None}


def _left(before: Mapping[str, str], now: Mapping[str, str]) -> set[str]:
    """The accounts that somebody left: what was done there counts no more for who stays."""
    return {account for person, account in before.items() if now.get(person) != account}


def accounts_of(
    tx: Connection, groups: Iterable[Sequence[PersonRecord]]
) -> dict[tuple[str, str], Fields]:
    """Give the accounts of these people's records, by connection and id."""
    found = account_records_of(tx, groups)
    return {key: row.doc for key, row in found.items()}


def account_records_of(
    tx: Connection, groups: Iterable[Sequence[PersonRecord]]
) -> dict[tuple[str, str], PersonRecord]:
    """Give the records of these people's accounts, by connection and id."""
    wanted: dict[str, set[str]] = {}
    for records in groups:
        for row in records:
            if row.doc.get("account"):
                wanted.setdefault(row.connection, set()).add(str(row.doc["account"]))
    return {
        (connection, ident): row
        for connection, ids in wanted.items()
        for ident, row in people.records_by_id(tx, connection, "account", ids).items()
        if not row.gone
    }


def _row(
    person: str,
    records: Sequence[PersonRecord],
    said: Sequence[PersonRecord],
    accounts: dict[tuple[str, str], Fields],
    ranks: dict[str, int],
    scopes: dict[str, _Inside],
) -> dict[str, Any]:
    live = [r for r in records if not r.gone]
    doc, facts = known_of([*live, *said], accounts, ranks)
    return {
        "id": person,
        "facts": people.dumps(facts),
        "doc": people.dumps(doc),
        "excluded": _excluded(facts, live, scopes),
    }


def known_of(
    live: Sequence[PersonRecord],
    accounts: Mapping[tuple[str, str], Fields],
    ranks: Mapping[str, int],
) -> tuple[Fields, Fields]:
    """Give what is known of one person by these records and answers, and by accounts: as people
    read it, and as rules do."""
    doc = fuse(Version(r.changed, ranks.get(r.connection, 99), r.id, r.doc) for r in live)
    account = fuse(
        Version(r.changed, ranks.get(r.connection, 99), r.id, accounts[key])
        for r in live
        if (key := (r.connection, str(r.doc.get("account")))) in accounts
    )
    facts = prepare({k: v for k, v in doc.items() if k not in _NOT_FACTS}, account)
    company = next(
        (
            f"{r.connection}/{r.doc['account']}"
            for r in _ranked(live, ranks)
            if r.doc.get("account")
        ),
        None,
    )
    if company is not None:
        facts[ACCOUNT] = company
    doc.update({f"account.{name}": value for name, value in account.items()})
    return doc, facts


def _ranked(records: Sequence[PersonRecord], ranks: Mapping[str, int]) -> list[PersonRecord]:
    """The records, those of the first connection first."""
    return sorted(records, key=lambda r: (ranks.get(r.connection, 99), r.object, r.id))


_NOT_FACTS = frozenset({"status", "status_at", "reason", "owner", "account", "frozen"})


class _Inside(NamedTuple):
    """Who of one connection is the loop's business, as each of its people is asked."""

    own_domains: frozenset[str]
    customers: bool
    read: dict[str, Any]

    @classmethod
    def of(cls, scope: Scope) -> _Inside:
        """Take it out of a connection's settings."""
        out = scope.exclude
        return cls(frozenset(d.casefold() for d in out.own_domains), not out.customers, scope.read)


_EVERYBODY = _Inside.of(Scope())
"""Asked of the records of a connection that is in no settings any more."""


def _excluded(
    facts: Fields, live: Sequence[PersonRecord], scopes: dict[str, _Inside]
) -> str | None:
    """Why the person is none of the loop's business; None for those who are."""
    if not live:
        return "gone"
    for name in dict.fromkeys(r.connection for r in live):
        scope = scopes.get(name, _EVERYBODY)
        if facts.get("email_domain") in scope.own_domains:
            return "own_staff"
        if not scope.customers and True in (facts.get("customer"), facts.get("account.customer")):
            return "customer"
        if not within(facts, scope.read):
            return "out_of_scope"
    return None
