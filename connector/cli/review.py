"""`leadloop review`: the quarterly pack, and the record of what was decided."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from connector.cli.options import machine_clock, moment, now_option, settings, settings_options
from connector.cli.output import emit, table
from connector.cli.writing import write_text
from connector.domain.moment import format_iso

_SECOND = 1_000_000


@click.group(invoke_without_command=True)
@settings_options
@now_option
@click.option("--html", type=click.Path(path_type=Path), help="Also write the pack as one page.")
@click.option("--markdown", type=click.Path(path_type=Path), help="Also write it as Markdown.")
@click.pass_context
def review(
    ctx: click.Context,
    config: Path,
    profile: str | None,
    output: str,
    now: str | None,
    html: Path | None,
    markdown: Path | None,
) -> None:
    """The pack for the quarterly meeting of both teams: changes, goals, disputed leads, proposals.

    \b
    Example:
        leadloop review --html review.html --markdown review.md
        leadloop review record --decision "Threshold to 70" --signed-by Mia --signed-by Sam
    """
    if ctx.invoked_subcommand is not None:
        return
    from connector.cli.check import scenarios_beside
    from connector.report.page import page
    from connector.report.review import proposals, review_markdown, review_pack
    from connector.store.database import open_store

    loaded = settings(config, profile)
    chosen = loaded.settings.model
    path = loaded.path(chosen if isinstance(chosen, str) else chosen[-1].path)
    warnings: list[str] = []
    at = moment(now)
    store = open_store(loaded.store_url())
    try:
        data = review_pack(
            store,
            loaded,
            at,
            warnings,
            propose=lambda models: proposals(
                store, loaded, models, model_path=path, scenarios=scenarios_beside(loaded), now=at
            ),
        )
    finally:
        store.close()
    if html is not None:
        write_text(html, page("review.html", data))
    if markdown is not None:
        write_text(markdown, review_markdown(data))
    emit(
        output,
        "review",
        data,
        rows=data["disputed"],
        people=lambda: _tell(data),
        warnings=warnings,
    )


def _tell(data: dict[str, Any]) -> None:
    click.echo(data["signature"]["words"])
    for said in data["changes"]:
        click.echo(f"  changed: {said}")
    columns = ("stage", "leads", "since", "always", "goal", "owner")
    rows = [
        {**row, "since": _share(row["of_previous"]), "always": _share(row["always"]),
         "goal": _share(row["goal"])}
        for row in data["stages"]
    ]  # fmt: skip
    table(rows, columns, title=f"Goals, leads since {data['since'][:10]}")
    table(
        data["disputed"],
        ("person", "score", "verdict", "reason", "owner", "question"),
        title=f"{len(data['disputed'])} leads to talk about",
    )
    for name in ("threshold", "learn"):
        one = data["proposals"][name]
        what = "a change is proposed" if one["proposed"] is not None else "no change proposed"
        click.echo(f"{name.capitalize()}: {what}; {one['why']}")
    for part in data["maturity"]["parts"]:
        step = f"; next: {part['steps'][0]}" if part["steps"] else ""
        click.echo(f"{part['part'].capitalize():<8} {part['level']}{step}")
    click.echo('Next: leadloop review record --decision "..." --signed-by A --signed-by B')


def _share(value: float | None) -> str | None:
    return None if value is None else f"{value:.1%}"


@review.command()
@settings_options
@now_option
@click.option("--decision", "decisions", multiple=True, required=True, help="What was decided.")
@click.option("--signed-by", multiple=True, required=True, help="Who agreed: both teams.")
def record(
    config: Path,
    profile: str | None,
    output: str,
    now: str | None,
    decisions: tuple[str, ...],
    signed_by: tuple[str, ...],
) -> None:
    """Store who agreed to what; the definition in force is signed with it.

    \b
    Example:
        leadloop review record --decision "Threshold to 70" --signed-by Mia --signed-by Sam
    """
    from connector.report.review import record_review
    from connector.store.database import open_store

    loaded = settings(config, profile)
    store = open_store(loaded.store_url())
    try:
        one = record_review(
            store,
            loaded,
            decisions=decisions,
            signed_by=signed_by,
            now=moment(now),
            clock=machine_clock,
        )
    finally:
        store.close()
    data = {
        "review": one.id,
        "definition": one.definition[:8],
        "process": one.process[:8],
        "decisions": list(one.decisions),
        "signed_by": list(one.signed_by),
    }
    emit(
        output,
        "review",
        data,
        people=lambda: click.echo(
            f"Definition {one.definition[:8]} signed by {' and '.join(one.signed_by)}; "
            f"{len(one.decisions)} decisions recorded as {one.id}"
        ),
    )


@review.command("list")
@settings_options
def list_reviews(config: Path, profile: str | None, output: str) -> None:
    """List what was decided at earlier reviews, newest first.

    \b
    Example:
        leadloop review list
    """
    from connector.store.agreed import reviews
    from connector.store.database import open_store

    store = open_store(settings(config, profile).store_url())
    try:
        with store.read() as tx:
            found = reviews.newest(tx, 100)
    finally:
        store.close()
    rows = [
        {
            "at": format_iso(one.at // _SECOND * _SECOND),
            "definition": one.definition[:8],
            "signed_by": " and ".join(one.signed_by),
            "decisions": "; ".join(one.decisions),
            "review": one.id,
        }
        for one in found
    ]
    columns = ("at", "definition", "signed_by", "decisions")
    emit(output, "review", rows, rows=rows, people=lambda: table(rows, columns))
