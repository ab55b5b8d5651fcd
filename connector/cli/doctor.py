"""`leadloop doctor`: is everything there that a run needs?"""

from __future__ import annotations

from pathlib import Path

import click

from connector.cli.options import machine_clock, settings, settings_options
from connector.cli.output import emit

_MARK = {"ok": "ok  ", "look": "look", "fail": "FAIL"}


@click.command()
@settings_options
@click.option(
    "--admin-cli",
    metavar="ALIAS",
    help="Ask Salesforce by this log-in of the sf CLI what our own user may not ask: how leads are "
    "converted. It is kept nowhere.",
)
def doctor(config: Path, profile: str | None, output: str, admin_cli: str | None) -> None:
    """Check settings, secrets, log-in, fields, rights and store, and name the next step.

    Writes nothing.

    \b
    Example:
        leadloop doctor
        leadloop doctor --admin-cli my-admin
    """
    from connector.sync.upkeep.health import examine

    findings = list(examine(settings(config, profile), machine_clock, admin_cli))
    failed = [one for one in findings if one.state == "fail"]

    def tell() -> None:
        for one in findings:
            click.echo(f" {_MARK[one.state]} {one.what:<18} {one.said}")
            if one.fix and one.state != "ok":
                click.echo(f"      next: {one.fix}")
        click.echo(f"{len(findings) - len(failed)} passed, {len(failed)} failed")

    rows = [one._asdict() for one in findings]
    emit(output, "doctor", rows, rows=rows, people=tell, status="failed" if failed else "ok")
    if failed:
        login = any("log-in" in one.what for one in failed)
        raise click.exceptions.Exit(3 if login else 2)
