"""`leadloop dispositions`: what sales decided."""

from __future__ import annotations

from pathlib import Path

import click

from connector.cli.options import settings, settings_options
from connector.cli.output import emit, table
from connector.domain.moment import format_iso


@click.command()
@settings_options
@click.option("--limit", default=50, show_default=True, help="How many, newest first.")
def dispositions(config: Path, profile: str | None, output: str, limit: int) -> None:
    """What sales decided, and why, newest first.

    \b
    Example:
        leadloop dispositions --limit 10
    """
    from connector.store import cycles
    from connector.store.database import open_store

    store = open_store(settings(config, profile).store_url())
    with store.read() as tx:
        rows = [
            {**row, "at": format_iso(row["at"] // 1_000_000 * 1_000_000)}
            for row in cycles.dispositions(tx, limit)
        ]
    store.close()
    columns = ("at", "verdict", "reason", "person", "by")
    emit(output, "dispositions", rows, rows=rows, people=lambda: table(rows, columns))
