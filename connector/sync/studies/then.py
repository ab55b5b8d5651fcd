"""What rules would have read of people at moments of the past, as far as earlier values are kept.

A value is known for certain at a moment when the CRM told of an edit of that field, of whatever
record, before it, so that it tracks the field; or when runs were looking for differences by then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from connector.domain.moment import Micros
from connector.domain.record import Fields
from connector.scoring.derived import FROM
from connector.store.incoming import field_history
from connector.store.incoming.field_history import Kept, Key
from connector.store.persons import people
from connector.store.persons.answers import answers_of
from connector.store.persons.people import PersonRecord
from connector.sync.resolve import account_records_of, known_of

_PAGE = 500
_ACCOUNT = "account."
_OF_BOTH = ("region", "company_size")
"""Derived fields that read the account first, then the person."""


class Then(NamedTuple):
    """What was otherwise: `facts` of those moments, by number, at which rules would have read other
    facts than today's; and `undated`, at how many moments each field's value is not known."""

    facts: Mapping[int, Fields]
    undated: Counter[str]


def facts_then(
    tx: Connection,
    moments: Sequence[tuple[str, Micros]],
    fields: Sequence[str],
    ranks: Mapping[str, int],
) -> Then:
    """Look back from today to each (person, moment), for the fields that rules read."""
    facts: dict[int, Fields] = {}
    undated: Counter[str] = Counter()
    since = _Since(tx)
    for start in range(0, len(moments), _PAGE):
        page = moments[start : start + _PAGE]
        known = _Known.of(tx, [who for who, _ in page], since)
        for number, (who, at) in enumerate(page, start):
            past = known.past(who, at)
            now, then = known.facts(past.today, ranks), known.facts(past.then, ranks)
            if now != then:
                facts[number] = then
            undated.update(name for name in fields if past.misses(name))
    return Then(facts, undated)


class _Since:
    """From when on edits of a field are known: by the CRM's word, and by looking ourselves."""

    def __init__(self, tx: Connection) -> None:
        self._tx = tx
        self.told = field_history.told_since(tx)
        self._watched: dict[tuple[str, str], Mapping[str, Micros]] = {}

    def watched(self, connection: str, obj: str) -> Mapping[str, Micros]:
        key = (connection, obj)
        if key not in self._watched:
            self._watched[key] = field_history.watched_since(self._tx, connection, obj)
        return self._watched[key]


class _Side(NamedTuple):
    """The records of one person, and of their accounts."""

    own: list[PersonRecord]
    accounts: dict[tuple[str, str], Fields]


class _Past(NamedTuple):
    """One person today and then; `lacking` are fields in whose past something is not known."""

    today: _Side
    then: _Side
    lacking: frozenset[str]

    def misses(self, name: str) -> bool:
        """Whether what rules read under a name may have been another then."""
        bare = name.removeprefix(_ACCOUNT)
        origin = FROM.get(bare, bare)
        names = {name, bare, origin} if bare == name else {name, f"{_ACCOUNT}{origin}"}
        if bare in _OF_BOTH:
            names |= {f"{_ACCOUNT}{origin}"}
        there = {*(n for one in self.today.own for n in one.doc)}
        there |= {f"{_ACCOUNT}{n}" for doc in self.today.accounts.values() for n in doc}
        return there.isdisjoint(names) or not self.lacking.isdisjoint(names)


class _Known(NamedTuple):
    """What the store holds of one page of people."""

    records: Mapping[str, Sequence[PersonRecord]]
    answers: Mapping[str, Sequence[PersonRecord]]
    accounts: Mapping[tuple[str, str], PersonRecord]
    edits: Mapping[Key, list[Kept]]
    seen: Mapping[Key, Micros]
    since: _Since

    @classmethod
    def of(cls, tx: Connection, ids: Sequence[str], since: _Since) -> _Known:
        records = {
            who: [one for one in found if not one.gone]
            for who, found in people.records_of(tx, ids).items()
        }
        said = answers_of(tx, ids)
        accounts = account_records_of(tx, records.values())
        keys = [
            _key(one) for found in (*records.values(), list(accounts.values())) for one in found
        ]
        edits = field_history.edits_of(tx, keys)
        return cls(records, said, accounts, edits, field_history.first_seen(tx, keys), since)

    def past(self, who: str, at: Micros) -> _Past:
        mine = self.records.get(who, ())
        theirs = {
            key: self.accounts[key]
            for one in mine
            if (key := (one.connection, str(one.doc.get("account")))) in self.accounts
        }
        lacking = {name for one in mine for name in self._lacking(one, at)}
        lacking |= {f"{_ACCOUNT}{n}" for one in theirs.values() for n in self._lacking(one, at)}
        said = self.answers.get(who, ())
        return _Past(
            _Side([*mine, *said], {key: one.doc for key, one in theirs.items()}),
            _Side(
                [one._replace(doc=self._doc(one, at)) for one in mine]
                + [one for one in said if one.changed is not None and one.changed <= at],
                {key: self._doc(one, at) for key, one in theirs.items()},
            ),
            frozenset(lacking),
        )

    @staticmethod
    def facts(side: _Side, ranks: Mapping[str, int]) -> Fields:
        return known_of(side.own, side.accounts, ranks)[1]

    def _doc(self, one: PersonRecord, at: Micros) -> Fields:
        """What a record said at a moment, as far as edits tell."""
        edits = self.edits.get(_key(one))
        if not edits:
            return one.doc
        back: Fields = {}
        for field in {edit.field for edit in edits}:
            told = self._told(one, field, at)
            later = [e for e in edits if e.field == field and e.at > at and (e.told or not told)]
            if later:
                back[field] = later[0].before
        return {**one.doc, **{name: back[name] for name in back if name in one.doc}}

    def _lacking(self, one: PersonRecord, at: Micros) -> Iterator[str]:
        watched = self.since.watched(one.connection, one.object)
        seen = self.seen.get(_key(one))
        for name in one.doc:
            looked = name in watched and seen is not None and max(watched[name], seen) <= at
            if not looked and not self._told(one, name, at):
                yield name

    def _told(self, one: PersonRecord, field: str, at: Micros) -> bool:
        since = self.since.told.get((one.connection, one.object, field))
        return since is not None and since <= at


def _key(one: PersonRecord) -> Key:
    return (one.connection, one.object, one.id)
