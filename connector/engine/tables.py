"""Reads people and activities from CSV or Parquet files into typed, normalised tables."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import duckdb

from connector.domain.moment import parse_iso
from connector.domain.text import normalise
from connector.errors import UsageError
from connector.scoring.derived import FROM, derive
from connector.scoring.model import ACCOUNT, Model

_WHOLE = "regexp_full_match(value, '-?[0-9]{1,18}')"
_NUMBERS = {"DOUBLE", "BIGINT", "INTEGER", "SMALLINT", "TINYINT"}
_TRUTHS = "('true', 'yes', '1', 't', 'y')"


def read_files(duck: duckdb.DuckDBPyConnection, source: dict[str, Any], model: Model) -> None:
    """Fill the tables `people` and `activities`."""
    people = Path(source["people"])
    _load(duck, people, "raw_people", {"person"})
    _people(duck, people.name, model)
    if source["activities"] is None:
        duck.execute(
            "CREATE TABLE raw_activities AS "
            "SELECT '' person, '' id, '' type, 0::BIGINT time WHERE false"
        )
        name = "activities"
    else:
        path = Path(source["activities"])
        name = path.name
        _load(duck, path, "raw_activities", {"person", "id", "type", "time"})
    _activities(duck, name, model)


def _load(duck: duckdb.DuckDBPyConnection, path: Path, table: str, needed: set[str]) -> None:
    if not path.is_file():
        raise UsageError(f"there is no file {path}", hint="Check --people and --activities")
    quoted = str(path).replace("'", "''")
    parquet = path.suffix == ".parquet"
    reader = f"read_parquet('{quoted}')" if parquet else _csv(path, quoted)
    kind = "VIEW" if parquet else "TABLE"  # Parquet is read where it lies, as often as need be
    try:
        duck.execute(f"CREATE {kind} {table} AS SELECT * FROM {reader}")
    except duckdb.Error as error:
        line = next((w for w in str(error).splitlines() if "Line:" in w), "")
        raise UsageError(
            f"{path.name} cannot be read as {path.suffix[1:].upper()}: "
            f"{type(error).__name__} {line}".strip(),
            hint="Mend that line, or quote the value",
        ) from None
    names = {row[0] for row in duck.execute(f"DESCRIBE {table}").fetchall()}
    missing = sorted(needed - names)
    if missing:
        raise UsageError(
            f"{path.name} has no column `{missing[0]}`",
            hint=f"It needs: {', '.join(sorted(needed))}",
        )


def _csv(path: Path, quoted: str) -> str:
    """Read every column as text under the header's names; nothing about the file is guessed."""
    with path.open(encoding="utf-8-sig", newline="", errors="replace") as file:
        names = next(csv.reader(file), [])
    if not names or len(set(names)) != len(names):
        raise UsageError(
            f"{path.name}:1: the header is empty or names a column twice",
            hint="Give the file one line of column names, each once",
        )
    columns = ", ".join("'" + name.replace("'", "''") + "': 'VARCHAR'" for name in names)
    return (
        f"read_csv('{quoted}', auto_detect=false, columns={{{columns}}}, header=true, delim=',', "
        "quote='\"', escape='\"', strict_mode=true, max_line_size=1000000)"
    )


def _people(duck: duckdb.DuckDBPyConnection, name: str, model: Model) -> None:
    held = {row[0]: row[1] for row in duck.execute("DESCRIBE raw_people").fetchall()}
    twice = duck.execute(
        "SELECT count(*) FROM (SELECT person FROM raw_people GROUP BY 1 HAVING count(*) > 1)"
    ).fetchone()
    if twice and twice[0]:
        raise UsageError(f"{name}: {twice[0]} people stand there twice", hint="Give each one row")
    columns = ["CAST(person AS VARCHAR) AS person"]
    if model.rolls_up and ACCOUNT not in held:
        raise UsageError(
            f"{name} has no column `{ACCOUNT}`, which rules about colleagues need",
            hint="Add it: the same text for all people of one account",
        )
    for field, kind in model.person_fields().items():
        columns.append(f"{_person_value(duck, name, field, kind, held)} AS {_quoted(field)}")
    _make(duck, "people", f"SELECT {', '.join(columns)} FROM raw_people WHERE person IS NOT NULL")


def _make(duck: duckdb.DuckDBPyConnection, name: str, query: str) -> None:
    """Make a view; a table where values are translated, so that it is done once."""
    kind = "TABLE" if "FROM lookup_" in query or "FROM times" in query else "VIEW"
    duck.execute(f"CREATE {kind} {name} AS {query}")


def _person_value(
    duck: duckdb.DuckDBPyConnection, name: str, field: str, kind: str, held: Mapping[str, str]
) -> str:
    if field not in held:
        origin = _origin(field, held)
        if origin is not None:
            return _translated(duck, origin, lambda text: _derived(text, field))
        return {"number": "CAST(NULL AS DOUBLE)", "bool": "CAST(NULL AS BOOLEAN)"}.get(
            kind, "CAST(NULL AS VARCHAR)"
        )
    text = f"trim(CAST({_quoted(field)} AS VARCHAR))"
    match kind:
        case "number" if held[field] in _NUMBERS:
            number = f"CAST({_quoted(field)} AS DOUBLE)"
            return f"CASE WHEN isfinite({number}) THEN {number} END"
        case "number":
            _refuse_bad_numbers(duck, name, field, text)
            number = f"TRY_CAST({text} AS DOUBLE)"
            return f"CASE WHEN isfinite({number}) THEN {number} END"
        case "bool":
            return f"CASE WHEN {text} = '' THEN NULL ELSE lower({text}) IN {_TRUTHS} END"
        case "any":
            return f"nullif({text}, '')"
    return _translated(duck, field, normalise)


def _origin(field: str, held: Mapping[str, str]) -> str | None:
    """The column a derived field comes from: for region and size, the account's before the own."""
    origin = FROM.get(field)
    return next((name for name in (f"account.{origin}", origin) if name in held), None)


def _derived(text: str, field: str) -> Any:
    origin = FROM[field]
    try:
        value: Any = float(text) if origin == "employees" else text
    except ValueError:
        return None
    return derive({origin: value}).get(field)


def _refuse_bad_numbers(duck: duckdb.DuckDBPyConnection, name: str, field: str, text: str) -> None:
    bad = duck.execute(
        f"SELECT row FROM (SELECT row_number() OVER () AS row, {text} AS value FROM raw_people) "
        "WHERE value <> '' AND TRY_CAST(value AS DOUBLE) IS NULL ORDER BY row LIMIT 1"
    ).fetchone()
    if bad:
        raise UsageError(
            f"{name}: row {bad[0]}: `{field}` should be a number",
            hint="Mend the value, or leave it empty",
        )


def _translated(
    duck: duckdb.DuckDBPyConnection,
    column: str,
    change: Callable[[str], Any],
    table: str = "raw_people",
) -> str:
    """Translate a text column value by value in Python, once for each distinct one."""
    texts = duck.execute(
        f"SELECT DISTINCT CAST({_quoted(column)} AS VARCHAR) FROM {table}"
    ).fetchall()
    pairs = [(text, change(text) or None) for (text,) in texts if text is not None]
    held = f"CAST({table}.{_quoted(column)} AS VARCHAR)"
    changed = [before for before, after in pairs if before != after]
    if not changed:
        return held
    if changed == [""]:
        return f"nullif({held}, '')"
    number = duck.execute("SELECT count(*) FROM duckdb_tables()").fetchone() or (0,)
    lookup = f"lookup_{number[0]}"
    duck.execute(f"CREATE TABLE {lookup} (before VARCHAR, after VARCHAR)")
    _insert(duck, lookup, pairs)
    return f"(SELECT any_value(after) FROM {lookup} WHERE before = {held})"


def _insert(duck: duckdb.DuckDBPyConnection, table: str, pairs: Iterable[tuple[Any, Any]]) -> None:
    rows = list(pairs)
    for start in range(0, len(rows), 100_000):
        some = rows[start : start + 100_000]
        duck.execute(
            f"INSERT INTO {table} SELECT unnest(?::VARCHAR[]), unnest(?::VARCHAR[])",
            [[before for before, _ in some], [after for _, after in some]],
        )


def _activities(duck: duckdb.DuckDBPyConnection, name: str, model: Model) -> None:
    """Make `activities` with the columns the model reads: as a view where nothing is translated."""
    held = {row[0]: row[1] for row in duck.execute("DESCRIBE raw_activities").fetchall()}
    columns = ["CAST(person AS VARCHAR) AS person", f"{_time(duck, name, held['time'])} AS time"]
    for text in ("type", *sorted(model.activity_columns())):
        value = (
            _translated(duck, text, normalise, "raw_activities")
            if text in held
            else "CAST(NULL AS VARCHAR)"
        )
        columns.append(f"{value} AS {text}")
    if held.get("machine") == "BOOLEAN":
        machine = "coalesce(machine, false)"
    elif "machine" in held:
        machine = f"coalesce(lower(trim(CAST(machine AS VARCHAR))) IN {_TRUTHS}, false)"
    else:
        machine = "false"
    columns.append(f"{machine} AS machine")
    _make(duck, "activities", f"SELECT {', '.join(columns)} FROM raw_activities")


def _time(duck: duckdb.DuckDBPyConnection, name: str, kind: str) -> str:
    """Times as microseconds: whole numbers are taken as such, texts must name their zone."""
    if kind in {"BIGINT", "INTEGER"} or kind.startswith("TIMESTAMP WITH TIME ZONE"):
        missing = duck.execute("SELECT count(*) FROM raw_activities WHERE time IS NULL").fetchone()
        if missing and missing[0]:
            raise UsageError(
                f"{name}: {missing[0]} rows have no `time`", hint="Give each activity its time"
            )
        return "CAST(time AS BIGINT)" if kind in {"BIGINT", "INTEGER"} else "epoch_us(time)"
    texts = duck.execute(
        "SELECT min(row), value FROM (SELECT row_number() OVER () AS row, "
        "trim(CAST(time AS VARCHAR)) AS value FROM raw_activities) "
        f"WHERE value IS NULL OR NOT {_WHOLE} GROUP BY value"
    ).fetchall()
    pairs = []
    for row, text in sorted(texts, key=lambda pair: pair[0]):
        try:
            pairs.append((text, str(parse_iso(text))))
        except (ValueError, TypeError):
            raise UsageError(
                f"{name}: row {row}: `time` should be a time with its zone, such as "
                "2026-11-24T09:30:00Z, or microseconds since 1970",
                hint="Mend the value",
            ) from None
    duck.execute("CREATE TABLE times (before VARCHAR, after VARCHAR)")
    _insert(duck, "times", pairs)
    text = "trim(CAST(raw_activities.time AS VARCHAR))"
    told = f"(SELECT any_value(after) FROM times WHERE before = {text})"
    whole = _WHOLE.replace("value", text)
    return f"CASE WHEN {whole} THEN CAST({text} AS BIGINT) ELSE CAST({told} AS BIGINT) END"


def _quoted(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'
