"""`leadloop handoffs`: who was given to whom."""

from __future__ import annotations

from pathlib import Path

import click

from connector.cli.options import loop_options, opened, settings, settings_options
from connector.cli.output import emit, table
from connector.domain.moment import format_iso


@click.group()
def handoffs() -> None:
    """Who was given to whom; release people held back on day one.

    \b
    Example:
        leadloop handoffs list
    """


@handoffs.command("list")
@settings_options
def list_handoffs(config: Path, profile: str | None, output: str) -> None:
    """List open hand-offs with their owner and when first contact is due.

    \b
    Example:
        leadloop handoffs list -o csv
    """
    from connector.domain.cycle import State
    from connector.store import cycles
    from connector.store.database import open_store

    store = open_store(settings(config, profile).store_url())
    with store.read() as tx:
        rows = [
            {
                "person": one.person,
                "owner": one.owner,
                "why": one.why,
                "due": format_iso(one.sla_due_at) if one.sla_due_at else None,
            }
            for one in cycles.in_state(tx, State.HANDED_OFF)
        ]
        held = len(cycles.in_state(tx, State.HELD, why="backlog"))
    store.close()
    data = {"open": rows, "backlog": held}

    def tell() -> None:
        table(rows[:50], ("person", "owner", "why", "due"), title=f"{len(rows)} open hand-offs")
        click.echo(f"{held} more wait since day one: leadloop handoffs release --per-day N")

    emit(output, "handoffs", data, rows=rows, people=tell)


@handoffs.command()
@loop_options
@click.option(
    "--per-day", type=click.IntRange(min=1), required=True, help="How many people to let go."
)
def release(
    config: Path, profile: str | None, output: str, now: str | None, quiet: bool, per_day: int
) -> None:
    """Let the best people held back on day one go to sales with the next run.

    \b
    Example:
        leadloop handoffs release --per-day 20
    """
    from connector.sync.hand_off import release as release_backlog

    with opened(
        settings(config, profile),
        command="handoffs release",
        now=now,
        quiet=quiet,
        candidate=False,
        warnings=[],
    ) as (loop, _):
        released, left = release_backlog(loop, per_day)
        run_id = loop.run
    data = {"released": released, "left": left}
    emit(
        output,
        "handoffs",
        data,
        run_id=run_id,
        people=lambda: click.echo(f"{released} released, {left} still wait; next: leadloop run"),
    )
