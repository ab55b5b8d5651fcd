"""The scoring process: reads rows in bulk, scores them, writes Parquet, and ends.

What it runs for the store is SQL that was compiled before, so that it starts without the rooms
that read models.

It is a process of its own because the bulk driver carries a second SQLite, whose file locks would
cancel those of the store in the same process and silently lose committed rows.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb
import orjson

from connector.engine.duck import open_duck, safe_words
from connector.engine.job import FEW, Job, lines_of, load_job, numbered
from connector.engine.making import make_tables
from connector.engine.steps import Program
from connector.errors import LeadloopError


def main(path: Path) -> int:
    """Do one job; what goes wrong is one line on stderr and the exit code."""
    job = load_job(path)
    try:
        run(job, path.parent)
    except LeadloopError as error:
        print(f"{error}\n{error.hint or ''}", file=sys.stderr)  # noqa: T201  the parent reads it
        return error.exit_code
    except duckdb.Error as error:
        print(safe_words(error), file=sys.stderr)  # noqa: T201
        return 1
    return 0


def run(job: Job, folder: Path) -> None:
    """Do what the job names. Each kind loads what it alone needs."""
    if "spark" in job.source:
        from connector.engine.spark import score_on_spark  # noqa: PLC0415

        score_on_spark(job)
        return
    duck = open_duck(folder, memory=job.memory)
    if "store" in job.source:
        from connector.engine.bulk import read_store  # noqa: PLC0415

        read_store(duck, job.source)
    if "scores" in job.source:
        run_program(duck, job)
    elif "moments" in job.source:
        from connector.engine.pinned import score_as_of  # noqa: PLC0415

        score_as_of(duck, job)
    elif "export" in job.source:
        from connector.engine.export import write_export  # noqa: PLC0415

        write_export(duck, Path(job.source["export"]), job.source["run"])
    else:
        from connector.engine.framed import score_tables  # noqa: PLC0415
        from connector.engine.tables import read_files  # noqa: PLC0415
        from connector.scoring.choice import revived  # noqa: PLC0415

        read_files(duck, job.source, revived(job.model).default)
        score_tables(duck, job)


_ROWS = 20_480
"""Rows that are gathered before they are written: each holds a person's entries as text."""


def run_program(duck: duckdb.DuckDBPyConnection, job: Job) -> None:
    """Make the tables of a compiled program, and write the scores of each model."""
    program = Program(*(job.source[part] for part in Program._fields))
    make_tables(duck, program)
    found = duck.execute("SELECT count(*) FROM people").fetchone() or (0,)
    for place, query in enumerate(program.scores):
        target = numbered(job.out, place)
        if found[0] <= FEW:
            rows = duck.execute(f"{query} ORDER BY person").fetchall()
            lines_of(target).write_bytes(b"\n".join(orjson.dumps(row) for row in rows))
            continue
        quoted = target.replace("'", "''")
        duck.execute(f"COPY ({query}) TO '{quoted}' (FORMAT PARQUET, ROW_GROUP_SIZE {_ROWS})")
