"""`leadloop run`: the whole loop once."""

from __future__ import annotations

from pathlib import Path

import click

from connector.cli.options import loop_options, machine_clock, opened, settings
from connector.cli.output import emit
from connector.cli.telling import EXIT, result_data, tell_result
from connector.cli.watched import watched


@click.command()
@loop_options
@click.option(
    "--no-send",
    is_flag=True,
    help="Plan only; the same as `leadloop plan`, with the approved files.",
)
def run(
    config: Path, profile: str | None, output: str, now: str | None, quiet: bool, no_send: bool
) -> None:
    """Pull, score, decide, write and collect: the job to schedule.

    What the guard lets pass is written; the rest waits for `leadloop apply`. Safe to run twice and
    to stop at any time. While another run is going on it does nothing: status skipped, exit 75.

    \b
    Example:
        leadloop run --quiet -o json
    """
    from connector.sync.run import run as run_loop

    warnings: list[str] = []
    loaded = settings(config, profile)
    with (
        watched(loaded, "run") as seen,
        opened(loaded, command="run", now=now, quiet=quiet, candidate=False, warnings=warnings) as (
            loop,
            _,
        ),
    ):
        seen.run = loop.run
        result = seen.result = run_loop(loop, machine_clock, send=not no_send)
    emit(
        output,
        "run",
        result_data(result),
        people=lambda: tell_result(result),
        run_id=result.run,
        status=result.status,
        warnings=warnings,
    )
    raise click.exceptions.Exit(EXIT[result.status])
