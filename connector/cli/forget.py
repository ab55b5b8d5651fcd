"""`leadloop forget`: erase a person."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from connector.cli.options import machine_clock, settings, settings_options
from connector.cli.output import emit
from connector.errors import UsageError


@click.command()
@click.argument("email", required=False)
@settings_options
@click.option(
    "--allow-return", is_flag=True, help="Take the person in again when the CRM shows them anew."
)
def forget(
    email: str | None, config: Path, profile: str | None, output: str, allow_return: bool
) -> None:
    """Erase the person with this address from the store and its exports, and keep them out.

    Records, activities, addresses, explanations, journal and verdict texts go, the rows in folders
    that `leadloop export` wrote to, and offers that lie ready for partners; counts stay under a
    pseudonym. Left out and to be seen to by hand: the CRM itself, copies you made of files, and
    backups (forget again after bringing one back). Without EMAIL, or with -, one address is read
    from standard input, so that it stands in no shell history.

    \b
    Example:
        leadloop forget < address.txt
    """
    from connector.store.database import open_store
    from connector.store.running import runs
    from connector.sync.opening import alone, routing_in_use
    from connector.sync.upkeep.forget import forget_everywhere

    address = sys.stdin.readline() if email in {None, "-"} else str(email)
    if not address.strip():
        raise UsageError("no address was given", hint="leadloop forget EMAIL, or write it to stdin")
    now = machine_clock()
    loaded = settings(config, profile)
    store = open_store(loaded.store_url())
    try:
        with alone(loaded, store, runs.new_id(now)) as held:
            routing = routing_in_use(loaded, held)
            done = forget_everywhere(loaded, routing, held, address, now, allow_return=allow_return)
    finally:
        store.close()

    def tell() -> None:
        if not done.counts:
            click.echo(" nothing was kept about this address")
        for name, count in done.counts.items():
            click.echo(f" {count:>6,} {name}")
        for said in done.left:
            click.echo(f"Left to you: {said}")
        if done.suppressed:
            click.echo("Kept out from now on. Next: erase the person in the CRM too")
        else:
            click.echo("Not kept out: the next change in the CRM brings the person back")

    data = {"erased": dict(done.counts), "kept_out": done.suppressed}
    emit(output, "forget", data, people=tell, warnings=list(done.left))
