"""`leadloop install` and `uninstall`: our fields in the CRM, and what people see of them."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from connector.cli.options import machine_clock, settings, settings_options
from connector.cli.output import emit, table
from connector.errors import UsageError

if TYPE_CHECKING:
    from connector.config.load import Loaded
    from connector.sync.context import Source

_COLUMNS = ("connection", "object", "field", "type", "action", "note")
_admin = click.option(
    "--admin-cli",
    metavar="ALIAS",
    help="Make it as this log-in of the sf CLI, which is used now and kept nowhere.",
)


@click.command()
@click.argument("connection", required=False)
@settings_options
@click.option("--plan", "only_plan", is_flag=True, help="Show what would be made; make nothing.")
@click.option(
    "--export",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write the same as files for your own pipeline; make nothing.",
)
@click.option(
    "--without",
    multiple=True,
    type=click.Choice(["views", "actions", "reports", "panel", "campaigns", "lists"]),
    help="Leave this group out; may be given several times.",
)
@click.option("--canary", metavar="ID", help="Then write one record as it is, and read it back.")
@_admin
def install(
    connection: str | None,
    config: Path,
    profile: str | None,
    output: str,
    only_plan: bool,
    folder: Path | None,
    without: tuple[str, ...],
    canary: str | None,
    admin_cli: str | None,
) -> None:
    """Create what the mapping writes to, and what people see of it. Twice changes nothing more.

    \b
    Example:
        leadloop install salesforce --plan
        leadloop install salesforce --admin-cli my-admin --canary 00Q5g00000AbCdE
        leadloop install salesforce --export ./metadata
    """
    from connector.sync.upkeep import provision

    loaded = settings(config, profile)
    with ExitStack() as stack:
        sources = _chosen(loaded, connection, stack)
        rows: list[dict[str, Any]] = []
        notes: list[str] = []
        for source in sources:
            steps = provision.plan_install(source)
            maker = provision.furnisher(_opened_as(loaded, source, admin_cli, stack).adapter)
            clash = any(step.action == "clash" for step in steps)
            themes = provision.themes_of(source, loaded.settings.nurture)
            parts: Sequence[Any] = ()
            if folder is not None:
                if maker is not None:
                    notes += _exported(source, maker, folder)
                continue
            if maker is not None and (only_plan or clash):
                order = provision.order_of(source, steps, themes)
                parts = [p for p in maker.plan_parts(order) if p.group not in without]
                notes += maker.survey(order)
            elif maker is not None:
                groups = [group for group in maker.groups if group not in without]
                parts = provision.furnish(source, maker, steps, groups, themes)
            elif not only_plan:
                provision.install(source)
            if canary is not None and not only_plan and not clash:
                notes.append(f"canary {provision.canary(source, canary)}")
            rows += _field_rows(source, steps) + _part_rows(source, parts)
    _tell(rows, notes, output, only_plan=only_plan)


@click.command()
@click.argument("connection")
@settings_options
@click.option("--plan", "only_plan", is_flag=True, help="Show what would go; remove nothing.")
@click.option("--fields", is_flag=True, help="Remove the fields too, with all they hold.")
@click.option(
    "--save",
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder that what the fields hold is written to first; needed with --fields.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@_admin
def uninstall(
    connection: str,
    config: Path,
    profile: str | None,
    output: str,
    only_plan: bool,
    fields: bool,
    save: Path | None,
    yes: bool,
    admin_cli: str | None,
) -> None:
    """Take out what install made. Fields and what they hold stay, unless --fields is given.

    \b
    Example:
        leadloop uninstall salesforce --plan
        leadloop uninstall salesforce --fields --save ./kept --admin-cli my-admin
    """
    from connector.sync.upkeep import provision

    loaded = settings(config, profile)
    if fields and save is None and not only_plan:
        raise UsageError(
            "removing the fields loses what they hold", hint="Add --save FOLDER, to have it first"
        )
    with ExitStack() as stack:
        (source,) = _chosen(loaded, connection, stack)
        maker = provision.furnisher(_opened_as(loaded, source, admin_cli, stack).adapter)
        if maker is None:
            raise UsageError(
                f"`{connection}` is no CRM that Leadloop takes its parts out of",
                hint="Remove its fields there by hand; leadloop install --plan lists them",
            )
        order = provision.order_of(source, provision.plan_install(source))
        steps = maker.remove(order, fields=fields, check_only=True)
        blocked = any(step.action == "fail" for step in steps)
        notes = []
        if not only_plan and not blocked:
            count = sum(step.action == "remove" for step in steps)
            _ask(f"Remove {count} parts of {connection}?", yes=yes)
            if fields and save is not None:
                notes += _saved(source, save)
            steps = maker.remove(order, fields=fields, check_only=False)
    rows = [{"kind": s.kind, "name": s.name, "action": s.action, "note": s.note} for s in steps]

    def tell() -> None:
        table(rows, ("kind", "name", "action", "note"))
        for row in rows:
            if row["action"] == "fail" and row["note"]:
                click.echo(f"{row['name']}: {row['note']}")
        for note in notes:
            click.echo(note)
        verb = "would be removed" if only_plan or blocked else "removed"
        kept = "" if fields else "; fields and what they hold stay (--fields removes them)"
        count = Counter(row["action"] for row in rows)
        stuck = len(rows) - count["remove"] - count["keep"]
        click.echo(f"{count['remove']} {verb}, {stuck} blocked{kept}")

    status = "failed" if blocked else "ok"
    said = notes if output != "table" else ()
    emit(output, "uninstall", rows, rows=rows, people=tell, status=status, warnings=said)
    if blocked:
        raise click.exceptions.Exit(2)


def _ask(question: str, *, yes: bool) -> None:
    """Ask a person who is there; who is not must have said --yes."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError("this removes things and nobody is there to ask", hint="Add --yes")
    click.confirm(question, abort=True, err=True)


def _chosen(loaded: Loaded, connection: str | None, stack: ExitStack) -> list[Source]:
    from connector.sync.opening import open_sources

    sources = open_sources(loaded, machine_clock, stack)
    chosen = [s for s in sources if connection in {None, s.name}]
    if not chosen:
        raise UsageError(
            f"there is no connection `{connection}`",
            hint=f"Connections: {', '.join(s.name for s in sources)}",
        )
    return chosen


def _opened_as(loaded: Loaded, source: Source, alias: str | None, stack: ExitStack) -> Source:
    """The connection opened by another log-in for this once; itself where none is named."""
    if alias is None:
        return source
    from connector.sync.upkeep.as_admin import opened_as

    return opened_as(loaded, source.name, alias, machine_clock, stack)


def _exported(source: Source, maker: Any, folder: Path) -> list[str]:
    from connector.sync.upkeep import provision

    wanted = provision.wanted_fields(source)
    files = maker.exported(provision.order_of(source, wanted))
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)
    return [f"{len(files)} files written to {folder}; nothing was made in {source.name}"]


def _saved(source: Source, folder: Path) -> list[str]:
    """Write what our fields hold to a CSV file for each object."""
    import csv

    from connector.sync.upkeep import provision

    folder.mkdir(parents=True, exist_ok=True)
    counts: dict[str, int] = {}
    with ExitStack() as files:
        writers: dict[str, Any] = {}
        for one, rows in provision.kept_values(source):
            if one.name not in writers and rows:
                path = folder / f"{source.name}-{one.name}.csv"
                file = files.enter_context(path.open("w", newline="", encoding="utf-8"))
                writers[one.name] = csv.DictWriter(file, list(rows[0]))
                writers[one.name].writeheader()
            for row in rows:
                writers[one.name].writerow(row)
            counts[one.name] = counts.get(one.name, 0) + len(rows)
    return [f"{count} rows of {name} written to {folder}" for name, count in counts.items()]


def _field_rows(source: Source, steps: Sequence[Any]) -> list[dict[str, Any]]:
    return [
        {
            "connection": source.name,
            "object": step.source,
            "field": step.name,
            "type": step.type.value,
            "action": step.action,
            "note": step.note,
        }
        for step in steps
    ]


def _part_rows(source: Source, parts: Sequence[Any]) -> list[dict[str, Any]]:
    return [
        {
            "connection": source.name,
            "object": part.kind,
            "field": part.name,
            "type": part.group,
            "action": part.action,
            "note": part.note,
        }
        for part in parts
        if part.kind != "CustomField"
    ]


def _tell(rows: list[dict[str, Any]], notes: list[str], output: str, *, only_plan: bool) -> None:
    clashes = [row for row in rows if row["action"] == "clash"]
    failed = [row for row in rows if row["action"] == "fail"]

    def tell() -> None:
        if rows:
            table(rows, _COLUMNS)
        for note in notes:
            click.echo(note)
        made = sum(row["action"] in {"create", "change"} for row in rows)
        verb = "would be made" if only_plan or clashes else "made"
        if rows:
            there = sum(row["action"] == "keep" for row in rows)
            click.echo(f"{made} {verb}, {there} there, {len(clashes)} clash")
        if failed:
            click.echo(f"{len(failed)} were not taken; fields and scores do without them")

    status = "failed" if clashes else "partial" if failed else "ok"
    said = notes if output != "table" else ()
    emit(output, "install", rows, rows=rows, people=tell, status=status, warnings=said)
    if clashes:
        raise click.exceptions.Exit(2)
    if failed:
        raise click.exceptions.Exit(4)
