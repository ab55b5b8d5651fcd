"""In the scoring process: people as they looked at moments of their own, from what came before.

Whom to score and when is a CSV file of (key, person, moment). The key begins with the moment, so
that the compiler can read `now` off the person, wherever it has grouped activities: one pass
scores everybody, and days, visits and half-lives are those of any other scoring.
"""

from __future__ import annotations

from typing import Any

import duckdb
import narwhals as nw

from connector.engine.job import Job
from connector.scoring.compile import score_frame
from connector.scoring.model import revive

DIGITS = 19
COLUMNS = (
    "person",
    "fit",
    "behaviour",
    "total",
    "score",
    "sales_ready",
    "disqualified_by",
    "fast_track_by",
    "newest",
)


def key_of(number: int, at: int) -> str:
    """Make the key of the `number`th moment."""
    return f"{at:0{DIGITS}d}|{number}"


def score_as_of(duck: duckdb.DuckDBPyConnection, job: Job) -> None:
    """Score what `moments` asks for from strictly earlier activities, and write COLUMNS by key."""
    model = revive(job.model)
    _pin(duck, job.source["moments"])
    people: Any = nw.from_native(duck.table("pinned_people"))
    activities: Any = nw.from_native(duck.table("pinned_activities"))
    now = nw.col("person").str.slice(0, DIGITS).cast(nw.Int64)
    score_frame(people, activities, model, now).to_native().create("scored")
    target = job.out.replace("'", "''")
    duck.execute(
        "CREATE TABLE latest AS SELECT person, max(time) AS newest FROM pinned_activities "
        "WHERE NOT machine GROUP BY person"
    )
    duck.execute(
        f"COPY (SELECT {', '.join(COLUMNS)} FROM scored LEFT JOIN latest USING (person) "
        f"ORDER BY person) TO '{target}' (FORMAT PARQUET)"
    )


def _pin(duck: duckdb.DuckDBPyConnection, path: str) -> None:
    quoted = path.replace("'", "''")
    duck.execute(
        f"CREATE TABLE moments AS SELECT * FROM read_csv('{quoted}', header = false, "
        "auto_detect = false, delim = ',', quote = '\"', escape = '\"', parallel = false, "
        "columns = {'key': 'VARCHAR', 'who': 'VARCHAR', 'at': 'BIGINT'})"
    )
    for table, past in (("people", ""), ("activities", " AND t.time < m.at")):
        duck.execute(
            f"CREATE TABLE pinned_{table} AS SELECT t.* REPLACE (m.key AS person) "
            f"FROM {table} t JOIN moments m ON m.who = t.person{past}"
        )
