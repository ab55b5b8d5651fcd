"""What was counted of people's activities, so that most are scored without reading these again.

A tally tells of all that was done before its open days began, and serves until a window or the
calendar changes what of it counts, for rules that count the same. Whoever changes anything of those
days drops it (people.mark). What happened since is read again when there is news of the person.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sqlalchemy import Connection, delete, select, text

from connector.domain.moment import DAY, Micros
from connector.domain.tally import Tally
from connector.store.persons.people import chunks
from connector.store.schema import person
from connector.store.schema import tally as table
from connector.store.statements.among import among
from connector.store.statements.literal import literal
from connector.store.statements.upsert import upsert


class Kept(NamedTuple):
    """Which tallies serve: counted by `units`, a hash of ours, and read at `now`."""

    units: str
    now: Micros
    looked_at: frozenset[str] = frozenset()
    """Types of activity of which one more is not just added: such news ends a tally."""

    def holds(self) -> str:
        """The test, in SQL, of a tally `t` and its person `p`."""
        return (
            f"t.person = p.id AND t.units = '{self.units}' AND t.as_of <= {self.now} "
            f"AND (t.until IS NULL OR t.until > {self.now}){self._adds()}"
        )

    def _adds(self) -> str:
        if not self.looked_at:
            return ""
        types = ", ".join(literal(kind) for kind in sorted(self.looked_at))
        return (
            " AND NOT (p.stale AND EXISTS (SELECT 1 FROM activity x WHERE x.person = p.id "
            f"AND x.time >= {SINCE} AND x.type IN ({types})))"
        )

    def lacking(self) -> str:
        """The test, in SQL, that a person `p` has none that serves."""
        return f"NOT EXISTS (SELECT 1 FROM tally t WHERE {self.holds()})"


SINCE = f"t.as_of / {DAY} * {DAY} - {DAY}"
"""When the open days of a tally `t` began, in SQL; see open_since."""


def save(tx: Connection, counted: Mapping[str, Tally], units: str, as_of: Micros) -> None:
    """Keep what was counted of these people at a moment."""
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


def lacking_share(tx: Connection, kept: Kept) -> float:
    """The share of the people to be scored whose activities must be read."""
    row = tx.execute(
        text(
            f"SELECT count(*), count(CASE WHEN {kept.lacking()} THEN 1 END) "
            "FROM person p WHERE p.excluded IS NULL"
        )
    ).one()
    return int(row[1]) / max(int(row[0]), 1)
