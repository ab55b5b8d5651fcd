"""`leadloop survey`: asks sales about a few leads, and reads the answers back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from connector.cli.options import machine_clock, moment, now_option, settings, settings_options
from connector.cli.output import emit, table
from connector.errors import UsageError


@click.group()
def survey() -> None:
    """Ask sales about 20 to 50 leads, and read the answers back.

    \b
    Example:
        leadloop survey draw --size 30 --out survey.csv
        leadloop survey read survey.csv
    """


@survey.command()
@settings_options
@now_option
@click.option(
    "--size", type=click.IntRange(20, 50), default=30, show_default=True, help="How many."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Another seed, other leads.")
@click.option("--since", default="90d", show_default=True, help="Of those judged so lately.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The form, a CSV file.")
def draw(
    config: Path,
    profile: str | None,
    output: str,
    now: str | None,
    size: int,
    seed: int,
    since: str,
    out: Path,
) -> None:
    """Draw leads of every score band, owner and verdict, and write a form to fill in.

    \b
    Example:
        leadloop survey draw --size 30 --out survey.csv
    """
    from connector.domain.duration import parse_duration
    from connector.store.database import open_store
    from connector.sync.entries.surveying import draw_survey

    try:
        span = parse_duration(since)
    except ValueError:
        raise UsageError(f"--since `{since}` is not a duration", hint="Write 90d") from None
    if out.exists():
        raise UsageError(f"{out} is there already", hint="Name a new file: answers may be in it")
    loaded = settings(config, profile)
    at = moment(now)
    store = open_store(loaded.store_url())
    try:
        drawn = draw_survey(
            store, loaded, size=size, seed=seed, since=at - span, now=at, clock=machine_clock
        )
    finally:
        store.close()
    try:
        out.write_text(drawn.form, encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"{out} cannot be written: {error.strerror}") from error
    rows = [{n: lead[n] for n in ("code", "person", "band", "owner", "verdict", "reason")}
            for lead in drawn.leads]  # fmt: skip
    warnings = []
    if len(rows) < size:
        warnings.append(f"only {len(rows)} leads were judged in that time: all are in the form")

    def tell() -> None:
        click.echo(f"{len(rows)} of {drawn.population} judged leads drawn into {out}")
        click.echo(f"Next: sales fills in the last three columns; leadloop survey read {out}")

    data: dict[str, Any] = {"survey": drawn.survey, "form": str(out), "leads": rows}
    data["population"] = drawn.population
    emit(output, "survey", data, rows=rows, people=tell, run_id=drawn.survey, warnings=warnings)


@survey.command()
@click.argument("form", type=click.Path(path_type=Path))
@settings_options
@now_option
def read(form: Path, config: Path, profile: str | None, output: str, now: str | None) -> None:
    """Read a filled-in form: was the verdict right, if not why, and what was missing.

    Lines that cannot be read are named; reading the form again enters nothing twice.

    \b
    Example:
        leadloop survey read survey.csv
    """
    from connector.store.database import open_store
    from connector.sync.entries.surveying import read_survey, survey_result

    loaded = settings(config, profile)
    store = open_store(loaded.store_url())
    try:
        done = read_survey(store, loaded, form, now=moment(now), clock=machine_clock)
        result = survey_result(store, done.surveys[0] if len(done.surveys) == 1 else None)
    finally:
        store.close()
    aside = [{"place": one.place, "reason": one.reason} for one in done.aside]
    data = {"added": done.added, "known": done.known, "blank": done.blank, "kept_aside": aside,
            **result}  # fmt: skip

    def tell() -> None:
        click.echo(f"{done.added} answers entered, {done.known} known before, {done.blank} blank")
        for one in aside:
            click.echo(f"  {one['place']}  {one['reason']}")
        tell_result(result)

    status = "partial" if aside else "ok"
    emit(
        output,
        "survey",
        data,
        rows=result["by_verdict"],
        people=tell,
        run_id=done.run,
        status=status,
    )
    if aside:
        raise click.exceptions.Exit(4)


@survey.command()
@settings_options
def show(config: Path, profile: str | None, output: str) -> None:
    """What sales answered in all surveys so far.

    \b
    Example:
        leadloop survey show
    """
    from connector.store.database import open_store
    from connector.sync.entries.surveying import survey_result

    store = open_store(settings(config, profile).store_url())
    try:
        result = survey_result(store)
    finally:
        store.close()
    emit(output, "survey", result, rows=result["by_verdict"], people=lambda: tell_result(result))


def tell_result(result: dict[str, Any]) -> None:
    """Print what sales answered, for people."""
    click.echo(
        f"{result['answered']} of {result['asked']} answered: {result['agreed']} verdicts "
        f"confirmed, {result['disagreed']} disputed"
    )
    table(result["by_verdict"], ("verdict", "answered", "agreed"), title="By verdict")
    table(result["by_band"], ("band", "answered", "agreed"), title="By score band")
    if result["missing"]:
        table(result["missing"], ("what", "n"), title="What was missing")
