"""Compiles models into the SQL of one scoring, so that the process that runs it loads no rules."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import narwhals as nw

from connector.domain.moment import Micros
from connector.domain.tally import open_since
from connector.engine.duck import make_empty, make_table, open_duck, query_of
from connector.engine.prepared import NOW, Program, columns_of
from connector.scoring.behaviour import aged, unit_frames, valid_until
from connector.scoring.choice import Models
from connector.scoring.compile import choose, score_counted
from connector.scoring.units import Units


def program(models: Models, now: Micros) -> Program:
    """Compile the models for a moment.

    People of whom `tallies` has sums are scored from these, and from what open days add.
    """
    return compiled(models).at(now)


@lru_cache(maxsize=8)
def compiled(models: Models) -> Program:
    """Compile the models for any moment: NOW stands where it belongs."""
    units, now = models.units(), nw.lit(NOW)
    duck = open_duck()
    try:
        for name, columns in columns_of(models).items():
            make_empty(duck, name, columns)
        people: Any = nw.from_native(duck.table("people"))
        tables: list[tuple[str, str]] = []

        def make(name: str, query: str) -> None:
            tables.append((name, query))
            make_table(duck, name, query)

        make("kept", _kept(duck, units))
        done: Any = nw.from_native(duck.table("activities"))
        make("done", _done(people, done, units, now))
        make("opened", _opened(people, done, units, now))
        make("fresh", _fresh(units))
        make("counted", _counted(units))
        if len(models.choices) > 1:
            make("chosen", query_of(choose(people, models).to_native()))
        counted: Any = nw.from_native(duck.table("counted"))
        scores = []
        for place, (model, _) in enumerate(models):
            scored = score_counted(people, [counted], model, units, now)
            if len(models.choices) > 1:
                mine: Any = nw.from_native(duck.table("chosen")).filter(nw.col("choice") == place)
                scored = scored.join(mine.select("person"), on="person", how="semi")
            scores.append(_with_tallies(query_of(scored.to_native()), units))
    finally:
        duck.close()
    return Program(tables, scores)


_NOTHING = 1e-12
"""What may be left of a sum when all of it was taken away."""


def _kept(duck: Any, units: Units) -> str:
    """The sums that were kept, aged to now; where there is more, without those of open days."""
    lists = [
        f"TRY_CAST(string_split({name}, ';') AS DOUBLE[]) AS {name}" for name in ("sums", "open")
    ]
    taken = "CASE WHEN more = 1 THEN coalesce(open[{n}], 0) ELSE 0 END"  # what is 0 is not written
    rest = [f"sums[{n}] - {taken.format(n=n)} AS {name}" for n, name in enumerate(units.columns, 1)]
    told = ["person", "more", "newest", "until"]
    found: Any = nw.from_native(
        duck.sql(
            f"SELECT {', '.join([*told, f'{NOW} - as_of AS age', *rest])} "
            f"FROM (SELECT {', '.join([*told, 'as_of', *lists])} FROM tallies)"
        )
    )
    left = [nw.when(nw.col(n) > _NOTHING).then(nw.col(n)).alias(n) for n in units.columns]
    rested = found.select(*told, "age", *left)
    return query_of(rested.select(*told, **aged(units, nw.col("age"))).to_native())


def _done(people: Any, activities: Any, units: Units, now: nw.Expr) -> str:
    """Count what everybody did, of the activities there are."""
    made = _counting(people, activities, units, now)
    made = made.join(valid_until(activities, units, now), on="person", how="left")
    if not units.quiet:
        made = made.with_columns(nw.lit(None, dtype=nw.Int64).alias("newest"))
    return query_of(made.select("person", "newest", "until", *units.columns).to_native())


def _opened(people: Any, activities: Any, units: Units, now: nw.Expr) -> str:
    """Count what everybody did on days that are open now."""
    recent = activities.filter(nw.col("time") >= open_since(now))
    made = _counting(people, recent, units, now)
    return query_of(made.select("person", *units.columns).to_native())


def _counting(people: Any, activities: Any, units: Units, now: nw.Expr) -> Any:
    """Everybody with the columns of their units; nothing is 0."""
    made = people.select("person")
    for frame in unit_frames(activities, units, now):
        made = made.join(frame, on="person", how="left")
    return made


def _fresh(units: Units) -> str:
    """Everybody of whom there are no sums, or more than these: with what open days add."""
    names = units.columns
    sums = [f"coalesce(d.{name}, 0) + coalesce(k.{name}, 0) AS {name}" for name in names]
    adding = units.sums
    opened = [
        f"{f'coalesce(o.{name}, 0)' if name in adding else '0.0'} AS {name}{_OPEN}"
        for name in names
    ]
    told = ["greatest(d.newest, k.newest) AS newest", "least(d.until, k.until) AS until"]
    return (
        f"SELECT d.person, {', '.join([*told, *sums, *opened])} FROM done d "
        "LEFT JOIN kept k USING (person) LEFT JOIN opened o USING (person) "
        "WHERE k.person IS NULL OR k.more = 1"
    )


_OPEN = "_open"
"""Ends the name of a unit's column that holds what open days add."""


def _counted(units: Units) -> str:
    """Everybody's units: those just counted, and the sums that were kept."""
    names = ", ".join(["person", "newest", *units.columns])
    return f"SELECT {names} FROM fresh UNION ALL SELECT {names} FROM kept WHERE more = 0"


def _with_tallies(scored: str, units: Units) -> str:
    written = [_written([f"f.{n}{end}" for n in units.columns]) for end in ("", _OPEN)]
    return (
        f"SELECT s.*, f.newest, f.until, CASE WHEN f.person IS NOT NULL THEN {written[0]} END "
        f"AS sums, CASE WHEN f.person IS NOT NULL THEN {written[1]} END AS open "
        f"FROM ({scored}) s LEFT JOIN fresh f USING (person)"
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
