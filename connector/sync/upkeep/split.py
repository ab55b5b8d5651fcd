"""Split: what was wrongly joined becomes two people again, and stays so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from connector.domain.moment import Micros
from connector.errors import UsageError
from connector.store.database import Store
from connector.store.persons import people, splitting
from connector.store.persons.people import PersonRecord
from connector.store.running import audit


class Parted(NamedTuple):
    """Who the records were taken from, who they are now, what the two have in common, by kind, and
    how many passes through the funnel went along."""

    person: str
    new: str
    shared: tuple[str, ...]
    passes: int


def split(store: Store, records: Sequence[str], now: Micros) -> Parted:
    """Make these records of one person a person of their own, in one transaction.

    Addresses and ids that both have join nobody from now on; what was done under such an address
    alone counts for neither. The person is called after the record that was seen first, or as it
    was called before it was joined.

    Args:
        records: Each `connection/object/id`.

    Raises UsageError for records that are unknown, of several people or all that a person is, and
    for such as the CRM itself merged.
    """
    with store.write() as tx:
        person, mine, rest = _parted(tx, records)
        keys = splitting.keys_of(tx, person)
        own = [key for key in keys if any(splitting.holds(one, key) for one in mine)]
        shared = [key for key in own if any(splitting.holds(one, key) for one in rest)]
        new = splitting.name_of(tx, mine)
        splitting.declare_shared(tx, person, shared)
        own = [key for key in own if key not in shared]
        passes = splitting.part(tx, person, mine, own, new)
        done = Parted(person, new, tuple(sorted({kind for kind, _ in shared})), passes)
        audit.append(tx, "split", {**done._asdict(), "records": [one.key for one in mine]}, now)
    return done


def join_again(store: Store, records: Sequence[str], now: Micros) -> int:
    """Let the addresses and ids of these records join again; gives how many did not.

    The next run makes one person of those who have one in common. Raises UsageError for records
    that are unknown.
    """
    with store.write() as tx:
        found = [_found(tx, word) for word in records]
        shared = splitting.shared_keys(tx)
        keys = [key for key in shared if any(splitting.holds(one, key) for one in found)]
        splitting.declare_own(tx, keys)
        splitting.read_again(tx, sorted({one.person for one in found if one.person}))
        audit.append(tx, "join again", {"records": [one.key for one in found]}, now)
    return len(keys)


def _parted(
    tx: Connection, words: Sequence[str]
) -> tuple[str, list[PersonRecord], list[PersonRecord]]:
    """Give the person, the records to take out, first the one seen first, and those that stay."""
    named = {one.key: one for one in (_found(tx, word) for word in words)}
    owners = {one.person for one in named.values()}
    if len(owners) > 1:
        raise UsageError(
            "these records belong to several people",
            hint="take them apart one person at a time; `leadloop explain RECORD` names the person",
        )
    person = str(owners.pop())
    records = people.records_of(tx, [person])[person]
    mine = [one for one in records if one.key in named]
    rest = [one for one in records if one.key not in named]
    if not rest:
        raise UsageError(
            f"nothing else belongs to {person}, so nothing would be taken apart",
            hint="name some of a person's records; those that are not named stay together",
        )
    if person in named:
        others = " ".join(one.key for one in rest if not one.gone)
        raise UsageError(
            f"{person} is the record the person is called after, and stays",
            hint=f"name what is to go instead: leadloop split {others}",
        )
    for one in records:
        into = f"{one.connection}/{one.object}/{one.merged_into}"
        if one.merged_into and ((into in named) != (one.key in named)):
            raise UsageError(
                f"the CRM itself merged {one.key} into {into}",
                hint="undo it in the CRM; the next run follows",
            )
    return person, mine, rest


def _found(tx: Connection, word: str) -> PersonRecord:
    person = next(iter(people.find_by_record(tx, *_places(word))), None)
    records = people.records_of(tx, [person])[person] if person is not None else []
    one = next((one for one in records if one.key == word), None)
    if one is None:
        raise UsageError(
            f"no record of a person is known as `{word}`",
            hint="give it as connection/object/id; `leadloop explain PERSON` lists the records",
        )
    return one


def _places(word: str) -> tuple[str, str, str]:
    connection, _, rest = word.partition("/")
    obj, _, ident = rest.partition("/")
    return connection, obj, ident
