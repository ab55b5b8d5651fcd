"""`leadloop dispositions`: what sales decided, entered and held against the agreed reasons."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from connector.cli.options import machine_clock, moment, now_option, settings, settings_options
from connector.cli.output import emit, table
from connector.domain.moment import format_iso

if TYPE_CHECKING:
    from connector.config.load import Loaded
    from connector.sync.entries.entering import Entered, Entry

_SECOND = 1_000_000


@click.group(invoke_without_command=True)
@settings_options
@click.option("--limit", default=50, show_default=True, help="How many, newest first.")
@click.pass_context
def dispositions(
    ctx: click.Context, config: Path, profile: str | None, output: str, limit: int
) -> None:
    """What sales decided, and why, newest first; add to it, import it, audit its reasons.

    \b
    Example:
        leadloop dispositions --limit 10
    """
    if ctx.invoked_subcommand is None:
        _list(config, profile, output, limit, None)


@dispositions.command("list")
@settings_options
@click.option("--limit", default=50, show_default=True, help="How many, newest first.")
@click.option("--person", help="Of this person only.")
def list_dispositions(
    config: Path, profile: str | None, output: str, limit: int, person: str | None
) -> None:
    """List verdicts, newest first, and who owes reasons.

    \b
    Example:
        leadloop dispositions list --person crm/lead/42
    """
    _list(config, profile, output, limit, person)


def _list(config: Path, profile: str | None, output: str, limit: int, person: str | None) -> None:
    from connector.errors import UsageError
    from connector.store.database import open_store
    from connector.store.passes import cycles
    from connector.store.persons import people
    from connector.sync.entries.auditing import missing_by_owner, reason_audit
    from connector.sync.opening import agreed

    loaded = settings(config, profile)
    store = open_store(loaded.store_url())
    try:
        with store.read() as tx:
            who = people.find(tx, person) if person else None
            if person and who is None:
                raise UsageError(
                    "--person names no person, or more than one",
                    hint="Give connection/object/id, such as crm/lead/42",
                )
            rows = [
                {**row, "at": format_iso(row["at"] // _SECOND * _SECOND)}
                for row in cycles.dispositions(tx, limit, who)
            ]
        models, _ = agreed(loaded, store, candidate=False, warn=lambda _: None)
        owing = missing_by_owner(reason_audit(store, loaded, models))
    finally:
        store.close()
    columns = ("at", "verdict", "reason", "person", "number", "by", "source", "run")
    emit(
        output,
        "dispositions",
        rows,
        rows=rows,
        people=lambda: table(rows, columns),
        warnings=owing,
    )


@dispositions.command()
@click.argument("person")
@click.argument("verdict")
@click.argument("reason", required=False)
@settings_options
@now_option
@click.option("--at", help="When it was decided (ISO 8601 with zone). Default: now.")
@click.option("--by", help="The owner who decided, by id or e-mail. Default: who has the lead.")
@click.option("--cycle", help="The pass it is about, by number. Default: the one open then.")
def add(
    person: str,
    verdict: str,
    reason: str | None,
    config: Path,
    profile: str | None,
    output: str,
    now: str | None,
    at: str | None,
    by: str | None,
    cycle: str | None,
) -> None:
    """Enter a verdict: accepted, qualified, rejected, recycled, won or lost.

    Rejected, recycled and lost need a reason. Nothing entered before is changed: a correction is a
    new row, and the newest one counts.

    \b
    Example:
        leadloop dispositions add crm/lead/42 rejected wrong_size --by anna@acme.example
    """
    from connector.sync.entries.entering import Entry

    entry = Entry("add", person, verdict.casefold(), reason, at or now, by, cycle)
    loaded = settings(config, profile)
    done = _enter(loaded, [entry], "dispositions add", moment(now), None)
    _emit_entered(output, done)


@dispositions.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@settings_options
@now_option
def import_(file: Path, config: Path, profile: str | None, output: str, now: str | None) -> None:
    """Enter the verdicts of a CSV file: person,verdict and if you like reason,at,by,cycle.

    Lines that cannot be read are named with their place and kept aside; mend them and import the
    file again: what is in the book already is not entered twice.

    \b
    Example:
        leadloop dispositions import verdicts.csv
    """
    from connector.sync.entries.entering import entries_of

    loaded = settings(config, profile)
    done = _enter(loaded, entries_of(file), "dispositions import", moment(now), file.name)
    _emit_entered(output, done)
    if done.fresh:
        raise click.exceptions.Exit(4)


def _enter(
    loaded: Loaded, entries: list[Entry], command: str, now: int, file: str | None
) -> Entered:
    from connector.store.database import open_store
    from connector.sync.entries.entering import enter

    store = open_store(loaded.store_url())
    try:
        return enter(
            store, loaded, entries, command=command, now=now, clock=machine_clock, file=file
        )
    finally:
        store.close()


def _emit_entered(output: str, done: Entered) -> None:
    aside = [{"place": one.place, "reason": one.reason} for one in done.aside]
    added = [{**row, "at": format_iso(row["at"] // _SECOND * _SECOND)} for row in done.added]
    data = {"added": added, "moved": done.moved, "known": done.known, "kept_aside": aside}

    def tell() -> None:
        click.echo(
            f"Entered {len(added)}, moved {done.moved}, known before {done.known}, "
            f"kept aside {len(aside)}"
        )
        for one in aside:
            click.echo(f"  {one['place']}  {one['reason']}")
        if added:
            click.echo("Next: leadloop run writes the new states to the CRM")

    emit(
        output,
        "dispositions",
        data,
        rows=added,
        people=tell,
        run_id=done.run,
        status="partial" if done.fresh else "ok",
    )


@dispositions.command()
@settings_options
def audit(config: Path, profile: str | None, output: str) -> None:
    """Whether the reasons can be learnt from: who owes some, `other`, the same for everything.

    \b
    Example:
        leadloop dispositions audit
    """
    from connector.store.database import open_store
    from connector.sync.entries.auditing import reason_audit
    from connector.sync.opening import agreed

    loaded = settings(config, profile)
    warnings: list[str] = []
    store = open_store(loaded.store_url())
    try:
        models, _ = agreed(loaded, store, candidate=False, warn=warnings.append)
        data = reason_audit(store, loaded, models)
    finally:
        store.close()
    emit(
        output,
        "dispositions",
        data,
        rows=data["owners"],
        people=lambda: _tell_audit(data),
        warnings=warnings,
    )


def _tell_audit(data: dict[str, Any]) -> None:
    if not data["refused"]:
        click.echo("Sales has refused nobody yet; there are no reasons to look at")
        return
    click.echo(
        f"{data['refused']} refusals need a reason: {data['missing']} have none, "
        f"{data['other']} say `other`"
    )
    if data["too_much_other"]:
        click.echo("More than a fifth is `other`: the agreed reasons miss something")
    rows = [
        {**one, "owner": one["name"], "share": _percent(one["top_share"])} for one in data["owners"]
    ]
    columns = ("owner", "refused", "missing", "other", "top_reason", "share", "one_reason")
    table(rows, columns, title="By owner")
    table(data["reasons"][:20], ("verdict", "reason", "n"), title="Reasons")
    if data["outside"]:
        table(data["outside"][:20], ("reason", "n"), title="Words of the CRM that are not agreed")
    for one in data["contradictions"]:
        click.echo(
            f"{one['contradicted']} of {one['n']} rejected as {one['reason']} are what the model "
            "wants"
        )


def _percent(share: float | None) -> str | None:
    return None if share is None else f"{share:.0%}"
