"""Compiles models into the SQL of one scoring, so that the process that runs it loads no rules."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import narwhals as nw

from connector.domain.moment import Micros
from connector.engine.duck import make_empty, make_table, open_duck, query_of
from connector.engine.prepared import NOW, Program, columns_of
from connector.scoring.behaviour import aged, unit_frames, valid_until
from connector.scoring.choice import Models
from connector.scoring.compile import choose, score_counted
from connector.scoring.units import Units


def program(models: Models, now: Micros) -> Program:
    """Compile the models for a moment.

    People of whom `tallies` has sums are scored from these, the others from `activities`.
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
        people, activities, tallies = (nw.from_native(duck.table(n)) for n in columns_of(models))
        tables = [("fresh", _fresh(people, activities, tallies, units, now))]
        make_table(duck, *tables[0])
        tables.append(("counted", _counted(duck, units)))
        make_table(duck, *tables[1])
        if len(models.choices) > 1:
            tables.append(("chosen", query_of(choose(people, models).to_native())))
            make_table(duck, *tables[2])
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


def _fresh(people: Any, activities: Any, tallies: Any, units: Units, now: nw.Expr) -> str:
    """Count everybody of whom there are no sums."""
    made = people.select("person").join(tallies.select("person"), on="person", how="anti")
    for frame in unit_frames(activities, units, now):
        made = made.join(frame, on="person", how="left")
    made = made.join(valid_until(activities, units, now), on="person", how="left")
    if not units.quiet:
        made = made.with_columns(nw.lit(None, dtype=nw.Int64).alias("newest"))
    return query_of(made.select("person", "newest", "until", *units.columns).to_native())


def _counted(duck: Any, units: Units) -> str:
    """Everybody's units: those just counted, and the sums that were kept, aged to now."""
    names = ", ".join(["person", "newest", *units.columns])
    split = "CASE WHEN sums <> '' THEN CAST(string_split(sums, ';') AS DOUBLE[]) END AS sums"
    listed = [f"sums[{n}] AS {name}" for n, name in enumerate(units.columns, 1)]
    kept: Any = nw.from_native(
        duck.sql(
            f"SELECT {', '.join(['person', 'newest', f'{NOW} - as_of AS age', *listed])} "
            f"FROM (SELECT person, as_of, newest, {split} FROM tallies)"
        )
    )
    read = kept.select("person", "newest", **aged(units, nw.col("age")))
    return f"SELECT {names} FROM fresh UNION ALL SELECT * FROM ({query_of(read.to_native())})"


def _with_tallies(scored: str, units: Units) -> str:
    values = [f"coalesce(f.{name}, 0)" for name in units.columns]
    some = " OR ".join(f"f.{name} <> 0" for name in units.columns) or "false"
    sums = f"CASE WHEN {some} THEN array_to_string([{', '.join(values)}], ';') ELSE '' END"
    return (
        "SELECT s.*, f.newest, f.until, CASE WHEN f.person IS NOT NULL "
        f"THEN {sums if values else repr('')} END AS sums "
        f"FROM ({scored}) s LEFT JOIN fresh f USING (person)"
    )
