"""What commands print: a table for people, an envelope for programs, CSV for spreadsheets."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Mapping, Sequence
from io import StringIO
from typing import Any

import click
import orjson

from connector.domain.text import inert

Rows = Sequence[Mapping[str, Any]]


def envelope(
    command: str,
    data: Any,
    *,
    run_id: str | None = None,
    status: str = "ok",
    warnings: Sequence[str] = (),
    error: Mapping[str, Any] | None = None,
) -> str:
    """Give the JSON every command answers with; unknown keys are to be ignored by readers."""
    return orjson.dumps(
        {
            "schema": f"leadloop.{command}/1",
            "run_id": run_id,
            "status": status,
            "data": data,
            "warnings": list(warnings),
            "error": error,
        },
        option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS,
    ).decode()


def emit(
    output: str,
    command: str,
    data: Any,
    *,
    people: Callable[[], None],
    rows: Rows | None = None,
    run_id: str | None = None,
    status: str = "ok",
    warnings: Sequence[str] = (),
) -> None:
    """Print a result in the form asked for; `people` prints the one for people."""
    if output == "json":
        click.echo(envelope(command, data, run_id=run_id, status=status, warnings=warnings))
    elif output == "csv":
        click.echo(_csv(rows if rows is not None else [data]), nl=False)
    else:
        people()
    if output != "json":
        for warning in warnings:
            click.echo(f"Warning: {warning}", err=True)


def table(rows: Rows, columns: Sequence[str], *, title: str | None = None) -> None:
    """Print rows aligned under their columns; nothing but the title when there are none."""
    if title:
        click.echo(title)
    if not rows:
        click.echo("  (none)")
        return
    cells = [[_cell(row.get(name)) for name in columns] for row in rows]
    widths = [
        max(len(name), *(len(line[index]) for line in cells)) for index, name in enumerate(columns)
    ]
    click.echo("  " + "  ".join(n.ljust(w) for n, w in zip(columns, widths, strict=True)).rstrip())
    for line in cells:
        click.echo("  " + "  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip())


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = f"{value:g}" if isinstance(value, float) else str(value)
    text = " / ".join(text.splitlines())
    return text if len(text) <= 60 else text[:59] + "…"


def _csv(rows: Rows) -> str:
    out = StringIO()
    names = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        writer.writerow([inert(row.get(name)) for name in names])
    return out.getvalue()


def is_terminal() -> bool:
    """Whether a person watches: progress is drawn for people, log lines are for machines."""
    return sys.stderr.isatty()
