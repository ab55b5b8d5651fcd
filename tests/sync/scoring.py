"""The same scoring without a process of its own, for tests of what happens around it."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from functools import cache
from itertools import count
from pathlib import Path

from connector.engine.child import run_program
from connector.engine.duck import open_duck
from connector.engine.job import Job
from connector.engine.prepared import columns_of
from connector.engine.program import compiled
from connector.engine.run import ScoredFile
from connector.engine.small import fill
from connector.store.database import open_store

_NUMBERS = count()


class NoScorer:
    """Stands in for a scoring process that waits."""

    def __init__(self, url=""):
        pass

    def close(self):
        pass


@contextmanager
def score_here(
    models,
    now,
    *,
    url,
    queries,
    memory="2GB",
    scorer=None,
    program=None,
):
    """Stands in for `score_store`: the same queries and program, run in this process."""
    store, duck, name = open_store(url), _duck(os.getpid()).cursor(), f"job{next(_NUMBERS)}"
    duck.execute(f"ATTACH ':memory:' AS {name}")
    duck.execute(f"USE {name}")
    try:
        with store.read() as tx:
            for table, columns in columns_of(models).items():
                rows = tx.exec_driver_sql(queries[table]) if table in queries else ()
                fill(duck, table, columns, [_typed(r._mapping, columns) for r in rows if r.person])
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "scored.parquet"
            run_program(
                duck, Job((program or compiled(models)).at(now)._asdict(), {}, now, str(out))
            )
            yield ScoredFile(out, models)
    finally:
        duck.execute("USE memory")
        duck.execute(f"DETACH {name}")
        duck.close()
        store.close()


@cache
def _duck(_process):
    """DuckDB, with a database for each job: to open it takes longer than to score a handful."""
    duck = open_duck()
    duck.execute("SET threads = 1")  # sums are added in one order, so that runs are equal exactly
    return duck


def _typed(row, columns):
    return {
        n: bool(v) if columns.get(n) == "BOOLEAN" and v is not None else v for n, v in row.items()
    }
