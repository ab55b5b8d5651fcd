"""`leadloop process`: the whole process in plain words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from connector.cli.options import config_option, moment, now_option, profile_option, settings
from connector.cli.output import emit
from connector.cli.writing import write_text


@click.command()
@config_option
@profile_option
@click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "json", "csv", "markdown"]),
    default="table",
    show_default=True,
    help="For people, for programs, for spreadsheets, or as Markdown.",
)
@now_option
@click.option("--html", type=click.Path(path_type=Path), help="Also write it as one page.")
def process(
    config: Path, profile: str | None, output: str, now: str | None, html: Path | None
) -> None:
    """Tell the whole process from the files: what is agreed, what is not defined, who signed.

    \b
    Example:
        leadloop process --html process.html
        leadloop process -o markdown > process.md
    """
    from connector.report.page import page
    from connector.report.process import process as told
    from connector.report.process import process_markdown
    from connector.store.database import open_store

    loaded = settings(config, profile)
    warnings: list[str] = []
    store = open_store(loaded.store_url())
    try:
        data = told(store, loaded, moment(now), warnings)
    finally:
        store.close()
    if html is not None:
        write_text(html, page("process.html", data))
    rows = [
        {"part": part["part"], "said": said, "defined": defined}
        for part in data["parts"]
        for defined, saying in ((True, part["said"]), (False, part["undefined"]))
        for said in saying
    ]
    if output == "markdown":
        click.echo(process_markdown(data))
        return
    emit(output, "process", data, rows=rows, people=lambda: _tell(data), warnings=warnings)


def _tell(data: dict[str, Any]) -> None:
    click.echo(f"Process {data['version']}, definition {data['definition']}")
    click.echo(data["signature"]["words"])
    for number, part in enumerate(data["parts"], start=1):
        click.echo("")
        click.secho(f"{number}. {part['title']}", bold=True)
        for said in part["said"]:
            click.echo(f"   {said}")
        for said in part["undefined"]:
            click.secho(f"   not defined: {said}", fg="red")
