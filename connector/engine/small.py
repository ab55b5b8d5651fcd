"""Scores a handful of rows in this process, for scenarios and checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import narwhals as nw

from connector.domain.moment import Micros
from connector.domain.score import Score
from connector.engine.duck import make_empty, open_duck
from connector.engine.prepared import TYPES
from connector.scoring.compile import SCORE_COLUMNS, score_frame
from connector.scoring.model import Model

_ACTIVITY = {
    "person": "VARCHAR",
    "id": "VARCHAR",
    "type": "VARCHAR",
    "time": "BIGINT",
    **dict.fromkeys(("url", "asset", "campaign", "form", "channel", "visit"), "VARCHAR"),
    "machine": "BOOLEAN",
}


def score_rows(
    model: Model,
    people: Sequence[Mapping[str, Any]],
    activities: Sequence[Mapping[str, Any]],
    now: Micros,
) -> list[tuple[Score, dict[str, float]]]:
    """Score rows as the scoring process scores tables; gives scores and raw points, by person."""
    columns = {"person": "VARCHAR"}
    columns |= {name: TYPES[kind] for name, kind in model.person_fields().items()}
    duck = open_duck()
    try:
        fill(duck, "people", columns, people)
        fill(duck, "activities", _ACTIVITY, activities)
        persons: Any = nw.from_native(duck.table("people"))
        events: Any = nw.from_native(duck.table("activities"))
        result = score_frame(persons, events, model, now).to_native().order("person")
        names = result.columns
        width = len(SCORE_COLUMNS)
        return [
            (Score(*row[:width]), dict(zip(names[width:], row[width:], strict=True)))
            for row in result.fetchall()
        ]
    finally:
        duck.close()


def fill(
    duck: Any, table: str, columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]]
) -> None:
    """Make a table of these columns, each with its type, and put rows into it."""
    make_empty(duck, table, columns)
    if rows:
        marks = ", ".join("?" for _ in columns)
        values = [[_typed(row.get(name), kind) for name, kind in columns.items()] for row in rows]
        duck.executemany(f"INSERT INTO {table} VALUES ({marks})", values)


def _typed(value: Any, kind: str) -> Any:
    """A value of another kind than rules read it as is unknown to them."""
    match kind:
        case "DOUBLE":
            number = isinstance(value, int | float) and not isinstance(value, bool)
            return float(value) if number else None
        case "BOOLEAN":
            return value if isinstance(value, bool) else None
        case "VARCHAR":
            return None if value is None else str(value)
    return value
