"""`leadloop report`: the funnel, where leads are lost and what they were worth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from connector.cli.options import moment, now_option, settings, settings_options
from connector.cli.output import emit, envelope, table
from connector.config.load import Loaded
from connector.errors import UsageError

_CONSENT = ("row", "people", "no_sales", "no_mail", "other_lane")


@click.command()
@settings_options
@now_option
@click.option(
    "--html", type=click.Path(path_type=Path), help="Also write the whole report as one page."
)
@click.option(
    "--json", "json_", type=click.Path(path_type=Path), help="Also write the figures as JSON."
)
@click.option(
    "--case",
    type=click.Path(path_type=Path),
    help="Also write one page for whoever decides on money: leaks, remedies, cost, pay-back.",
)
@click.option(
    "--assumptions",
    type=click.Path(path_type=Path),
    help="What remedies cost and bring. Default: assumptions.yaml beside the settings; for leaks "
    "it does not name, what ships with Leadloop, marked as a default.",
)
def report(
    config: Path,
    profile: str | None,
    output: str,
    now: str | None,
    html: Path | None,
    json_: Path | None,
    case: Path | None,
    assumptions: Path | None,
) -> None:
    """The funnel from first contact to won deals, where leads are lost and what they were worth.

    \b
    Example:
        leadloop report --html report.html
        leadloop report --case case.html --assumptions assumptions.yaml
    """
    from connector.report.figures import report_figures
    from connector.report.page import report_page
    from connector.store.database import open_store

    loaded = settings(config, profile)
    warnings: list[str] = []
    store = open_store(loaded.store_url())
    try:
        data = report_figures(store, loaded, moment(now), warnings)
    finally:
        store.close()
    if html is not None:
        _write(html, report_page(data))
    if case is not None:
        _write(case, _case(data, loaded, assumptions))
    if json_ is not None:
        _write(json_, envelope("report", data, warnings=warnings))
    emit(
        output,
        "report",
        data,
        rows=data["stages"],
        people=lambda: _tell(data, html, case),
        warnings=warnings,
    )


def _case(data: dict[str, Any], loaded: Loaded, path: Path | None) -> str:
    from connector.config.assumptions import Assumptions
    from connector.documents.reader import load
    from connector.report.case import case_figures
    from connector.report.page import page

    beside = loaded.path("assumptions.yaml")
    found = path if path is not None else beside if beside.is_file() else None
    given = None if found is None else load(found, Assumptions)
    return page("case.html", case_figures(data, loaded.settings.report, given))


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"{path} cannot be written: {error.strerror}",
            hint="Name a file in a folder that exists",
        ) from error


def _tell(data: dict[str, Any], html: Path | None, case: Path | None) -> None:
    """Print the report's heart for people: a bar a stage, then the dearest leaks."""
    most = max((row["cycles"] for row in data["stages"]), default=0)
    for row in data["stages"]:
        bar = "█" * round(30 * row["cycles"] / most) if most else ""
        share = (
            "" if row["of_previous"] is None else f"{row['of_previous']:.1%} of the stage before"
        )
        click.echo(f" {row['stage']:<12} {row['cycles']:>7,}  {bar:<30}  {share}".rstrip())
    head = data["headline"]
    if head["value_per_sale"] is not None:
        click.echo(
            f" {head['won']:,} won, {head['value']:,.0f} {data['currency']}: "
            f"{head['value_per_sale']:,.0f} a sale"
        )
    leaks = data["leakage"]["rows"]
    if leaks:
        rows = [{**row, "value": f"{row['value']:,.0f}"} for row in leaks[:8]]
        columns = ("stage", "how", "reason", "cycles", "value")
        table(rows, columns, title=f"Where leads were lost, by {data['currency']} at stake")
    lane = sum(row["other_lane"] for row in data["consent"])
    if any(row["no_mail"] or row["no_sales"] for row in data["consent"]):
        kept = [row for row in data["consent"] if row["no_mail"] or row["no_sales"]]
        table(kept, _CONSENT, title=f"Consent keeps back ({lane:,} wait for another lane)")
    if html is not None:
        click.echo(f"Page: {html}")
    if case is not None:
        click.echo(f"Case: {case}")
