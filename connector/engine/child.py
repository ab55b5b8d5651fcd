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

from connector.engine.duck import open_duck
from connector.engine.job import Job, load_job
from connector.errors import LeadloopError
from connector.scoring.compile import score_frame
from connector.scoring.model import revive


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
    duck = open_duck(folder, memory=job.memory)
    if "store" in job.source:
        from connector.engine.bulk import read_store  # noqa: PLC0415  loads the bulk drivers

        read_store(duck, job.source)
    else:
        from connector.engine.tables import read_files  # noqa: PLC0415

        read_files(duck, job.source, revive(job.model))
    score_tables(duck, job)


def score_tables(duck: duckdb.DuckDBPyConnection, job: Job) -> None:
    """Score the tables `people` and `activities`, and write them in person order."""
    model = revive(job.model)
    people: Any = nw.from_native(duck.table("people"))
    activities: Any = nw.from_native(duck.table("activities"))
    score_frame(people, activities, model, job.now).to_native().create("scored")
    target = job.out.replace("'", "''")
    form = "PARQUET" if job.out.endswith(".parquet") else "CSV, HEADER"
    columns = "*" if job.source.get("contributions", True) else _score_columns()
    duck.execute(
        f"COPY (SELECT {columns} FROM scored ORDER BY person) TO '{target}' (FORMAT {form})"
    )


def _score_columns() -> str:
    from connector.scoring.compile import PUBLIC_COLUMNS  # noqa: PLC0415

    return ", ".join(PUBLIC_COLUMNS)


def _safe(error: Exception) -> str:
    """The first line of DuckDB's words: columns and types; values come on later lines."""
    return str(error).splitlines()[0][:300]
