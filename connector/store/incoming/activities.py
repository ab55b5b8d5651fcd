"""Activities by person: placing them, and noting which count."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, bindparam, func, or_, select, tuple_, update

from connector.domain.moment import Micros
from connector.identity.engagement import RECEIVED, Seen
from connector.store.persons.people import chunks
from connector.store.schema import activity
from connector.store.statements.among import among
from connector.store.statements.bulk import execute_many

__all__ = [
    "Connection",
    "Unplaced",
    "acted",
    "flag",
    "held",
    "newest_by_record",
    "of_person",
    "place",
    "to_judge",
    "unplaced",
]

Key = tuple[str, str, str]
_PRIMARY = (activity.c.connection, activity.c.object, activity.c.id)


_AT = (
    activity.c.connection == bindparam("k_c"),
    activity.c.object == bindparam("k_o"),
    activity.c.id == bindparam("k_i"),
)
_PLACE = update(activity).where(*_AT).values(person=bindparam("p"))
_FLAG = (
    update(activity)
    .where(*_AT)
    .values(machine=bindparam("m"), duplicate=bindparam("d"), evidence=bindparam("e"))
)
_UNPLACED = [activity.c[name] for name in ("time", "subject", "email", "type")]
_JUDGED = [
    *_PRIMARY,
    *(activity.c[name] for name in ("person", "machine", "duplicate", "evidence")),
    *(activity.c[name] for name in ("type", "time", "asset", "message", "agent", "url")),
]


class Unplaced(NamedTuple):
    """An activity nobody owns yet: `subject` is `<object>/<id>` in its connection."""

    key: Key
    time: Micros
    subject: str | None
    email: str | None
    type: str


def unplaced(tx: Connection, after: Key, limit: int) -> list[Unplaced]:
    """Give activities without a person past a key, by key, and keep them from being changed until
    they are placed; those that somebody changes just now wait for the next run."""
    rows = tx.execute(
        select(*_PRIMARY, *_UNPLACED)
        .where(activity.c.person.is_(None), tuple_(*_PRIMARY) > tuple_(*after))
        .order_by(*_PRIMARY)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [Unplaced((c, o, i), *rest) for c, o, i, *rest in rows.all()]


def held(tx: Connection, connection: str, obj: str, ids: Iterable[str]) -> list[str]:
    """Give those of these ids that the store has."""
    found: list[str] = []
    for some in chunks(ids):
        rows = tx.execute(
            select(activity.c.id).where(
                activity.c.connection == connection,
                activity.c.object == obj,
                among(activity.c.id, some),
            )
        )
        found += rows.scalars()
    return sorted(found)


def place(tx: Connection, owners: Mapping[Key, str]) -> None:
    """Note whose these activities are."""
    execute_many(tx, _PLACE, [{**_at(key), "p": person} for key, person in owners.items()])


class Flags(NamedTuple):
    """What is held against an activity: a machine's, with the evidence, or seen twice."""

    machine: bool
    duplicate: bool
    evidence: str | None

    def counts_like(self, other: Flags) -> bool:
        """Whether rules see no difference: the words of the evidence are for people."""
        return self[:2] == other[:2]


CLEAR = Flags(machine=False, duplicate=False, evidence=None)
"""Nothing is held against it, as against most."""


def to_judge(
    tx: Connection, people: Iterable[str], *, everything: bool
) -> tuple[dict[str, list[Seen]], dict[Key, Flags]]:
    """Give the activities of people that may be a machine's or a repetition, by person, and the
    flags of those that are not CLEAR.

    Without `everything` those are mail events and such as name an agent.
    """
    found: dict[str, list[Seen]] = {}
    flags: dict[Key, Flags] = {}
    for ids in chunks(people):
        query = select(*_JUDGED).where(among(activity.c.person, ids))
        if not everything:
            query = query.where(
                or_(
                    activity.c.message.is_not(None),
                    activity.c.agent.is_not(None),
                    activity.c.type == "email_open",
                )
            )
        for connection, obj, ident, person, machine, duplicate, evidence, *rest in tx.execute(
            query
        ).all():
            key = (connection, obj, ident)
            found.setdefault(person, []).append(Seen(key, connection, *rest))
            if machine or duplicate or evidence is not None:
                flags[key] = Flags(machine, duplicate, evidence)
    return found, flags


def acted(tx: Connection, people: Iterable[str]) -> set[str]:
    """Give those of these people who ever did more than receive and open mail."""
    found: set[str] = set()
    for ids in chunks(people):
        query = select(activity.c.person).where(
            among(activity.c.person, ids), activity.c.type.not_in(sorted(RECEIVED))
        )
        found.update(tx.execute(query.distinct()).scalars())
    return found


def newest_by_record(
    tx: Connection, connection: str, people: Iterable[str], now: Micros
) -> dict[str, Micros]:
    """Give when something that counts was last done with each record of these people, by
    `object/id`."""
    newest: dict[str, Micros] = {}
    counted = and_(~activity.c.machine, ~activity.c.duplicate, activity.c.time <= now)
    for ids in chunks(people):
        rows = tx.execute(
            select(activity.c.subject, func.max(activity.c.time))
            .where(
                among(activity.c.person, ids),
                activity.c.connection == connection,
                activity.c.subject.is_not(None),
                counted,
            )
            .group_by(activity.c.subject)
        )
        newest.update(tuple(row) for row in rows.all())
    return newest


def flag(tx: Connection, verdicts: Mapping[Key, Flags]) -> None:
    """Set the flags of these activities."""
    execute_many(
        tx,
        _FLAG,
        [
            {**_at(key), "m": one.machine, "d": one.duplicate, "e": one.evidence}
            for key, one in verdicts.items()
        ],
    )


def of_person(tx: Connection, person: str, limit: int | None = None) -> list[dict[str, Any]]:
    """Give a person's activities, newest first; all of them without a limit."""
    rows = tx.execute(
        select(activity)
        .where(activity.c.person == person)
        .order_by(activity.c.time.desc(), activity.c.id)
        .limit(limit)
    )
    return [dict(row._mapping) for row in rows]


def _at(key: Key) -> dict[str, str]:
    return {"k_c": key[0], "k_o": key[1], "k_i": key[2]}
