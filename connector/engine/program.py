"""Compiles models into the SQL of one scoring, so that the process that runs it loads no rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

import narwhals as nw

from connector.domain.moment import Micros
from connector.domain.tally import TOO_MANY, open_since
from connector.engine.duck import make_empty, make_table, open_duck, query_of
from connector.engine.prepared import columns_of
from connector.engine.steps import NOW, SLICE, Program, Steps
from connector.scoring.behaviour import adding_frames, aged, arrives_at
from connector.scoring.choice import Models
from connector.scoring.compile import choose, score_counted
from connector.scoring.entries import Frame, entries_of, happened, leaves_at, needed, worth
from connector.scoring.units import Units, reads

_MOST = 200
"""So many entries of a person are kept. Reading more takes longer than reading the history of most
who have so many again."""
_LONG = 8_000
"""So many bytes of keys are kept of a person; they are names others chose."""
_WIDE = 16
"""So many units have their worth in one table."""
_AGAIN = "_again"
"""Ends the name of a table that was made of activities read again."""
_OPEN = "_open"
"""Ends the name of a unit's column that holds what open days add."""


def program(models: Models, now: Micros) -> Program:
    """Compile the models for a moment.

    People of whom `tallies` has sums are scored from these, and from what open days add.
    """
    return compiled(models).at(now)


@lru_cache(maxsize=8)
def compiled(models: Models) -> Program:
    """Compile the models for any moment: NOW stands where it belongs."""
    made = _Compiling(models)
    try:
        return Program(made.counting(), made.anew(), made.told(), made.scores())
    finally:
        made.close()


class _Compiling:
    """Models on their way to SQL: each query is bound to empty tables that earlier ones made."""

    def __init__(self, models: Models) -> None:
        self._models = models
        self._units = models.units()
        self._now = nw.lit(NOW)
        self._since = open_since(self._now)
        self._duck = open_duck()
        for name, columns in columns_of(models).items():
            make_empty(self._duck, name, columns)
        self._steps: Steps = []

    def close(self) -> None:
        """Let the tables go."""
        self._duck.close()

    def counting(self) -> Steps:
        """Count what everybody did of whom there is no tally, or more than it says."""
        told: Frame = nw.from_native(self._duck.sql(_told(self._units)))
        sums = aged(self._units, nw.col("age"))
        self._make("kept", _sql(told.select("person", "more", "newest", **sums)))
        if self._units.looking:
            self._make("held", _HELD)
        self._count("activities", "")
        return self._taken()

    def anew(self) -> Steps:
        """Replace what rules counted that read activities which are not what they were."""
        units = self._units
        self._make("touched", _sql(_touched(units, self._table("changed"))))
        self._count("again", _AGAIN)
        for name, again in (("kept", ""), ("closed", _AGAIN), ("opened", _AGAIN)):
            self._make(name, _replaced(name, again, units.adding))
        for name in units.looking:
            mine = f"(SELECT person FROM touched WHERE {name})"
            self._make(
                _entries(name),
                f"SELECT * FROM {_entries(name)} WHERE person NOT IN {mine} UNION ALL "
                f"SELECT * FROM {_entries(name)}{_AGAIN} WHERE person IN {mine}",
            )
        return self._taken()

    def told(self) -> Steps:
        """Join what was counted, and what is to be kept of it."""
        units, models = self._units, self._models
        for table, some in _worths(units).items():
            values = [worth(self._table(_entries(n)), units.looking[n], n, self._now) for n in some]
            self._make(table, _sql(self._of_everybody(values, some)))
        self._make("left_at", self._left_at())
        self._drop("activities", "again")
        self._make("noted", _noted(self._closed_entries()))
        self._drop(*map(_entries, units.looking))
        self._make("fresh", _fresh(units))
        self._drop("closed", "opened", "left_at", *_worths(units))
        self._make("counted", _counted(units))
        self._drop("kept")
        if len(models.choices) > 1:
            self._make("chosen", _sql(choose(self._table("people"), models)))
        return self._taken()

    def scores(self) -> list[str]:
        """Score everybody a model is for."""
        found = []
        people, counted = self._table("people"), self._table("counted")
        for place, (model, _) in enumerate(self._models):
            scored = score_counted(people, [counted], model, self._units, self._now)
            if len(self._models.choices) > 1:
                mine = self._table("chosen").filter(nw.col("choice") == place)
                scored = scored.join(mine.select("person"), on="person", how="semi")
            found.append(_with_tallies(_sql(scored), self._units))
        return found

    def _count(self, source: str, end: str) -> None:
        """Count activities, those of open days apart; keep those that rules still look at."""
        done, units, time = self._table(source), self._units, nw.col("time")
        parts = {"closed": time < self._since, "opened": time >= self._since}
        for name, part in parts.items():
            frames = adding_frames(done.filter(part), units, self._now)
            columns = [*(["newest"] if units.quiet else []), *units.adding]
            self._make(f"{name}{end}", _sql(self._of_everybody(frames, columns)))
        counted = happened(done, self._now)
        for name, rule in units.looking.items():
            found = entries_of(counted, rule)
            if not end:
                held = self._table("held").filter(nw.col("unit") == name)
                found = nw.concat([held.select("person", "key", "time"), found])
            self._make(f"{_entries(name)}{end}", _sql(needed(found, rule, self._now, self._since)))

    def _of_everybody(self, frames: Sequence[Frame], columns: Iterable[str]) -> Frame:
        made = self._table("people").select("person")
        for frame in frames:
            made = made.join(frame, on="person", how="left")
        return made.select("person", *columns)

    def _left_at(self) -> str:
        """From when on (`until`) the units of a person may count other activities than now."""
        ends = [arrives_at(self._table("activities"), self._units, self._now)]
        ends += [
            leaves_at(self._table(_entries(name)), rule)
            for name, rule in self._units.looking.items()
            if rule.within is not None
        ]
        each = " UNION ALL ".join(f"({_sql(one)})" for one in ends)
        return (
            f"SELECT person, min(until) AS until FROM ({each}) WHERE until > {NOW} GROUP BY person"
        )

    def _closed_entries(self) -> dict[str, str]:
        """Queries, by unit, of the entries of closed days: those of open days are read again."""
        return {
            name: _sql(self._table(_entries(name)).filter(nw.col("time") < self._since))
            for name in self._units.looking
        }

    def _table(self, name: str) -> Frame:
        return nw.from_native(self._duck.table(name))

    def _make(self, name: str, query: str) -> None:
        self._steps.append((name, query))
        make_table(self._duck, name, query)

    def _drop(self, *names: str) -> None:
        """Let tables go that nothing reads from here on: memory is for those that are left."""
        self._steps += [(name, "") for name in names]

    def _taken(self) -> Steps:
        steps, self._steps = self._steps, []
        return steps


def _sql(frame: Frame) -> str:
    return query_of(frame.to_native())


def _entries(column: str) -> str:
    """The table of what a unit looks at."""
    return f"e_{column}"


def _worths(units: Units) -> dict[str, list[str]]:
    """The tables of what entries are worth, each with its columns: DuckDB plans few joins of many
    columns sooner than many joins."""
    names = list(units.looking)
    return {f"worth_{n}": names[n : n + _WIDE] for n in range(0, len(names), _WIDE)}


_HELD = (
    "SELECT person, 'u' || e.u AS unit, e.k AS key, e.t AS time FROM (SELECT person, "
    """unnest(from_json(entries, '[{"u":"BIGINT","k":"VARCHAR","t":"BIGINT"}]')) AS e """
    "FROM tallies WHERE more = 1 AND entries <> '')"
)
"""The entries that were kept, of whom there is more."""


def _told(units: Units) -> str:
    """The sums that were kept; where there is more, those of closed days alone."""
    lists = [
        f"TRY_CAST(string_split({name}, ';') AS DOUBLE[]) AS {name}" for name in ("sums", "open")
    ]
    values = [
        f"coalesce(sums[{n}], 0) + CASE more WHEN 0 THEN coalesce(open[{n}], 0) ELSE 0 END"
        if name in units.adding
        else f"CASE more WHEN 0 THEN sums[{n}] END"
        for n, name in enumerate(units.columns, 1)
    ]
    named = [f"{value} AS {name}" for value, name in zip(values, units.columns, strict=True)]
    return (
        f"SELECT {', '.join(['person', 'more', 'newest', 'age', *named])} FROM (SELECT person, "
        f"more, newest, {NOW} - as_of AS age, {', '.join(lists)} FROM tallies)"
    )


def _touched(units: Units, changed: Frame) -> Frame:
    """Whose units read activities that are not what they were."""
    read = {name: nw.col("type").is_in(list(reads(rule))) for name, rule in units.each()}
    return changed.select("person", **read).group_by("person").agg(nw.col(*read).any())


def _replaced(table: str, again: str, columns: Iterable[str]) -> str:
    """The table with what touched units counted again; without `again` they have nothing there."""
    counted = "r.{0}" if again else "NULL"
    values = ", ".join(
        f"CASE WHEN t.{name} THEN {counted.format(name)} ELSE m.{name} END AS {name}"
        for name in columns
    )
    joined = f" LEFT JOIN {table}{again} r USING (person)" if again else ""
    return (
        f"SELECT m.* {f'REPLACE ({values})' if values else ''} FROM {table} m "
        f"LEFT JOIN touched t USING (person){joined}"
    )


def _noted(entries: Mapping[str, str]) -> str:
    """Entries as text, a line a person."""
    each = [
        f"SELECT person, {name[1:]} AS u, key AS k, time AS t FROM ({query}) WHERE {SLICE}"
        for name, query in entries.items()
    ] or ["SELECT '' AS person, 0 AS u, '' AS k, 0 AS t WHERE false"]
    return (
        f"WITH e AS ({' UNION ALL '.join(each)}), "
        "n AS (SELECT person, count(*) AS n, sum(strlen(k)) AS long FROM e GROUP BY person), "
        f"few AS (SELECT person FROM n WHERE n <= {_MOST} AND long <= {_LONG}) "
        "SELECT person, CAST(to_json(list({'u': u, 'k': k, 't': t})) AS VARCHAR) AS entries "
        "FROM e WHERE person IN (FROM few) GROUP BY person "
        f"UNION ALL SELECT person, '{TOO_MANY}' FROM n WHERE person NOT IN (FROM few)"
    )


def _fresh(units: Units) -> str:
    """Everybody of whom there are no sums, or more than these: with what open days add."""
    place = {name: table for table, names in _worths(units).items() for name in names}
    sums = [
        f"coalesce(c.{name}, 0) + coalesce(k.{name}, 0) AS {name}, "
        f"coalesce(o.{name}, 0) AS {name}{_OPEN}"
        if name in units.adding
        else f"coalesce({place[name]}.{name}, 0) AS {name}, 0.0 AS {name}{_OPEN}"
        for name in units.columns
    ]
    newest = "greatest(c.newest, o.newest, k.newest)" if units.quiet else "CAST(NULL AS BIGINT)"
    told = [f"{newest} AS newest", "l.until"]
    tables = ["kept k", "opened o", "left_at l", *_worths(units)]
    others = " ".join(f"LEFT JOIN {table} USING (person)" for table in tables)
    return (
        f"SELECT c.person, {', '.join([*told, *sums])} FROM closed c {others} "
        "WHERE k.person IS NULL OR k.more = 1"
    )


def _counted(units: Units) -> str:
    """Everybody's units: those just counted, and the sums that were kept."""
    both = [f"{name} + {name}{_OPEN} AS {name}" for name in units.columns]
    fresh, kept = (", ".join(["person", "newest", *some]) for some in (both, units.columns))
    return f"SELECT {fresh} FROM fresh UNION ALL SELECT {kept} FROM kept WHERE more = 0"


def _with_tallies(scored: str, units: Units) -> str:
    spelled = ", ".join(
        f"CASE WHEN f.person IS NOT NULL THEN {_written([f'f.{n}{end}' for n in units.columns])} "
        f"END AS {name}"
        for name, end in (("sums", ""), ("open", _OPEN))
    )
    return (
        f"SELECT s.*, f.newest, f.until, {spelled}, "
        "CASE WHEN f.person IS NOT NULL THEN coalesce(n.entries, '') END AS entries "
        f"FROM ({scored}) s LEFT JOIN fresh f USING (person) LEFT JOIN noted n USING (person)"
    )


def _written(values: list[str]) -> str:
    """Spell numbers as a text, in which those that are 0 are left out.

    Most are; and a row that grows when there is more to it has its page split.
    """
    if not values:
        return "''"
    some = " OR ".join(f"{value} <> 0" for value in values)
    spelled = (
        f"list_transform([{', '.join(values)}], "
        "lambda x: coalesce(CAST(nullif(x, 0) AS VARCHAR), ''))"
    )
    return f"CASE WHEN {some} THEN array_to_string({spelled}, ';') ELSE '' END"
