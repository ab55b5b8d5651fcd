"""In the scoring process: people as they looked at moments of their own, from what came before.

Whom to score and when is a CSV file of (key, person, moment). The key begins with the moment, so
that the compiler can read `now` off the person, wherever it has grouped activities: one pass
scores everybody, and days, visits and half-lives are those of any other scoring. Where rules count
what colleagues did, each moment is an account of its own: whom it asks for, and the colleagues as
they looked then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import narwhals as nw

from connector.engine.duck import query_of
from connector.engine.job import Job
from connector.scoring.choice import Models, revived
from connector.scoring.compile import SCORE_COLUMNS, choose, score_frame
from connector.scoring.model import ACCOUNT

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
    "place",
)


def key_of(number: int, at: int) -> str:
    """Make the key of the `number`th moment."""
    return f"{at:0{DIGITS}d}|{number}"


def score_as_of(duck: duckdb.DuckDBPyConnection, job: Job) -> None:
    """Score what `moments` asks for from strictly earlier activities, and write COLUMNS by key."""
    models = revived(job.model)
    _read_moments(duck, job.source["moments"])
    if models.rolls_up:
        _bring_colleagues(duck)
    fields = job.source["fields"]
    _read_then(duck, job.source["then"], fields)
    _pin(duck, list(fields), rolls_up=models.rolls_up)
    _score(duck, models)
    target = job.out.replace("'", "''")
    duck.execute(
        "CREATE TABLE latest AS SELECT person, max(time) AS newest FROM pinned_activities "
        "WHERE NOT machine GROUP BY person"
    )
    duck.execute(
        f"COPY (SELECT {', '.join(COLUMNS)} FROM scored LEFT JOIN latest USING (person) "
        f"SEMI JOIN asked ON asked.key = scored.person ORDER BY person) "
        f"TO '{target}' (FORMAT PARQUET)"
    )


def _score(duck: duckdb.DuckDBPyConnection, models: Models) -> None:
    """Make `scored`: of each row what the model says that is chosen for it, and its `place`."""
    people: Any = nw.from_native(duck.table("pinned_people"))
    activities: Any = nw.from_native(duck.table("pinned_activities"))
    now = nw.col("person").str.slice(0, DIGITS).cast(nw.Int64)
    choose(people, models).to_native().create("chosen")
    names = ", ".join(f"s.{name}" for name in SCORE_COLUMNS)
    for place, (model, _) in enumerate(models):
        scored = query_of(score_frame(people, activities, model, now).to_native())
        begin = "INSERT INTO scored" if place else "CREATE TABLE scored AS"
        duck.execute(
            f"{begin} SELECT {names}, c.choice AS place FROM ({scored}) s "
            f"JOIN chosen c ON c.person = s.person AND c.choice = {place}"
        )


def _read_moments(duck: duckdb.DuckDBPyConnection, path: str) -> None:
    """Make `asked`, and `moments` of the same rows; `moment` is whose account a row belongs to."""
    quoted = path.replace("'", "''")
    duck.execute(
        f"CREATE TABLE asked AS SELECT * FROM read_csv('{quoted}', header = false, "
        "auto_detect = false, delim = ',', quote = '\"', escape = '\"', parallel = false, "
        "columns = {'key': 'VARCHAR', 'who': 'VARCHAR', 'at': 'BIGINT'})"
    )
    duck.execute("CREATE TABLE moments AS SELECT *, key AS moment FROM asked")


_TYPES = {"text": "VARCHAR", "any": "VARCHAR", "number": "DOUBLE", "bool": "BOOLEAN"}


def _read_then(duck: duckdb.DuckDBPyConnection, path: str, fields: Mapping[str, str]) -> None:
    """Make `back`: the facts of those moments at which they were others than today's."""
    quoted = path.replace("'", "''")
    columns = ", ".join(f"'f{n}': '{_TYPES[kind]}'" for n, kind in enumerate(fields.values()))
    duck.execute(
        f"CREATE TABLE back AS SELECT * FROM read_csv('{quoted}', header = false, "
        "auto_detect = false, delim = ',', quote = '\"', escape = '\"', parallel = false, "
        f"nullstr = '', columns = {{'key': 'VARCHAR'{', ' if fields else ''}{columns}}})"
    )


def _bring_colleagues(duck: duckdb.DuckDBPyConnection) -> None:
    duck.execute(
        "INSERT INTO moments SELECT m.key || '|' || q.person, q.person, m.at, m.key FROM asked m "
        f'JOIN people p ON p.person = m.who JOIN people q ON q."{ACCOUNT}" = p."{ACCOUNT}" '
        "WHERE q.person <> p.person"
    )


def _pin(duck: duckdb.DuckDBPyConnection, fields: Sequence[str], *, rolls_up: bool) -> None:
    put = [f'm.moment AS "{ACCOUNT}"'] if rolls_up else []
    for n, name in enumerate(fields):
        if not (rolls_up and name == ACCOUNT):
            doubled = name.replace('"', '""')
            put.append(f'CASE WHEN h.key IS NULL THEN t."{doubled}" ELSE h.f{n} END AS "{doubled}"')
    facts = " LEFT JOIN back h ON h.key = m.key"
    for table, also, join, past in (
        ("people", "".join(f", {one}" for one in put), facts, ""),
        ("activities", "", "", " AND t.time < m.at"),
    ):
        duck.execute(
            f"CREATE TABLE pinned_{table} AS SELECT t.* REPLACE (m.key AS person{also}) "
            f"FROM {table} t JOIN moments m ON m.who = t.person{past}{join}"
        )
