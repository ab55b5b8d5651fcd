"""Clearing what is older than people agreed to keep."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, delete, or_, select, update

from connector.domain.moment import Micros
from connector.store.outgoing.questions import CODES
from connector.store.persons.people import chunks, forget_counted, mark, recount
from connector.store.schema import activity, journal, outbox, person, quarantine, run
from connector.store.schema_sync import field_history
from connector.store.statements.among import among

_NOTHING = "{}"
_SETTLED = ("applied", "superseded", "cancelled", "noop", "conflict")


def clear_activities(tx: Connection, before: Micros) -> int:
    """Delete activities older than a moment; their people are scored anew."""
    old = activity.c.time < before
    query = select(activity.c.person, activity.c.type).where(old, activity.c.person.is_not(None))
    touched = [(who, kind) for who, kind in tx.execute(query.distinct()).all()]
    mark(tx, (who for who, _ in touched), stale=True, pending=True)
    recount(tx, touched)
    forget_counted(tx, _out(tx, (who for who, _ in touched)))  # nobody counts them any more
    return int(tx.execute(delete(activity).where(old)).rowcount)


def _out(tx: Connection, people: Iterable[str]) -> list[str]:
    found: list[str] = []
    for ids in chunks(people):
        query = select(person.c.id).where(among(person.c.id, ids), person.c.excluded.is_not(None))
        found += tx.execute(query).scalars()
    return found


def clear_history(tx: Connection, before: Micros) -> int:
    """Delete what fields held before a moment."""
    return int(tx.execute(delete(field_history).where(field_history.c.at < before)).rowcount)


def clear_values(tx: Connection, before: Micros) -> int:
    """Empty what the journal and settled outbox rows older than a moment say was written.

    That it was written stays; undoing so old a run is no longer possible. Questions stay whole,
    asked or answered: their values are those that compete.
    """
    done = tx.execute(
        update(journal)
        .where(journal.c.at < before, journal.c.changes != _NOTHING)
        .values(changes=_NOTHING)
    )
    tx.execute(
        update(outbox)
        .where(
            outbox.c.state.in_(_SETTLED),
            outbox.c.settled_at < before,
            outbox.c.changes != _NOTHING,
            or_(outbox.c.code.is_(None), outbox.c.code.not_in(CODES)),
        )
        .values(changes=_NOTHING, message=None)
    )
    return int(done.rowcount)


def clear_quarantine(tx: Connection, before: Micros) -> int:
    """Forget rows kept aside by runs older than a moment; seen again, they are new again."""
    old = select(run.c.id).where(run.c.started_at < before)
    return int(tx.execute(delete(quarantine).where(quarantine.c.last_run.in_(old))).rowcount)
