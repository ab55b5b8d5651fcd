"""Takes people out of files that were exported: Parquet and CSV with a column `person`."""

from __future__ import annotations

import csv
from collections.abc import Collection
from pathlib import Path

from connector.engine.duck import open_duck
from connector.points import point

_PARQUET = (
    "people/run=*/bucket=*/*.parquet",
    "activities/run=*/bucket=*/*.parquet",
    "prints/*.parquet",
    "views/*.parquet",
)
_CSV = "views/*.csv"


def erase_people(folder: Path, people: Collection[str]) -> int:
    """Rewrite each file of an export that has rows of these people, without them; gives how many
    rows went. A file appears whole or not at all, so it may be told again.

    Raises OSError where a file cannot be written.
    """
    found = sum(_from_csv(file, people) for file in sorted(folder.glob(_CSV)))
    return found + sum(
        _from_parquet(file, people) for form in _PARQUET for file in sorted(folder.glob(form))
    )


def _from_csv(file: Path, people: Collection[str]) -> int:
    with file.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.reader(lines))
    if not rows or "person" not in rows[0]:
        return 0
    place = rows[0].index("person")
    kept = [row for row in rows if len(row) <= place or row[place] not in people]
    if len(kept) == len(rows):
        return 0
    draft = _draft(file)
    with draft.open("w", encoding="utf-8", newline="") as lines:
        csv.writer(lines, lineterminator="\n").writerows(kept)
    _put(draft, file)
    return len(rows) - len(kept)


def _from_parquet(file: Path, people: Collection[str]) -> int:
    duck = open_duck()
    try:
        source = f"read_parquet({_text(str(file))}, hive_partitioning = false)"
        columns = {row[0] for row in duck.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}
        if "person" not in columns:
            return 0
        theirs = f"person IN ({', '.join(map(_text, sorted(people)))})"
        (count,) = duck.execute(f"SELECT count(*) FROM {source} WHERE {theirs}").fetchall()[0]
        if count:
            draft = _draft(file)
            duck.execute(
                f"COPY (SELECT * FROM {source} WHERE NOT coalesce({theirs}, false)) "
                f"TO {_text(str(draft))} (FORMAT PARQUET)"
            )
            _put(draft, file)
        return int(count)
    finally:
        duck.close()


def _draft(file: Path) -> Path:
    return file.with_name(f".{file.name}.new")  # a dot: no pattern of an export finds it


def _put(draft: Path, file: Path) -> None:
    point("file.before")
    draft.replace(file)
    point("file.after")


def _text(value: str) -> str:
    doubled = value.replace("'", "''")
    return f"'{doubled}'"
