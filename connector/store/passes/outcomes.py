"""What became of each pass through sales' hands, and as of when it has to be judged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import Connection, and_, func, select

from connector.domain.moment import Micros
from connector.store.schema import cycle, disposition, person

GOOD = frozenset({"accepted", "qualified", "won"})


class Outcome(NamedTuple):
    """One pass: `at` is the hand-off, or the first word of sales where that is not known.

    `verdicts` are all that was said, `last` is the newest, with its moment and reason.
    """

    person: str
    number: int
    at: Micros
    verdicts: frozenset[str]
    last: str
    last_at: Micros
    reason: str | None

    @property
    def accepted(self) -> bool:
        """Whether sales took it in earnest."""
        return bool(self.verdicts & GOOD)


def outcomes(tx: Connection) -> Iterator[Outcome]:
    """Give every pass sales said something about, by person and number."""
    first = func.min(disposition.c.at).over(
        partition_by=(disposition.c.person, disposition.c.number)
    )
    rows = tx.execute(
        select(
            disposition.c.person,
            disposition.c.number,
            disposition.c.verdict,
            disposition.c.reason,
            disposition.c.at,
            func.coalesce(cycle.c.handed_off_at, first).label("began"),
        )
        .join(person, person.c.id == disposition.c.person)
        .outerjoin(
            cycle,
            and_(cycle.c.person == disposition.c.person, cycle.c.number == disposition.c.number),
        )
        .order_by(
            disposition.c.person,
            disposition.c.number,
            disposition.c.at,
            disposition.c.run,  # the same date, said anew: the later run knows better
            disposition.c.id,
        )
    )
    said: list[tuple[str, str | None, int]] = []
    key: tuple[str, int, int] | None = None
    for row in rows:
        found = (row.person, row.number, min(row.began, row.at))
        if key is not None and found[:2] != key[:2]:
            yield _outcome(key, said)
            said, key = [], None
        key = key or found
        said.append((row.verdict, row.reason, row.at))
    if key is not None:
        yield _outcome(key, said)


def _outcome(key: tuple[str, int, int], said: list[tuple[str, str | None, int]]) -> Outcome:
    verdict, reason, at = said[-1]
    return Outcome(*key, frozenset(v for v, _, _ in said), verdict, at, reason)
