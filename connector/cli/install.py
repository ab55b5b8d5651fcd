"""`leadloop install`: our fields in the CRM."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import click

from connector.cli.options import machine_clock, settings, settings_options
from connector.cli.output import emit, table
from connector.errors import UsageError


@click.command()
@click.argument("connection", required=False)
@settings_options
@click.option("--plan", "only_plan", is_flag=True, help="Show what would be made; make nothing.")
def install(
    connection: str | None, config: Path, profile: str | None, output: str, only_plan: bool
) -> None:
    """Create the CRM fields the mapping writes to, and lists to work from where the CRM has them.
    Running it again changes nothing.

    \b
    Example:
        leadloop install odoo --plan
    """
    from connector.sync import provision
    from connector.sync.opening import open_sources

    loaded = settings(config, profile)
    with ExitStack() as stack:
        sources = open_sources(loaded, machine_clock, stack)
        chosen = [s for s in sources if connection in {None, s.name}]
        if not chosen:
            raise UsageError(
                f"there is no connection `{connection}`",
                hint=f"Connections: {', '.join(s.name for s in sources)}",
            )
        rows = [
            {
                "connection": source.name,
                "object": step.source,
                "field": step.name,
                "type": step.type.value,
                "action": step.action,
                "note": step.note,
            }
            for source in chosen
            for step in (provision.plan_install(source) if only_plan else provision.install(source))
        ]
        for source in chosen:
            views = provision.plan_views(source, loaded.settings.nurture)
            if not only_plan:
                views = provision.make_views(source, views)
            rows += [
                {
                    "connection": source.name,
                    "object": "list",
                    "field": view.name,
                    "type": view.kind,
                    "action": view.action,
                    "note": view.note,
                }
                for view in views
            ]
    clashes = [row for row in rows if row["action"] == "clash"]

    def tell() -> None:
        table(rows, ("connection", "object", "field", "type", "action", "note"))
        made = sum(row["action"] == "create" for row in rows)
        verb = "would be made" if only_plan else "made"
        by_hand = [row for row in rows if row["action"] == "click"]
        there = len(rows) - made - len(clashes) - len(by_hand)
        left = f", {len(by_hand)} left to you" if by_hand else ""
        click.echo(f"{made} {verb}, {there} there, {len(clashes)} clash{left}")

    emit(output, "install", rows, rows=rows, people=tell, status="failed" if clashes else "ok")
    if clashes:
        raise click.exceptions.Exit(2)
