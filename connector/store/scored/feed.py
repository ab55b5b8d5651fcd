"""The SELECTs by which the engine reads the store, typed so that no value is guessed.

A row of typed blanks comes first, because the bulk readers guess a column's type from what they
see first; its person is the empty text, which nobody has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sqlalchemy import Connection

from connector.domain.moment import Micros
from connector.store.scored.tallies import SINCE, Kept, lacking_share
from connector.store.statements.literal import literal

PERSON = ""
_BLANK = {"text": "''", "any": "''", "number": "CAST(0 AS DOUBLE PRECISION)", "bool": "0"}
_FEW = 0.25
"""Up to this share of people, activities are found by person; beyond, all are read in one scan."""


_BEGAN = f"coalesce({SINCE}, {-(2**62)})"
"""From when on activities are read: of whom there is no tally, from ever."""
_NUMBERS = ("more", "as_of", "newest", "until")


class Feed(NamedTuple):
    """The queries of one scoring."""

    people: str
    activities: str
    tallies: str
    again: str
    """All activities of types that rules read which are counted anew."""
    changed: str
    """Of which types not all is what it was, of whom there is a tally."""


def feed(
    tx: Connection,
    kept: Kept,
    fields: Mapping[str, str],
    columns: Iterable[str],
    *,
    only_stale: bool,
    accounts: bool = False,
) -> Feed:
    """Give the queries of one scoring: of whoever has a tally among `kept` the activities of its
    open days where there is more, else none."""
    dialect = tx.dialect.name
    few = only_stale or lacking_share(tx, kept) < _FEW
    return Feed(
        people_sql(dialect, fields, only_stale=only_stale, accounts=accounts),
        activities_sql(
            dialect, columns, only_stale=only_stale, accounts=accounts, kept=kept, few=few
        ),
        tallies_sql(dialect, kept, only_stale=only_stale, accounts=accounts),
        again_sql(dialect, columns, kept, only_stale=only_stale, accounts=accounts),
        changed_sql(dialect, kept, only_stale=only_stale, accounts=accounts),
    )


def people_sql(
    dialect: str,
    fields: Mapping[str, str],
    *,
    only_stale: bool,
    accounts: bool = False,
    customers: bool = False,
) -> str:
    """Select `person` and each field as text, number, bool (0 or 1) or any (text of anything).

    With `accounts` those who wait to be scored bring along the other people of their accounts,
    with `customers` those who are out because they bought are there too.
    """
    blanks = ", ".join(f"{_BLANK[kind]} AS {_quoted(name)}" for name, kind in fields.items())
    values = ", ".join(
        f"{value_in(dialect, 'p.facts', name, kind)} AS {_quoted(name)}"
        for name, kind in fields.items()
    )
    return (
        f"SELECT '{PERSON}' AS person{', ' if blanks else ''}{blanks} UNION ALL "
        f"SELECT p.id AS person{', ' if values else ''}{values} "
        f"FROM person p WHERE {_wanted(dialect, only_stale, accounts, customers)}"
    )


def activities_sql(
    dialect: str,
    columns: Iterable[str],
    *,
    only_stale: bool,
    accounts: bool = False,
    customers: bool = False,
    kept: Kept | None = None,
    few: bool = False,
) -> str:
    """Select the activities of the same people, without those another system's row repeats.

    `columns` are those that rules read, beside person, time, machine and type. Of people whose
    tally is among `kept` those are selected that open days add where there is more of them;
    `few` says that this leaves a small part.
    """
    # SQLite keeps the order of a CROSS JOIN: the few who changed first, their rows by index then.
    few = few or only_stale
    held = f" LEFT JOIN tally t ON {kept.holds()}" if kept else ""
    tables = (
        f"person p{held} CROSS JOIN activity a" if few else f"activity a CROSS JOIN person p{held}"
    )
    more = f" AND (t.person IS NULL OR {kept.more()}) AND a.time >= {_BEGAN}" if kept else ""
    return (
        f"{_activities(columns)} FROM {tables} WHERE p.id = a.person AND NOT a.duplicate "
        f"AND {_wanted(dialect, only_stale, accounts, customers)}{more}"
    )


def again_sql(
    dialect: str, columns: Iterable[str], kept: Kept, *, only_stale: bool, accounts: bool = False
) -> str:
    """Select, like activities_sql, all that rules read which are counted anew of the same people,
    for activities they read are not what they were."""
    wanted = _wanted(dialect, only_stale, accounts, customers=False)
    return (
        f"{_activities(columns)} FROM (SELECT DISTINCT person FROM recount) c "
        f"CROSS JOIN person p CROSS JOIN tally t CROSS JOIN activity a "
        f"WHERE p.id = c.person AND {kept.holds()} AND a.person = p.id AND NOT a.duplicate "
        f"AND {wanted} AND {kept.read_again()}"
    )


def changed_sql(dialect: str, kept: Kept, *, only_stale: bool, accounts: bool = False) -> str:
    """Select of which types of activity not all is what it was, of the people who have a tally."""
    wanted = _wanted(dialect, only_stale, accounts, customers=False)
    return (
        f"SELECT '{PERSON}' AS person, '' AS type UNION ALL SELECT c.person, c.type "
        "FROM recount c CROSS JOIN person p CROSS JOIN tally t "
        f"WHERE p.id = c.person AND {kept.holds()} AND {wanted}"
    )


def _activities(columns: Iterable[str]) -> str:
    names = ["type", *sorted(columns)]
    blanks = ", ".join(f"'' AS {name}" for name in names)
    values = ", ".join(f"a.{name} AS {name}" for name in names)
    return (
        f"SELECT '{PERSON}' AS person, CAST(0 AS BIGINT) AS time, 0 AS machine, {blanks} UNION ALL "
        f"SELECT a.person, a.time, CASE WHEN a.machine THEN 1 ELSE 0 END, {values}"
    )


def tallies_sql(dialect: str, kept: Kept, *, only_stale: bool, accounts: bool = False) -> str:
    """Select what was counted of the same people, as far as it serves."""
    blanks = ", ".join(f"CAST(0 AS BIGINT) AS {name}" for name in _NUMBERS)
    return (
        f"SELECT '{PERSON}' AS person, {blanks}, '' AS sums, '' AS open, '' AS entries UNION ALL "
        f"SELECT t.person, CASE WHEN {kept.more()} THEN 1 ELSE 0 END, t.as_of, "
        f"{_newest(kept.now)}, t.until, t.sums, t.open, t.entries FROM person p CROSS JOIN tally t "
        f"WHERE {kept.holds()} AND {_wanted(dialect, only_stale, accounts, customers=False)}"
    )


def _newest(now: Micros) -> str:
    """When the last activity was; where some are not what they were the tally does not know."""
    return (
        "CASE WHEN NOT EXISTS (SELECT 1 FROM recount r WHERE r.person = t.person) THEN t.newest "
        "ELSE (SELECT a.time FROM activity a WHERE a.person = t.person AND NOT a.machine "
        f"AND NOT a.duplicate AND a.time <= {now} ORDER BY a.time DESC LIMIT 1) END"
    )


def _wanted(dialect: str, only_stale: bool, accounts: bool, customers: bool) -> str:  # noqa: FBT001
    inside = (
        "(p.excluded IS NULL OR p.excluded = 'customer')" if customers else "p.excluded IS NULL"
    )
    if not only_stale:
        return inside
    # SQLite looks the few up by their index only where it is asked in the very words of it.
    stale = "p.stale" if dialect == "postgresql" else "p.stale = 1"
    if not accounts:
        return f"{inside} AND {stale}"
    mine = value_in(dialect, "p.facts", "account.key", "text")
    theirs = mine.replace("p.facts", "q.facts")
    return f"{inside} AND ({stale} OR {mine} IN (SELECT {theirs} FROM person q WHERE q{stale[1:]}))"


def _quoted(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def value_in(dialect: str, column: str, name: str, kind: str) -> str:
    """Spell the value of a name in a column of documents; NULL where it is of another kind."""
    if dialect == "postgresql":
        return _postgresql(column, name, kind)
    escaped = name.replace('"', '\\"')
    path = literal(f'$."{escaped}"')
    value, found = f"json_extract({column}, {path})", f"json_type({column}, {path})"
    match kind:
        case "number":
            return f"CASE WHEN {found} IN ('integer', 'real') THEN CAST({value} AS REAL) END"
        case "bool":
            return f"CASE {found} WHEN 'true' THEN 1 WHEN 'false' THEN 0 END"
        case "any":
            return f"CASE WHEN {found} <> 'null' THEN CAST({value} AS TEXT) END"
    return f"CASE WHEN {found} = 'text' THEN {value} END"


def _postgresql(column: str, name: str, kind: str) -> str:
    document = f"CAST({column} AS jsonb)"
    value = f"({document} ->> {literal(name)})"
    found = f"jsonb_typeof({document} -> {literal(name)})"
    match kind:
        case "number":
            return f"CASE WHEN {found} = 'number' THEN CAST({value} AS DOUBLE PRECISION) END"
        case "bool":
            truth = f"CASE {value} WHEN 'true' THEN 1 ELSE 0 END"
            return f"CASE WHEN {found} = 'boolean' THEN {truth} END"
        case "any":
            return value
    return f"CASE WHEN {found} = 'string' THEN {value} END"
