"""Writes the invented year as a folder of files, with the broken rows every real export has."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from tests.crash.company import Company

HOSTILE_PEOPLE = (
    b'h001,Robert,"\'; DROP TABLE people; --@x.y",CEO,,de,newsletter,2026-05-05T10:00:00Z,false,New,,,\n',
    b"h002,Nul \x00 Byte,nul@company1.example,CEO,,de,newsletter,2026-05-05T10:00:00Z,false,New,,,\n",
    b"h003,Too few columns\n",
    b"h004,Long,long@company2.example,"
    + b"x" * 2_000_000
    + b",,de,newsletter,2026-05-05T10:00:00Z,false,New,,,\n",
    b"h005,No Zone,zone@company3.example,CEO,,de,newsletter,2026-05-05 10:00,false,New,,,\n",
    b"h006,Latin \xe9,latin@company4.example,CEO,,de,newsletter,2026-05-05T10:00:00Z,false,New,,,\n",
    b'=h007,"=1+1",formula@company5.example,"=cmd|calc",,de,newsletter,2026-05-05T10:00:00Z,false,New,,,\n',
    "h008,مها 🦊,fox@company6.example,CEO,,de,newsletter,2026-05-05T10:00:00Z,false,New,,,\n".encode(),
)
"""Rows that break naive readers; five of them cannot be read and are kept aside."""
HOSTILE_ACTIVITIES = (
    b'{"id": "x1", "person": "nobody-knows", "type": "page_view", "time": "2026-05-05T10:00:00Z"}\n',
    b'{"id": "x2", "person": "p00001", "type": "page_view", "time": "2026-05-05 10:00"}\n',
    b'{"id": "x3", "person": "p00001", "type": \n',
)


def write_folder(company: Company, folder: Path) -> None:
    """Write people, accounts, owners and opportunities as CSV, activities as JSONL."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("accounts", "owners", "opportunities", "people"):
        _csv(folder / f"{name}.csv", getattr(company, name))
    with (folder / "people.csv").open("ab") as file:
        file.writelines(HOSTILE_PEOPLE)
    with (folder / "activities.jsonl").open("wb") as lines:
        lines.writelines(orjson.dumps(row) + b"\n" for row in company.activities)
        lines.writelines(HOSTILE_ACTIVITIES)


def _csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
