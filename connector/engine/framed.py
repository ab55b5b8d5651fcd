"""In the scoring process: scores tables read from files by a model, compiled there."""

from __future__ import annotations

from typing import Any

import duckdb
import narwhals as nw

from connector.engine.duck import query_of
from connector.engine.job import Job
from connector.scoring.choice import revived
from connector.scoring.compile import PUBLIC_COLUMNS, score_frame


def score_tables(duck: duckdb.DuckDBPyConnection, job: Job) -> None:
    """Score the tables `people` and `activities` into a file in person order: always the same."""
    people: Any = nw.from_native(duck.sql("SELECT * FROM people"))
    activities: Any = nw.from_native(duck.sql("SELECT * FROM activities"))
    scored = score_frame(people, activities, revived(job.model).default, job.now)
    target = job.out.replace("'", "''")
    form = "PARQUET" if ".parquet" in job.out else "CSV, HEADER"
    columns = "*" if job.source.get("contributions", True) else ", ".join(PUBLIC_COLUMNS)
    query = f"SELECT {columns} FROM ({query_of(scored.to_native())}) ORDER BY person"
    duck.execute(f"COPY ({query}) TO '{target}' (FORMAT {form})")
