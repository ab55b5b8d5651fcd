"""What was counted of people's activities, so that most are scored without reading these again.

A tally tells of all that was done before its open days began, for rules that count the same. What
happened since is read again when there is news of the person, or when a window or the calendar
changes what counts. Where activities are not what they were, their types stand in `recount`
(people.recount): rules that read these are counted anew from the whole history.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, delete, select, text

from connector.domain.moment import DAY, Micros
from connector.domain.tally import TOO_MANY, Tally
from connector.store.persons.people import chunks
from connector.store.schema import person, recount
from connector.store.schema import tally as table
from connector.store.statements.among import among
from connector.store.statements.literal import literal
from connector.store.statements.upsert import upsert


class Kept(NamedTuple):
    """Which tallies serve: counted by `units`, a hash of ours, and read at `now`."""

    units: str
    now: Micros
    read_with: Sequence[tuple[str, str]] = ()
    """Pairs of types: where activities of the first changed, all of the second are read."""

    def holds(self) -> str:
        """The test, in SQL, of a tally `t` and its person `p`."""
        return (
            f"t.person = p.id AND t.units = '{self.units}' AND t.as_of <= {self.now} "
            f"AND (t.entries <> '{TOO_MANY}' OR NOT {self.more()})"
        )

    def more(self) -> str:
        """The test, in SQL, that there is more of a person `p` than a tally `t` says."""
        return f"(p.stale OR (t.until IS NOT NULL AND t.until <= {self.now}))"

    def lacking(self) -> str:
        """The test, in SQL, that a person `p` has none that serves."""
        return f"NOT EXISTS (SELECT 1 FROM tally t WHERE {self.holds()})"

    def read_again(self) -> str:
        """The test, in SQL, that rules which are counted anew of a person `p` read an activity
        `a`."""
        if not self.read_with:
            return "false"
        pairs = ", ".join(f"({literal(one)}, {literal(two)})" for one, two in self.read_with)
        return (  # both databases name the columns of VALUES like this, and take any number of rows
            f"EXISTS (SELECT 1 FROM recount r, (VALUES {pairs}) w "
            "WHERE r.person = p.id AND w.column1 = r.type AND w.column2 = a.type)"
        )


SINCE = f"t.as_of / {DAY} * {DAY} - {DAY}"
"""When the open days of a tally `t` began, in SQL; see open_since."""


def save(tx: Connection, counted: Mapping[str, Tally], units: str, as_of: Micros) -> None:
    """Keep what was counted of these people at a moment; nothing of it is to be counted anew."""
    _settle(tx, counted)
    upsert(
        tx,
        table,
        [
            {"person": who, "units": units, "as_of": as_of, **one._asdict()}
            for who, one in counted.items()
        ],
    )


def drop_stale(tx: Connection, people: Iterable[str]) -> None:
    """Forget what was counted of those of these people of whom there is news, for it is settled
    without being counted."""
    for ids in chunks(people):
        news = select(person.c.id).where(among(person.c.id, ids), person.c.stale)
        tx.execute(delete(table).where(table.c.person.in_(news)))
        tx.execute(delete(recount).where(recount.c.person.in_(news)))


def _settle(tx: Connection, people: Iterable[str]) -> None:
    for ids in chunks(people):
        tx.execute(delete(recount).where(among(recount.c.person, ids)))


def lacking_share(tx: Connection, kept: Kept) -> float:
    """The share of the people to be scored whose activities must be read."""
    row = tx.execute(
        text(
            f"SELECT count(*), count(CASE WHEN {kept.lacking()} THEN 1 END) "
            "FROM person p WHERE p.excluded IS NULL"
        )
    ).one()
    return int(row[1]) / max(int(row[0]), 1)
