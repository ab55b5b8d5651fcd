"""Writes people and activities as Parquet that a cluster can score: each run only who changed.

    FOLDER/people/run=R/bucket=B/*.parquet      everybody who changed in run R, whole
    FOLDER/activities/run=R/bucket=B/*.parquet  all activities of those people
    FOLDER/prints/R.parquet                     a fingerprint of everybody after run R

The newest run that has a person counts, all of it; a person who is gone has a row that says so.
Buckets are a hash of the person, so that a join needs no shuffle across all files.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from connector.errors import UsageError

BUCKETS = 32


def write_export(duck: duckdb.DuckDBPyConnection, folder: Path, run: str) -> None:
    """Write the tables `people` and `activities` as far as they differ from the last export.

    A folder whose last export has other columns is refused: a model that reads more fields needs
    a folder of its own, or the old one emptied.
    """
    prints = sorted((folder / "prints").glob("*.parquet"))
    _fingerprints(duck)
    fields = _columns(duck, "people")
    if prints:
        _refuse_other_columns(duck, folder, fields)
        duck.execute(f"CREATE TABLE before AS SELECT * FROM read_parquet({_text(prints[-1])})")
    else:
        duck.execute("CREATE TABLE before AS SELECT * FROM after WHERE false")
    duck.execute(
        "CREATE TABLE changed AS SELECT person FROM after a "
        "WHERE NOT EXISTS (SELECT 1 FROM before b WHERE b.person = a.person AND b.print = a.print)"
    )
    _copy(
        duck,
        folder / "people" / f"run={run}",
        f"SELECT {', '.join(_quoted(f) for f in fields)}, false AS gone FROM people "
        "SEMI JOIN changed USING (person) UNION ALL BY NAME "
        "SELECT person, true AS gone FROM before ANTI JOIN after USING (person)",
    )
    _copy(
        duck,
        folder / "activities" / f"run={run}",
        "SELECT * FROM activities SEMI JOIN changed USING (person)",
    )
    (folder / "prints").mkdir(parents=True, exist_ok=True)
    part = folder / "prints" / f"{run}.part"
    duck.execute(f"COPY after TO {_text(part)} (FORMAT PARQUET)")
    part.rename(folder / "prints" / f"{run}.parquet")  # the export counts from here on


def _fingerprints(duck: duckdb.DuckDBPyConnection) -> None:
    """Make `after`: a print of all that is known of each person and of all that each did."""
    duck.execute(
        "CREATE TABLE after AS SELECT p.person, "
        "CAST(hash(p) AS VARCHAR) || '/' || coalesce(CAST(d.print AS VARCHAR), '') AS print "
        "FROM people p LEFT JOIN (SELECT person, sum(hash(a)::HUGEINT) AS print "
        "FROM activities a GROUP BY person) d USING (person)"
    )


def _copy(duck: duckdb.DuckDBPyConnection, target: Path, query: str) -> None:
    target.mkdir(parents=True, exist_ok=True)
    duck.execute(
        f"COPY (SELECT *, hash(person) % {BUCKETS} AS bucket FROM ({query}) ORDER BY person) "
        f"TO {_text(target)} (FORMAT PARQUET, PARTITION_BY (bucket), OVERWRITE_OR_IGNORE)"
    )


def _columns(duck: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    return [row[0] for row in duck.execute(f"DESCRIBE {table}").fetchall()]


def _refuse_other_columns(duck: duckdb.DuckDBPyConnection, folder: Path, fields: list[str]) -> None:
    files = sorted((folder / "people").glob("run=*/bucket=*/*.parquet"))
    if not files:
        return
    held = _columns_of(duck, files[-1]) - {"gone", "bucket", "run"}
    if held != set(fields):
        raise UsageError(
            "the export folder was written for a model that reads other fields",
            hint="Empty the folder, or name another one in `engine.folder`",
        )


def _columns_of(duck: duckdb.DuckDBPyConnection, file: Path) -> set[str]:
    rows = duck.execute(f"DESCRIBE SELECT * FROM read_parquet({_text(file)})").fetchall()
    return {row[0] for row in rows}


def _text(path: Path) -> str:
    doubled = str(path).replace("'", "''")
    return f"'{doubled}'"


def _quoted(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'
