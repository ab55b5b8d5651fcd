"""What the store knows of people in nurture: what they asked for, and who mails them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from sqlalchemy import Connection, and_, func, select, text

from connector.decisions.interest import Sign
from connector.domain.cycle import State
from connector.domain.moment import Micros
from connector.store.persons.people import chunks
from connector.store.schema import activity, cycle, person
from connector.store.scored.feed import value_in
from connector.store.statements.among import among
from connector.store.statements.streams import counted

_MAILED = ("email_sent", "email_delivered", "email_open", "email_click", "email_bounce")
_RECEIVED = ("email_sent", "email_delivered", "email_open", "email_bounce")


class Asked(NamedTuple):
    """Something a person asked for, and when."""

    asset: str
    at: Micros


def assets(tx: Connection, people: Iterable[str], now: Micros) -> dict[str, list[Asked]]:
    """Give what each of these people asked for, oldest first; mail they received is none of it."""
    found: dict[str, list[Asked]] = {}
    for ids in chunks(people):
        rows = tx.execute(
            select(activity.c.person, activity.c.asset, activity.c.time)
            .where(
                among(activity.c.person, ids),
                activity.c.asset.is_not(None),
                activity.c.time <= now,
                ~activity.c.machine,
                ~activity.c.duplicate,
            )
            .order_by(activity.c.person, activity.c.time, activity.c.id)
        )
        for row in rows:
            found.setdefault(row.person, []).append(Asked(row.asset, row.time))
    return found


def signs(
    tx: Connection, people: Iterable[str], since: Micros, now: Micros
) -> Iterator[tuple[str, list[Sign]]]:
    """Yield what each of these people did in a span, and what it was about; mail they received is
    none of it."""
    named = (activity.c.asset, activity.c.url, activity.c.campaign, activity.c.form)
    for ids in chunks(people):
        rows = tx.execute(
            select(activity.c.person, activity.c.time, *named).where(
                among(activity.c.person, ids),
                activity.c.time > since,
                activity.c.time <= now,
                activity.c.type.not_in(_RECEIVED),
                ~activity.c.machine,
                ~activity.c.duplicate,
            )
        )
        found: dict[str, list[Sign]] = {}
        for who, *sign in rows:
            found.setdefault(who, []).append(Sign(*sign))
        yield from found.items()


def waiting(tx: Connection) -> dict[tuple[str, str | None], int]:
    """Count the people in nurture by theme and phase."""
    rows = tx.execute(
        select(cycle.c.theme, cycle.c.phase, func.count())
        .where(cycle.c.current, cycle.c.state.in_([State.NURTURE.value, State.RECYCLED.value]))
        .group_by(cycle.c.theme, cycle.c.phase)
    )
    return {(theme or "", phase): int(n) for theme, phase, n in rows.all()}


class Unheard(NamedTuple):
    """People of a theme who are flagged, and whom nobody has mailed since."""

    theme: str
    phase: str | None
    people: int
    longest: Micros


def unheard(tx: Connection, before: Micros) -> list[Unheard]:
    """Give, by theme, who is in nurture since before a moment and got no mail since."""
    mailed = (
        select(activity.c.id)
        .where(
            activity.c.person == cycle.c.person,
            activity.c.type.in_(_MAILED),
            activity.c.time >= cycle.c.since,
        )
        .exists()
    )
    rows = tx.execute(
        select(cycle.c.theme, cycle.c.phase, func.count(), func.min(cycle.c.since))
        .join(person, and_(person.c.id == cycle.c.person, person.c.excluded.is_(None)))
        .where(
            cycle.c.current,
            cycle.c.state == State.NURTURE.value,
            cycle.c.since <= before,
            ~mailed,
        )
        .group_by(cycle.c.theme, cycle.c.phase)
        .order_by(func.count().desc(), cycle.c.theme, cycle.c.phase)
    )
    return [Unheard(theme or "", phase, int(n), int(at)) for theme, phase, n, at in rows.all()]


class Segment(NamedTuple):
    """The people in scope that share a value of a field; None for whom it is not known."""

    name: str | None
    people: int
    nurtured: int
    with_sales: int
    ready: int
    score: float | None


def segments(tx: Connection, field: str) -> list[Segment]:
    """Count people in scope by a field that rules read, most first."""
    value = value_in(tx.dialect.name, "p.facts", field, "any")
    nurtured, with_sales = (_one_of(states) for states in (_NURTURED, _WITH_SALES))
    rows = tx.execute(
        text(
            f"SELECT {value} AS name, COUNT(*) AS people, "
            f"COUNT(*) FILTER (WHERE {nurtured}), COUNT(*) FILTER (WHERE {with_sales}), "
            "COUNT(*) FILTER (WHERE s.sales_ready), CAST(AVG(s.score) AS DOUBLE PRECISION) "
            "FROM person p "
            "LEFT JOIN cycle c ON c.person = p.id AND c.current "
            "LEFT JOIN score s ON s.person = p.id "
            "WHERE p.excluded IS NULL GROUP BY 1 ORDER BY 2 DESC, 1"
        )
    )
    return [
        Segment(
            name,
            int(n),
            int(some),
            int(given),
            int(ready),
            None if mean is None else round(mean, 1),
        )
        for name, n, some, given, ready, mean in rows
    ]


def _one_of(states: Iterable[State]) -> str:
    return f"c.state IN ({', '.join(repr(state.value) for state in states)})"


_NURTURED = (State.NURTURE, State.RECYCLED)
_WITH_SALES = (State.HANDED_OFF, State.ACCEPTED, State.QUALIFIED, State.NO_DECISION)


class Alike(NamedTuple):
    """People in scope of whom a consent policy thinks the same, and how many they are."""

    country: str | None
    opted_in: bool | None
    opted_out: bool | None
    do_not_call: bool | None
    state: str | None
    people: int


_SAID = ("opted_in", "opted_out", "do_not_call")


def alike(tx: Connection) -> list[Alike]:
    """Count people in scope by country, by what they said about contact, and by state."""
    where = [_named(tx, "p.facts", name, "text") for name in ("country", "account.country")]
    own, company = (f"NULLIF({sql}, '')" for sql in where)
    said = [_named(tx, "p.doc", name, "bool") for name in _SAID]
    rows = counted(
        tx,
        [f"COALESCE({own}, {company})", *said, "c.state"],
        "person p LEFT JOIN cycle c ON c.person = p.id AND c.current WHERE p.excluded IS NULL",
    )
    return [
        Alike(place, _truth(given), _truth(out), _truth(silent), state, n)
        for (place, given, out, silent, state), n in rows.items()
    ]


def _named(tx: Connection, column: str, name: str, kind: str) -> str:
    """Spell a value as `value_in` does; SQLite is to read only documents that name it at all."""
    value = value_in(tx.dialect.name, column, name, kind)
    if tx.dialect.name == "postgresql":
        return value
    return f"CASE WHEN instr({column}, '\"{name}\"') THEN {value} END"


def _truth(value: int | None) -> bool | None:
    return None if value is None else bool(value)


class Contact(NamedTuple):
    """One person in scope, as far as consent and hygiene look."""

    person: str
    facts: str
    doc: str
    state: str | None
    newest: Micros | None
    bounced: bool


def contacts(tx: Connection, after: str, limit: int) -> list[Contact]:
    """Give people in scope past `after`, by id, with their newest activity and whether mail came
    back from them."""
    page = list(
        tx.execute(
            select(person.c.id, person.c.facts, person.c.doc, cycle.c.state)
            .outerjoin(cycle, and_(cycle.c.person == person.c.id, cycle.c.current))
            .where(person.c.id > after, person.c.excluded.is_(None))
            .order_by(person.c.id)
            .limit(limit)
        )
    )
    newest: dict[str, Micros] = {}
    bounced: set[str] = set()
    for ids in chunks(row.id for row in page):
        for who, kind, at in tx.execute(
            select(activity.c.person, activity.c.type, func.max(activity.c.time))
            .where(among(activity.c.person, ids))
            .group_by(activity.c.person, activity.c.type)
        ):
            newest[who] = max(at, newest.get(who, at))
            if kind == "email_bounce":
                bounced.add(who)
    return [Contact(*row, newest.get(row.id), row.id in bounced) for row in page]
