"""Scores people as of moments of their own, for backtests."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from connector.domain.moment import Micros
from connector.domain.record import Fields
from connector.engine.duck import open_duck
from connector.engine.job import Job
from connector.engine.pinned import COLUMNS, key_of
from connector.engine.run import run_job
from connector.scoring.choice import Models

_AS_TODAY: Mapping[int, Fields] = {}


class Past(NamedTuple):
    """What the engine says of one moment asked for; `number` counts the moments from 0.

    `newest` is the last activity before it, None without any; `place` that of the model among
    the models.
    """

    number: int
    fit: float
    behaviour: float
    total: float
    score: int
    sales_ready: bool
    disqualified_by: str | None
    fast_track_by: str | None
    newest: Micros | None
    place: int


@contextmanager
def score_moments(
    models: Models,
    moments: Sequence[tuple[str, Micros]],
    *,
    url: str,
    people: str,
    activities: str,
    memory: str = "1400MB",
    then: Mapping[int, Fields] = _AS_TODAY,
) -> Iterator[Iterator[Past]]:
    """Score (person, moment) pairs from activities strictly before each; the order is free.

    Each person is scored by the model that the fields of today choose, and may be asked for
    several times. Whoever the queries do not select is left out. `then` gives the facts of those
    moments, by number, at which they were others than today's.
    """
    with tempfile.TemporaryDirectory(prefix="leadloop-") as name:
        folder = Path(name)
        asked, facts = folder / "moments.csv", folder / "then.csv"
        out = folder / "scored.parquet"
        with asked.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(
                (key_of(number, at), who, at) for number, (who, at) in enumerate(moments)
            )
        fields = models.person_fields()
        with facts.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(
                (key_of(number, moments[number][1]), *_cells(values, fields))
                for number, values in then.items()
            )
        source = {
            "store": url,
            "people": people,
            "activities": activities,
            "fields": fields,
            "moments": str(asked),
            "then": str(facts),
        }
        run_job(Job(source, models.plain(), 0, str(out), memory), folder)
        yield _read(out)


def _cells(facts: Fields, fields: Mapping[str, str]) -> Iterator[str]:
    """The facts that rules read, as the cells of a line; what is of another kind is not known."""
    for name, kind in fields.items():
        value = facts.get(name)
        truth = isinstance(value, bool)
        if value is None or ((kind == "bool") != truth and kind != "any"):
            yield ""
        elif truth:
            yield str(value).lower()
        elif kind == "text":
            yield value if isinstance(value, str) else ""
        elif kind == "number":
            yield repr(float(value)) if isinstance(value, int | float) else ""
        else:
            yield str(value)


def _read(path: Path) -> Iterator[Past]:
    duck = open_duck()
    try:
        quoted = str(path).replace("'", "''")
        rows = duck.execute(f"SELECT {', '.join(COLUMNS)} FROM read_parquet('{quoted}')")
        while page := rows.fetchmany(2_000):
            for key, *values in page:
                yield Past(int(key.partition("|")[2]), *values)
    finally:
        duck.close()
