"""What sales said, as those read it who add to it or judge it: passes, last words, lines aside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from sqlalchemy import Connection, and_, delete, select

from connector.domain.moment import Micros
from connector.store.persons.people import chunks
from connector.store.schema import cycle, disposition, note, quarantine
from connector.store.statements.among import among
from connector.store.statements.upsert import upsert

IMPORT = "import"
"""The connection under which lines of imported files are kept aside."""
_OBJECT = "dispositions"
_TAKEN_BACK = "taken back/"


class Pass(NamedTuple):
    """One pass of a person, as far as a verdict has to find it."""

    number: int
    opened_at: Micros
    owner: str | None
    current: bool


class LastWord(NamedTuple):
    """The newest verdict on a pass, with who gave it: its author, else the pass's owner."""

    person: str
    number: int
    verdict: str
    reason: str | None
    at: Micros
    owner: str | None


def passes(tx: Connection, people: Iterable[str]) -> dict[str, list[Pass]]:
    """Give the passes of each of these people, oldest first."""
    found: dict[str, list[Pass]] = {}
    for some in chunks(people):
        rows = tx.execute(
            select(
                cycle.c.person, cycle.c.number, cycle.c.opened_at, cycle.c.owner, cycle.c.current
            )
            .where(cycle.c.person.in_(some))
            .order_by(cycle.c.person, cycle.c.number)
        )
        for person, *row in rows:
            found.setdefault(person, []).append(Pass(*row))
    return found


def known_ids(tx: Connection, ids: Iterable[str]) -> set[str]:
    """Give those of these rows that are in the book already."""
    found: set[str] = set()
    for some in chunks(ids):
        rows = tx.execute(select(disposition.c.id).where(disposition.c.id.in_(some)))
        found.update(rows.scalars())
    return found


def last_words(tx: Connection) -> Iterator[LastWord]:
    """Give the newest verdict on every pass sales said something about, by person and number."""
    rows = tx.execute(
        select(
            disposition.c.person,
            disposition.c.number,
            disposition.c.verdict,
            disposition.c.reason,
            disposition.c.at,
            disposition.c.by,
            cycle.c.owner,
        )
        .outerjoin(
            cycle,
            and_(cycle.c.person == disposition.c.person, cycle.c.number == disposition.c.number),
        )
        .order_by(
            disposition.c.person,
            disposition.c.number,
            disposition.c.at,
            disposition.c.run,
            disposition.c.id,
        )
    )
    last: LastWord | None = None
    for person, number, verdict, reason, at, by, owner in rows:
        if last is not None and (last.person, last.number) != (person, number):
            yield last
        last = LastWord(person, number, verdict, reason, at, by or owner)
    if last is not None:
        yield last


def newest_words(tx: Connection, people: Iterable[str]) -> dict[str, str]:
    """Give the row of the newest verdict that each source gave about these people."""
    found: dict[str, str] = {}
    for some in chunks(people):
        rows = tx.execute(
            select(disposition.c.source, disposition.c.id)
            .where(among(disposition.c.person, some))
            .order_by(disposition.c.at, disposition.c.run, disposition.c.id)
        )
        found.update((source, ident) for source, ident in rows)
    return found


def take_back(tx: Connection, ids: Iterable[str]) -> None:
    """Note of verdicts that their source no longer says them; the book itself is only added to."""
    rows = [{"name": f"{_TAKEN_BACK}{ident}", "value": "true"} for ident in ids]
    upsert(tx, note, rows)


def taken_back(tx: Connection, ids: Iterable[str]) -> set[str]:
    """Give those of these verdicts of which that was noted."""
    found: set[str] = set()
    for some in chunks(f"{_TAKEN_BACK}{ident}" for ident in ids):
        rows = tx.execute(select(note.c.name).where(among(note.c.name, some))).scalars()
        found.update(name.removeprefix(_TAKEN_BACK) for name in rows)
    return found


def forget_lines(tx: Connection, file: str) -> set[str]:
    """Forget which lines of a file were kept aside; gives them. It is read anew."""
    mine = and_(
        quarantine.c.connection == IMPORT,
        quarantine.c.object == _OBJECT,
        quarantine.c.place.startswith(f"{file}:", autoescape=True),
    )
    known = set(tx.execute(select(quarantine.c.place).where(mine)).scalars())
    tx.execute(delete(quarantine).where(mine))
    return known
