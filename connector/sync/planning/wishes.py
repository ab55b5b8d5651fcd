"""New wishes against rows that wait already: one live row for each record and group."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from sqlalchemy import Connection

from connector.domain.moment import Micros
from connector.domain.record import Scalar
from connector.mapping.outbound import same
from connector.store.outgoing import outbox
from connector.store.outgoing.outbox import UNSENT, Changes, Planned, Row
from connector.sync.planning.known import Known


@dataclass
class Turn:
    """What becomes of a page's wishes, and of the rows that waited."""

    fresh: list[Planned] = field(default_factory=list)
    adopted: list[int] = field(default_factory=list)
    """Rows that say what we want, carried over into this plan."""
    superseded: list[int] = field(default_factory=list)
    later: set[str] = field(default_factory=set)
    """People to be planned again: a row with other values is on its way, and settled first."""

    def save(self, tx: Connection, plan_id: str, now: Micros) -> None:
        """Store it: what is superseded first, so that one row lives for each record and group."""
        outbox.adopt(tx, self.adopted, plan_id)
        outbox.settle(tx, self.superseded, "superseded", now)
        outbox.add(tx, plan_id, self.fresh)


def against_live(
    turn: Turn, known: Known, person: str, wishes: Sequence[Planned], counts: Counter[str]
) -> None:
    """Settle a person's wishes."""
    wanted = {(w.connection, w.object, w.record, w.grp): w for w in wishes}
    for key, wish in wanted.items():
        row = known.live.get(key)
        if row is not None and row.plan in known.undoing:
            continue
        if row is not None and row.state not in UNSENT:
            turn.later.add(person)
        elif row is not None and _same_wish(row, wish):
            if row.state == "planned":
                turn.adopted.append(row.id)
                counts[wish.grp] += 1
                counts["refreshed"] += wish.refresh
            else:  # it passed the guard already
                counts["waiting"] += 1
        elif row is None and _is_refused(known.dead.get(key), wish):
            counts["refused before"] += 1
        elif row is None and _is_undone(known.undone.get(key), wish):
            counts["undone before"] += 1
        else:
            if row is not None:
                turn.superseded.append(row.id)
            turn.fresh.append(wish)
            counts[wish.grp] += 1
            counts["refreshed"] += wish.refresh
    turn.superseded += [
        row.id
        for key, row in known.live_of.get(person, [])
        if key not in wanted and row.state in UNSENT and row.plan not in known.undoing
    ]


def _is_refused(row: Row | None, wish: Planned) -> bool:
    """Whether the CRM refused these very values for good: only newer ones are worth a try."""
    return row is not None and _values(row.changes) == _values(wish.changes)


def _is_undone(row: Row | None, wish: Planned) -> bool:
    """Whether somebody took back these very values: only newer ones are written again."""
    if row is None:
        return False
    taken_back = {name: before for name, (before, _) in row.changes.items()}
    return all(
        name in taken_back and same(taken_back[name], value)
        for name, value in _values(wish.changes).items()
    )


def _same_wish(row: Row, wish: Planned) -> bool:
    return _values(row.changes) == _values(wish.changes) and row.quiet == wish.quiet


def _values(changes: Changes) -> dict[str, Scalar]:
    """What would stand there afterwards, leaving out the run's own name."""
    return {n: after for n, (_, after) in changes.items() if not _names_run(n)}


@lru_cache(maxsize=1024)
def _names_run(remote_name: str) -> bool:
    return remote_name.casefold().rstrip("_c").endswith("_run")
