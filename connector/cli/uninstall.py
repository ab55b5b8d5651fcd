"""`leadloop uninstall`: our fields and lists out of the CRM again."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import click

from connector.cli.options import machine_clock, settings, settings_options
from connector.cli.output import emit, table
from connector.errors import UsageError


@click.command()
@click.argument("connection")
@settings_options
@click.option("--plan", "only_plan", is_flag=True, help="Show what would go; take out nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def uninstall(
    connection: str,
    config: Path,
    profile: str | None,
    output: str,
    only_plan: bool,
    yes: bool,
) -> None:
    """Take the fields and lists that install made out of the CRM. What they hold goes with them.

    \b
    Example:
        leadloop uninstall hubspot --plan
    """
    from connector.sync import provision
    from connector.sync.opening import open_sources

    loaded = settings(config, profile)
    with ExitStack() as stack:
        sources = open_sources(loaded, machine_clock, stack)
        source = next((s for s in sources if s.name == connection), None)
        if source is None:
            raise UsageError(
                f"there is no connection `{connection}`",
                hint=f"Connections: {', '.join(s.name for s in sources)}",
            )
        steps = provision.plan_uninstall(source)
        if not only_plan:
            most = max((step.filled for step in steps), default=0)
            if not yes:
                click.confirm(
                    f"Take {sum(s.action == 'archive' for s in steps)} fields out of {connection}? "
                    f"Up to {most:,} records have values in them",
                    abort=True,
                    err=True,
                )
            steps = provision.uninstall(source)
    rows = [
        {
            "connection": connection,
            "object": step.source,
            "field": step.name,
            "filled": step.filled,
            "action": step.action,
            "note": step.note,
        }
        for step in steps
    ]

    def tell() -> None:
        table(rows, ("object", "field", "filled", "action", "note"))
        out = sum(row["action"] == "archive" for row in rows)
        kept = sum(row["action"] == "keep" for row in rows)
        click.echo(f"{out} {'would go' if only_plan else 'taken out'}, {kept} kept")

    emit(output, "uninstall", rows, rows=rows, people=tell)
