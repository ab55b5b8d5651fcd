"""The count at the end of the play: whether anybody was lost, and who is late untold."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import and_, func, select

from connector.config.load import Loaded
from connector.domain.cycle import FINAL
from connector.domain.moment import Micros
from connector.store.database import Store
from connector.store.schema import cycle, person
from connector.sync.handing_off.standings import standings


class Tally(NamedTuple):
    """Everybody in scope: who is in no state, or in one without a next date, is `lost`.

    `late` hand-offs are overdue without first contact, `untold` are those of which nobody in sales
    was told.
    """

    people: int
    lost: int
    late: int
    untold: int


def tally(store: Store, loaded: Loaded, now: Micros) -> Tally:
    """Count them."""
    final = cycle.c.state.in_([state.value for state in FINAL])
    placed = and_(cycle.c.person == person.c.id, cycle.c.current)
    safe = cycle.c.state.is_not(None) & (final | cycle.c.next_at.is_not(None))
    with store.read() as tx:
        people, fine = tx.execute(
            select(func.count(), func.count().filter(safe))
            .select_from(person.outerjoin(cycle, placed))
            .where(person.c.excluded.is_(None))
        ).one()
    late = [row for row in standings(store, loaded, now) if row["bucket"] == "late"]
    untold = sum(row["step"] not in {"escalated", "reassigned"} for row in late)
    return Tally(int(people), int(people - fine), len(late), untold)
