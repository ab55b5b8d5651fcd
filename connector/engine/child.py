"""The scoring process: reads rows in bulk, scores them, writes Parquet, and ends.

It is a process of its own because the bulk driver carries a second SQLite, whose file locks would
cancel those of the store in the same process and silently lose committed rows.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import duckdb
import narwhals as nw

from connector.engine.duck import open_duck, query_of
from connector.engine.job import Job, load_job, numbered
from connector.errors import LeadloopError
from connector.scoring.choice import revived
from connector.scoring.compile import PUBLIC_COLUMNS, choose, score_frame


def main(path: Path) -> int:
    """Do one job; what goes wrong is one line on stderr and the exit code."""
    job = load_job(path)
    try:
        run(job, path.parent)
    except LeadloopError as error:
        print(f"{error}\n{error.hint or ''}", file=sys.stderr)  # noqa: T201  the parent reads it
        return error.exit_code
    except duckdb.Error as error:
        print(f"{type(error).__name__}: {_safe(error)}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def run(job: Job, folder: Path) -> None:
    """Score what the job names."""
    if "spark" in job.source:
        from connector.engine.spark import score_on_spark  # noqa: PLC0415

        score_on_spark(job)
        return
    duck = open_duck(folder, memory=job.memory)
    if "store" in job.source:
        from connector.engine.bulk import read_store  # noqa: PLC0415  loads the bulk drivers

        read_store(duck, job.source)
    else:
        from connector.engine.tables import read_files  # noqa: PLC0415

        read_files(duck, job.source, revived(job.model).default)
    if "moments" in job.source:
        from connector.engine.pinned import score_as_of  # noqa: PLC0415

        score_as_of(duck, job)
    elif "export" in job.source:
        from connector.engine.export import write_export  # noqa: PLC0415

        write_export(duck, Path(job.source["export"]), job.source["run"])
    else:
        score_tables(duck, job)


def score_tables(duck: duckdb.DuckDBPyConnection, job: Job) -> None:
    """Score the tables `people` and `activities`, and write a file for each model."""
    models = revived(job.model)
    people: Any = nw.from_native(duck.sql("SELECT * FROM people"))
    activities: Any = nw.from_native(duck.sql("SELECT * FROM activities"))
    several = len(models.choices) > 1
    if several:
        choose(people, models).to_native().create("chosen")
    for place, (model, _) in enumerate(models):
        scored = score_frame(people, activities, model, job.now)
        if several:
            mine: Any = nw.from_native(duck.table("chosen")).filter(nw.col("choice") == place)
            scored = scored.join(mine.select("person"), on="person", how="semi")
        _write(duck, query_of(scored.to_native()), job, numbered(job.out, place))


def _write(duck: duckdb.DuckDBPyConnection, query: str, job: Job, out: str) -> None:
    """Write scores; files that people keep are in person order: always the same bytes."""
    target = out.replace("'", "''")
    form = "PARQUET" if ".parquet" in job.out else "CSV, HEADER"
    columns = "*" if job.source.get("contributions", True) else ", ".join(PUBLIC_COLUMNS)
    order = "" if "store" in job.source else " ORDER BY person"
    duck.execute(f"COPY (SELECT {columns} FROM ({query}){order}) TO '{target}' (FORMAT {form})")


def _safe(error: Exception) -> str:
    """The first line of DuckDB's words: columns and types; values come on later lines."""
    return str(error).splitlines()[0][:300]
