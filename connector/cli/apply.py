"""`leadloop apply`: write one plan."""

from __future__ import annotations

from pathlib import Path

import click

from connector.cli.options import loop_options, machine_clock, opened, settings
from connector.cli.output import emit
from connector.cli.telling import EXIT, result_data, tell_result
from connector.cli.watched import watched
from connector.errors import UsageError


@click.command()
@click.argument("plan", metavar="PLAN")
@click.option("--approve", is_flag=True, help="Let pass what the guard holds back.")
@loop_options
def apply(
    plan: str,
    approve: bool,
    config: Path,
    profile: str | None,
    output: str,
    now: str | None,
    quiet: bool,
) -> None:
    """Write one plan, exactly as it was shown.

    Refused whole when model, mapping, routing or scope changed since, or when more than one in
    twenty of its records moved in the CRM; fewer moved records are left out and planned anew.

    \b
    Example:
        leadloop apply plan-01kjpwd9hrewbakfq85z --approve
    """
    from connector.store.outgoing.plans import get_plan
    from connector.sync.run import approve_and_apply

    warnings: list[str] = []
    loaded = settings(config, profile)
    with (
        watched(loaded, "apply") as seen,
        opened(
            loaded, command="apply", now=now, quiet=quiet, candidate=True, warnings=warnings
        ) as (loop, _),
    ):
        seen.run = loop.run
        with loop.store.read() as tx:
            found = get_plan(tx, plan)
        if found is None:
            raise UsageError(f"there is no plan {plan}", hint="leadloop plan makes one")
        result = seen.result = approve_and_apply(loop, found, machine_clock, approved=approve)
    emit(
        output,
        "apply",
        result_data(result),
        people=lambda: tell_result(result),
        run_id=result.run,
        status=result.status,
        warnings=warnings,
    )
    raise click.exceptions.Exit(EXIT[result.status])
