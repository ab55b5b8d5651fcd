"""Makes the table of passes out of the store's tables: what `histories` says one by one, of all.

Step by step, as tables in memory, so that each is gone when nothing asks it any more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import orjson

from connector.domain.cycle import State
from connector.domain.moment import DAY, Micros
from connector.engine.passes import Passes
from connector.funnel.history import DEPTHS, ON_THE_WAY, SETTLED
from connector.funnel.measure import REACHED, Row, listed, quoted

_TOGETHER = 200_000
"""So many passes are put together at once."""
_SAMPLED = 100
"""One person in so many says where shares end."""
_PAGE = 10_000
"""So many moments are sent at once."""
_READY = listed([State.SALES_READY, State.HELD])
_WAY = listed(ON_THE_WAY)
_RESTING = listed(set(State) - set(DEPTHS))


class Words(NamedTuple):
    """What the store's tables mean by some of their texts."""

    found: str
    backlog: str
    next: str
    answered: str
    by: str


class Times(NamedTuple):
    """When a verdict on a hand-off of some moment is due, and how much of a time people work."""

    verdict_due: Callable[[Micros], Micros | None]
    open_between: Callable[[Micros, Micros], Micros] | None


Deal = tuple[str, str | None, int | None, Micros | None, Micros | None, tuple[str, ...]]
"""A person's deal: status, cents, created, closed, products."""


def read_tables(
    passes: Passes,
    queries: Mapping[str, str],
    words: Words,
    segment: str | None,
) -> None:
    """Read the store's tables, by its own queries, and make of each what `tell` takes.

    `segment` is the field of a person that segments go by. The largest table is only begun.
    """
    passes.begin("doings", queries["doings"])
    for table, steps in _READ.items():
        columns = _people_columns(segment) if table == "people" else "*"
        passes.copy(table, queries[table], columns)
        for step in steps:
            passes.run(step.format(**_spelled(words)))
    _spell_out(passes)


def tell(
    passes: Passes, deals: Iterable[Deal], words: Words, times: Times, *, watched: bool
) -> None:
    """Fill the table of passes out of the tables that were read, and deals."""
    _add_deals(passes, deals)
    passes.run(_SOLD)
    _add_dues(passes, times)
    passes.finish()
    passes.run(_WORKED.format(**_spelled(words)))
    _add_given(passes, times, watched=watched)
    for mine in _shares(passes):
        passes.run(_PASSES.format(mine=mine, watched=watched, **_spelled(words)))


def _shares(passes: Passes) -> list[str]:
    """Share people out, as tests of their ids: tables of all side by side would not fit memory.

    Spans of ids, for a table that is about in their order is then read once and not once a share.
    """
    whole = int(passes.ask("SELECT count(*) FROM cycles")[0][0])
    some = f"SELECT DISTINCT person FROM cycles WHERE hash(person) % {_SAMPLED} = 0 ORDER BY person"
    ids = [person for (person,) in passes.ask(some)] if whole > _TOGETHER else []
    parts = -(-whole // _TOGETHER) if ids else 1
    lines = dict.fromkeys(ids[len(ids) * part // parts] for part in range(1, parts))
    starts = ["true", *(f"person >= {quoted(line)}" for line in lines)]
    ends = [*(f"person < {quoted(line)}" for line in lines), "true"]
    return [f"{start} AND {end}" for start, end in zip(starts, ends, strict=True)]


def _spelled(words: Words) -> dict[str, str]:
    return {name: quoted(text) for name, text in words._asdict().items()}


def days_worked(passes: Passes) -> list[Row]:
    """Give (owner, day since 1970, whether the person had been handed off), each once."""
    return passes.ask(
        f"""SELECT DISTINCT effort.name, effort.moment // {DAY}, handed FROM (
            SELECT unnest(efforts) AS effort,
                person IN (SELECT person FROM cycles WHERE handed_off_at IS NOT NULL) AS handed
            FROM worked WHERE person IN (SELECT person FROM people)
        )"""
    )


def activity_counts(passes: Passes) -> Row:
    """Count people's activities: all, those of machines, those seen twice."""
    return passes.ask(
        """SELECT coalesce(sum(n), 0), coalesce(sum(machine), 0), coalesce(sum(duplicate), 0)
        FROM doings"""
    )[0]


def drop_tables(passes: Passes) -> None:
    """Drop all tables that passes were told from, so that questions have their memory."""
    others = "SELECT table_name FROM duckdb_tables() WHERE table_name <> 'pass'"
    for (table,) in passes.ask(others):
        passes.run(f"DROP TABLE {table}")


# --- people, and the values of their fields ------------------------------------------------------


def _people_columns(segment: str | None) -> str:
    """Sources and segments are texts nearly always; others are noted as JSON, for `_spell_out`."""
    whole = "json_type(doc, '$.created') IN ('BIGINT', 'UBIGINT')"
    parts = ["person", f"CASE WHEN {whole} THEN CAST(doc->>'$.created' AS BIGINT) END AS created"]
    for column, name in (("source", "source"), ("segment", segment)):
        text = odd = "CAST(NULL AS VARCHAR)"
        if name is not None:
            path = quoted('$."' + name.replace('"', '\\"') + '"')
            kind = f"json_type(doc, {path})"
            text = f"CASE WHEN {kind} = 'VARCHAR' THEN nullif(doc->>{path}, '') END"
            odd = f"CASE WHEN {kind} NOT IN ('VARCHAR', 'NULL') THEN doc->{path} END"
        parts += [f"{text} AS {column}", f"CAST({odd} AS VARCHAR) AS odd_{column}"]
    return ", ".join(parts)


def _spell_out(passes: Passes) -> None:
    """Write sources and segments that are no texts as Python does; a source that is false is
    none."""
    for column in ("source", "segment"):
        odd = passes.ask(f"SELECT DISTINCT odd_{column} FROM people WHERE odd_{column} IS NOT NULL")
        for (text,) in odd:
            value = orjson.loads(text)
            if value or column == "segment":
                passes.run(
                    f"UPDATE people SET {column} = ? WHERE odd_{column} = ?", [str(value), text]
                )


def _add_deals(passes: Passes, deals: Iterable[Deal]) -> None:
    kinds = ("VARCHAR", "VARCHAR", "BIGINT", "BIGINT", "BIGINT", "VARCHAR[]")
    rows = [(*deal[:5], list(deal[5])) for deal in deals]
    columns = list(zip(*rows, strict=True)) or [()] * len(kinds)
    given = ", ".join(f"unnest(CAST(? AS {kind}[]))" for kind in kinds)
    names = "person, status, cents, created, closed, products"
    passes.run(
        f"CREATE TABLE deals AS SELECT * FROM (SELECT {given}) AS deal({names})",
        [list(column) for column in columns],
    )


# --- what belongs to which pass -------------------------------------------------------------------

_SEVERAL = """CREATE TABLE several AS
SELECT person, number, opened_at,
    lead(began) OVER (PARTITION BY person ORDER BY number) AS until,
    CASE WHEN row_number() OVER (PARTITION BY person ORDER BY number) > 1 THEN began END AS after
FROM (
    SELECT *, least(lag(verdict_at) OVER (PARTITION BY person ORDER BY number), opened_at) AS began
    FROM cycles
    WHERE person IN (
        SELECT person FROM cycles
        WHERE person IN (SELECT person FROM cycles WHERE number <> 1)
        GROUP BY person HAVING count(*) > 1
    )
)"""
"""Passes of people who have several: what was done after `after` and up to `until` is of one. A
pass begins at the verdict on the one before, for that is what made room for it."""

_LEADS = """(
    SELECT c.*, p.created, p.source, p.segment, s.score, m.after, m.until,
        m.person IS NOT NULL AS again,
        coalesce(m.number, 0) AS part
    FROM (SELECT * FROM cycles WHERE {mine}) c
    JOIN (SELECT * FROM people WHERE {mine}) p USING (person)
    LEFT JOIN (SELECT * FROM scores WHERE {mine}) s USING (person)
    LEFT JOIN several m ON m.person = c.person AND m.number = c.number
)"""
"""All passes. Rows of other tables have a `part` too: 0 where their person has one pass alone."""


def _depth(state: str) -> str:
    known = " ".join(f"WHEN {quoted(name)} THEN {depth}" for name, depth in DEPTHS.items())
    return f"CASE {state} {known} ELSE 0 END"


def _part(table: str) -> str:
    return (
        f"(SELECT *, CASE WHEN person IN (SELECT person FROM several) THEN number ELSE 0 END "
        f"AS part FROM {table})"
    )


_BUSY = f"""CREATE TABLE busy AS
SELECT *, CASE WHEN person IN (SELECT person FROM several) THEN number ELSE 0 END AS part
FROM moves WHERE person IN (
    SELECT person FROM moves
    WHERE after NOT IN {_RESTING} OR why IN ({{found}}, {{backlog}})
        OR after = 'nurture' AND person IN (SELECT person FROM cycles WHERE state <> 'nurture')
)"""
"""Moves of people of whom they tell more than their passes do. Most people rest: they came, and are
in nurture still."""


def _entered(state: str) -> str:
    return f"arg_min(moment, seq) FILTER (after = {quoted(state)})"


_MOVED = f"""CREATE TABLE moved AS
SELECT person, part,
    max({_depth("after")}) AS depth,
    bool_or(after = 'won') AS won,
    bool_or(after = 'nurture') AS nurtured,
    bool_or(after IN {_READY}) AS was_ready,
    arg_min(why = {{found}}, seq) AS found,
    least({_entered("sales_ready")}, {_entered("held")}) AS ready_at,
    bool_or(why = {{backlog}}) AS backlog,
    {_entered("accepted")} AS accepted_at,
    {_entered("qualified")} AS qualified_at,
    {_entered("won")} AS won_at
FROM busy GROUP BY person, part"""

_STAYED = f"""CREATE TABLE stayed AS
SELECT person, part, list_transform(
    list_filter(
        list_zip(mine, list_transform(mine, lambda one: one.moment)[2:]),
        lambda pair, place: pair[1].after IN {_WAY} AND NOT (pair[1].found AND place = 1)
    ),
    lambda pair: struct_pack(state := pair[1].after, since := pair[1].moment, until := pair[2])
) AS stays
FROM (
    SELECT person, part, list_sort(list(struct_pack(
        seq := seq, after := after, moment := moment, found := why = {{found}}
    ))) AS mine
    FROM busy GROUP BY person, part
)
WHERE len(stays) > 0"""
"""Times in states on the way to a deal, each until the next move; when the first began is not known
of what was found."""

_SAID = """CREATE TABLE said AS
SELECT person, number, list(moment) AS moments,
    min(moment) FILTER (verdict = 'accepted') AS accepted_at,
    min(moment) FILTER (verdict = 'qualified') AS qualified_at,
    min(moment) FILTER (verdict = 'won') AS won_at
FROM (
    SELECT v.person, v.number, v.verdict, min(v.moment) AS moment
    FROM verdicts v JOIN cycles c USING (person, number)
    WHERE v.number = 1 OR v.moment >= c.opened_at
    GROUP BY ALL
)
GROUP BY person, number"""
"""When each verdict was first given; one before its pass opened is of an earlier pass, save in the
first, which may have been under way long before we saw it."""

_SOLD = """CREATE TABLE sold AS
SELECT person, part, min(created) AS made,
    sum(cents) FILTER (status = 'won') AS won_cents,
    sum(cents) FILTER (status IS DISTINCT FROM 'won') AS other_cents,
    list(struct_pack(moment := closed, cents := cents)) FILTER (status = 'won') AS sales,
    list_sort(list_distinct(flatten(list(products) FILTER (status = 'won')))) AS products
FROM (
    SELECT any_value(d.person) AS person, any_value(d.status) AS status,
        any_value(d.cents) AS cents, any_value(d.created) AS created,
        any_value(d.closed) AS closed, any_value(d.products) AS products,
        coalesce(
            max(s.number) FILTER (coalesce(s.opened_at <= coalesce(d.created, d.closed), true)),
            min(s.number), 0
        ) AS part
    FROM deals d LEFT JOIN several s ON s.person = d.person
    GROUP BY d.rowid
)
GROUP BY person, part"""
"""A deal is of the last pass open when it was made, else of the first."""

_TAKEN = f"""CREATE TABLE taken AS
SELECT person, part, last(partner ORDER BY number, answered_at) AS partner
FROM {_part("offers")} GROUP BY person, part"""


def _things(mark: str, things: str) -> str:
    """What was done, as moment and name, in order; `things` have the mark between them."""
    place = f"instr(thing, {mark})"
    return f"""list_sort(list_transform({things}, lambda thing: struct_pack(
        moment := CAST(substr(thing, 1, {place} - 1) AS BIGINT), name := substr(thing, {place} + 1)
    )))"""


_ALL = "string_split(told, {next})"
_ANSWERED = f"""CASE WHEN contains(told, {{by}})
    THEN list_filter({_ALL}, lambda thing: contains(thing, {{answered}})) ELSE {_ALL} END"""
_ANSWERS = f"""CASE WHEN contains(told, {{answered}})
    THEN {_things("{answered}", _ANSWERED)} END"""
"""What a person did in answer to campaigns; of most people nothing else is told."""

_EFFORTS = f"list_filter({_ALL}, lambda thing: NOT contains(thing, {{answered}}))"
_WORKED = f"""CREATE TABLE worked AS
SELECT person, {_things("{by}", _EFFORTS)} AS efforts
FROM doings WHERE contains(told, {{by}})"""
"""What owners did for a person."""

_READ = {
    "cycles": (_SEVERAL,),
    "moves": (_BUSY, "DROP TABLE moves", _MOVED, _STAYED, "DROP TABLE busy"),
    "verdicts": (_SAID, "DROP TABLE verdicts"),
    "offers": (_TAKEN, "DROP TABLE offers"),
    "scores": (),
    "handoffs": (),
    "people": (),
}
"""The tables in the order of reading, beside `doings`; what is made of each while the others are
not yet there."""

# --- hand-offs, by the calendar -------------------------------------------------------------------


_TOUCHES = """CREATE TABLE touches AS
SELECT l.person, l.number, l.handed_off_at AS given,
    CASE WHEN {watched} THEN list_min(list_transform(
        list_filter(d.efforts, lambda one: one.moment >= l.handed_off_at AND one.name = l.owner),
        lambda one: one.moment
    )) END AS touched_at
FROM cycles l LEFT JOIN worked d USING (person) WHERE l.handed_off_at IS NOT NULL"""
"""When the owner of each hand-off first did something for the person."""

_GIVEN = """CREATE TABLE given AS
SELECT person, number, touched_at, decide_due, touched_open
FROM touches LEFT JOIN dues USING (given) LEFT JOIN spans USING (given, touched_at)"""


def _add_dues(passes: Passes, times: Times) -> None:
    """Note when the verdict on each hand-off is due.

    The calendar is asked once for each moment: hand-offs of one run share theirs.
    """
    handed = "SELECT DISTINCT handed_off_at FROM cycles WHERE handed_off_at IS NOT NULL"
    dues = [(at, times.verdict_due(at)) for (at,) in passes.ask(handed)]
    _fill(passes, "dues", ("given", "decide_due"), dues)


def _add_given(passes: Passes, times: Times, *, watched: bool) -> None:
    """Note of each hand-off when its owner first did something, and what the calendar says."""
    passes.run(_TOUCHES.format(watched=watched))
    between, spans = times.open_between, list[Row]()
    if between is not None:
        pairs = "SELECT DISTINCT given, touched_at FROM touches WHERE touched_at IS NOT NULL"
        spans = [(at, touched, between(at, touched)) for at, touched in passes.ask(pairs)]
    _fill(passes, "spans", ("given", "touched_at", "touched_open"), spans)
    passes.run(_GIVEN)


def _fill(passes: Passes, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
    """Make a table of whole numbers."""
    passes.run(f"CREATE TABLE {table} ({', '.join(f'{name} BIGINT' for name in columns)})")
    values = ", ".join("unnest(CAST(? AS BIGINT[]))" for _ in columns)
    for start in range(0, len(rows), _PAGE):
        page = zip(*rows[start : start + _PAGE], strict=True)
        passes.run(f"INSERT INTO {table} SELECT {values}", [list(column) for column in page])


# --- all of it together ---------------------------------------------------------------------------


def _mine(things: str) -> str:
    """Those of a person's things that were done in this pass."""
    return (
        f"CASE WHEN again THEN list_filter({things}, lambda one: "
        "one.moment > coalesce(after, one.moment - 1) "
        f"AND one.moment <= coalesce(until, one.moment)) ELSE {things} END"
    )


_VALUES = {
    "person": "l.person",
    "number": "l.number",
    "state": "l.state",
    "newest": "l.current = 1",
    "found": "coalesce(m.found, false)",
    "depth": f"greatest({_depth('l.state')}, coalesce(m.depth, 0))",
    "won": "l.state = 'won' OR coalesce(m.won, false)",
    "settled": f"l.state IN {listed(SETTLED)}",
    "nurtured": "l.state = 'nurture' OR coalesce(m.nurtured, false)",
    "was_ready": f"l.state IN {_READY} OR coalesce(m.was_ready, false)",
    "inquiry_at": """CASE
        WHEN l.number = 1 AND (coalesce(m.found, false) AND l.created IS NOT NULL
            OR l.created <= l.opened_at) THEN l.created
        WHEN NOT coalesce(m.found, false) THEN l.opened_at END""",
    "sales_ready_at": "CASE WHEN NOT m.backlog THEN m.ready_at END",
    "handed_off_at": "l.handed_off_at",
    "accepted_at": "coalesce(v.accepted_at, CASE WHEN NOT m.found THEN m.accepted_at END)",
    "qualified_at": """least(s.made,
        coalesce(v.qualified_at, CASE WHEN NOT m.found THEN m.qualified_at END))""",
    "won_at": "coalesce(v.won_at, CASE WHEN NOT m.found THEN m.won_at END)",
    "reason": "nullif(l.verdict_reason, '')",
    "owner": "nullif(l.owner, '')",
    "source": "l.source",
    "segment": "l.segment",
    "theme": "l.theme",
    "phase": "l.phase",
    "partner": "t.partner",
    "score": "l.score",
    "given_score": "CASE WHEN l.handed_off_at IS NOT NULL THEN h.score END",
    "given_at": "l.handed_off_at",
    "touch_due": "CASE WHEN l.handed_off_at IS NOT NULL THEN l.sla_due_at END",
    "touched_at": "g.touched_at",
    "touched_open": "g.touched_open",
    "decide_due": "g.decide_due",
    "decided_at": "list_min(list_filter(v.moments, lambda said: said >= l.handed_off_at))",
    "watched": "CASE WHEN l.handed_off_at IS NOT NULL THEN {watched} END",
    "won_cents": "s.won_cents",
    "other_cents": "s.other_cents",
    "last_at": "CASE WHEN NOT l.again OR l.current = 1 THEN d.newest END",
    "machine_only": """coalesce(
        d.newest IS NOT NULL AND d.n = d.machine + d.duplicate - d.machine_twice, false)""",
    "efforts": f"coalesce(len({_mine('w.efforts')}), 0)",
    "campaigns": _ANSWERS,
    "stays": "y.stays",
    "sales": "s.sales",
    "products": "s.products",
}
_JOINED = "".join(
    f" LEFT JOIN (SELECT * FROM {table} WHERE {{mine}}) {name} ON {name}.person = l.person {on}"
    for table, name, on in (
        ("moved", "m", "AND m.part = l.part"),
        ("stayed", "y", "AND y.part = l.part"),
        ("sold", "s", "AND s.part = l.part"),
        ("taken", "t", "AND t.part = l.part"),
        ("said", "v", "AND v.number = l.number"),
        ("handoffs", "h", "AND h.number = l.number"),
        ("given", "g", "AND g.number = l.number"),
        ("worked", "w", ""),
        ("doings", "d", ""),
    )
)
"""What passes are joined with; of each table the people of one share."""
_PASSES = f"""INSERT INTO pass BY NAME
SELECT *, campaigns[1].name AS campaign
FROM (SELECT * EXCLUDE (again, after, until)
    REPLACE (greatest({", ".join(REACHED)}, last_at) AS last_at, {_mine("campaigns")} AS campaigns)
FROM (
    SELECT {", ".join(f"{value} AS {name}" for name, value in _VALUES.items())},
        l.again, l.after, l.until
    FROM {_LEADS} l
    {_JOINED}
))"""
