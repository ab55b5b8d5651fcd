"""`leadloop report`: the funnel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from connector.cli.options import settings, settings_options
from connector.cli.output import emit, table


@click.command()
@settings_options
def report(config: Path, profile: str | None, output: str) -> None:
    """The funnel from first contact to won deals, and why leads left it.

    \b
    Example:
        leadloop report -o csv
    """
    from connector.report.figures import funnel_figures
    from connector.store.database import open_store

    store = open_store(settings(config, profile).store_url())
    try:
        data = funnel_figures(store)
    finally:
        store.close()
    emit(output, "report", data, rows=data["stages"], people=lambda: tell(data))


def tell(data: dict[str, Any]) -> None:
    """Print the funnel for people: a bar a stage."""
    most = max((row["cycles"] for row in data["stages"]), default=0)
    for row in data["stages"]:
        bar = "█" * round(30 * row["cycles"] / most) if most else ""
        share = (
            "" if row["of_previous"] is None else f"{row['of_previous']:.1%} of the stage before"
        )
        click.echo(f" {row['stage']:<12} {row['cycles']:>7,}  {bar:<30}  {share}".rstrip())
    if data["reasons"]:
        table(data["reasons"][:8], ("state", "reason", "cycles"), title="Why leads left")
