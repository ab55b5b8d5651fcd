"""Compares what a pull stored with what the CRM was rendered from: every id, every value."""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from contextlib import closing
from hashlib import blake2b
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.crm_rows import contact, contact_id, lead, lead_id


def main(folder: Path, kind: str, rows: int) -> None:
    """Print the row count and the checksum; end with 1 where they are not as they should be."""
    of_row, of_id = (lead, lead_id) if kind == "salesforce" else (contact, contact_id)
    wanted = blake2b()
    for n in range(rows):
        row = of_row(n)
        wanted.update(_line(of_id(n), *_values(kind, row.get("properties", row))))
    held = blake2b()
    count = 0
    with closing(_opened(folder)) as store:
        for ident, doc in sorted(store.execute("SELECT id, doc FROM record WHERE NOT gone")):
            count += 1
            said = json.loads(doc)
            names = ("name", "email", "title", "company", "country", "opted_out")
            held.update(_line(ident, *(said[name] for name in names)))
        aside = store.execute("SELECT count(*) FROM quarantine").fetchone()[0]
    if (count, aside, held.digest()) != (rows, 0, wanted.digest()):
        raise SystemExit(f"stored {count} of {rows} rows, {aside} kept aside, or other values")
    print(json.dumps({"rows": count, "checksum": held.hexdigest()[:16]}))


def _opened(folder: Path) -> Any:
    url = os.environ.get("BENCH_STORE")
    return psycopg.connect(url) if url else sqlite3.connect(folder / "s.db")


def _values(kind: str, row: dict[str, object]) -> tuple[object, ...]:
    if kind == "salesforce":
        names = ("Name", "Email", "Title", "Company", "Country", "HasOptedOutOfEmail")
        return tuple(row[name] for name in names)
    name = f"{row['firstname']} {row['lastname']}"
    out = {"true": True, None: None}[row["hs_email_optout"]]  # type: ignore[index]
    return (name, row["email"], row["jobtitle"], row["company"], row["country"], out)


def _line(*values: object) -> bytes:
    return json.dumps(values).encode() + b"\n"


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
