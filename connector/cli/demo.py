"""`leadloop demo`: the whole loop on an invented company."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from connector.cli.options import machine_clock, moment
from connector.cli.output import is_terminal

if TYPE_CHECKING:
    from connector.demo.play import Played


@click.command()
@click.option("--seed", default=7, show_default=True, help="Another seed, another company.")
@click.option("--now", help="When the year ends (ISO 8601 with zone). Default: today.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    default=Path("leadloop-demo"),
    show_default=True,
    help="Written anew each time.",
)
def demo(seed: int, now: str | None, folder: Path) -> None:
    """See the whole loop on an invented company; no account needed.

    \b
    Example:
        leadloop demo --seed 11
    """
    from connector.demo.play import end_of_year, play

    end = moment(now) if now else end_of_year(machine_clock())
    played = play(folder, seed=seed, end=end, tell=_tell_step)
    if is_terminal():
        click.echo("\r\x1b[2K", nl=False, err=True)
    _story(played)


def _tell_step(step: str) -> None:
    if is_terminal():
        click.echo(f"\r\x1b[2K {step} ...", nl=False, err=True)


def _story(played: Played) -> None:
    company, first, approved = played.company, played.first, played.approved
    pull, resolve = first.counts["pull"], first.counts["resolve"]
    ready = first.counts["decide"]["held"]
    scored = first.counts["score"]["scored"]
    click.echo(
        f"An invented company's year: {len(company.people):,} people, "
        f"{len(company.activities):,} activities, {len(company.opportunities):,} deals."
    )
    click.echo(
        f"First run    read {pull['read']:,} rows, kept {pull['rejected']} broken ones aside"
    )
    click.echo(
        f"             {resolve['new people']:,} people after joining duplicates, {scored:,} scored"
    )
    click.echo(f"             {ready:,} free ones are sales-ready ({ready / scored:.1%})")
    said = sum(first.counts["collect"].values())
    click.echo(f"             {said:,} verdicts of sales collected; nothing written: it waits")
    wrote = approved.counts["apply"]["applied"]
    click.echo(f"Approved     {wrote:,} changes written: scores, reasons, nurture flags")
    second = played.second.counts
    click.echo(
        f"Released     the best {played.released[0]} to sales; {played.released[1]} still wait"
    )
    click.echo(
        f"Second run   {second['decide']['routed']} routed, "
        f"{second['decide']['held for capacity']} held for capacity, "
        f"{second['apply']['handed_off']} handed off with owner and SLA"
    )
    third = played.third.counts["apply"]["applied"]
    click.echo(f"Third run    {third} changes: nothing moved, so nothing is written")
    _top(played)
    click.echo(f"Look inside  cd {played.folder} && leadloop status && leadloop report")


def _top(played: Played) -> None:
    score, cycle = played.top["score"], played.top["cycle"]
    click.echo(
        f"Top lead     {played.top['person']}  {score['score']} {score['grade']}  "
        f"{cycle['state']} to {cycle['owner'] or 'nobody yet'}"
    )
    for reason in score["reasons"].splitlines():
        click.echo(f"             {reason}")
