"""Writes what analysts read, one file a view: CSV for spreadsheets, or Parquet with types."""

from __future__ import annotations

import csv
import tempfile
from pathlib import Path
from typing import Literal

from sqlalchemy import Connection

from connector.domain.text import inert
from connector.engine.analysts import to_parquet
from connector.store.agreed import views
from connector.store.agreed.views import View
from connector.store.database import Store


def export_views(
    store: Store, folder: Path, form: Literal["csv", "parquet"]
) -> list[tuple[str, int]]:
    """Write every view into `folder`, as of one moment; gives each file's name and rows.

    A file appears under its name when it is whole. In CSV, text that a spreadsheet would run as a
    formula is quoted by an apostrophe; Parquet holds every value as it is.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    with store.read() as tx, tempfile.TemporaryDirectory(dir=folder, prefix=".part-") as place:
        for view in views.VIEWS:
            target = folder / f"{view.name}.{form}"
            part = Path(place) / f"{view.name}.csv"
            count = _write(tx, view, part, safe=form == "csv")
            if form == "parquet":
                typed = Path(place) / target.name
                to_parquet(part, {name: kind for name, kind, _ in view.columns}, typed)
                part = typed
            part.replace(target)
            written.append((target.name, count))
    return written


def _write(tx: Connection, view: View, path: Path, *, safe: bool) -> int:
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([name for name, _, _ in view.columns])
        for row in views.rows(tx, view):
            writer.writerow([_cell(value, safe=safe) for value in row])
            count += 1
    return count


def _cell(value: object, *, safe: bool) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    return inert(value) if safe else value
