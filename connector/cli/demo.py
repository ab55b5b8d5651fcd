"""`leadloop demo`: the whole loop on an invented company's two CRMs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from connector.cli.options import machine_clock, moment
from connector.cli.output import is_terminal

if TYPE_CHECKING:
    from connector.demo.play import Story

_FOUND = ("handed_off", "accepted", "qualified", "rejected", "lost", "won")
"""What a first run makes of people it finds in sales' hands."""


@click.command()
@click.option("--seed", default=7, show_default=True, help="Another seed, another company.")
@click.option("--now", help="When the play begins (ISO 8601 with zone). Default: today.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    default=Path("leadloop-demo"),
    show_default=True,
    help="Written anew each time.",
)
def demo(seed: int, now: str | None, folder: Path) -> None:
    """See the whole loop on an invented company's two CRMs; no account needed.

    Starts a practice Salesforce org and a practice HubSpot portal on this machine, installs,
    plans, approves, and lets sales and marketing work for some weeks.

    \b
    Example:
        leadloop demo --seed 11
    """
    from connector.demo.servers import practice
    from connector.domain.moment import DAY

    begin = moment(now) if now else machine_clock() // DAY * DAY
    with practice(seed, begin) as crms:
        from connector.demo.play import play  # while both CRMs are filled

        story = play(folder, crms, seed=seed, start=begin, tell=_tell_step)
    if is_terminal():
        click.echo("\r\x1b[2K", nl=False, err=True)
    for line in _lines(story):
        click.echo(line)


def _tell_step(step: str) -> None:
    if is_terminal():
        click.echo(f"\r\x1b[2K {step} ...", nl=False, err=True)


def _lines(story: Story) -> Iterator[str]:
    yield from _first_day(story)
    yield from _weeks(story)
    yield from _fair(story)
    yield from _outcome(story)
    yield from _top(story)
    yield f"Look inside  {story.folder}/report.html, or: cd {story.folder} && leadloop status"


def _first_day(story: Story) -> Iterator[str]:
    made = " and ".join(f"{count} in {name}" for name, (count, _) in story.installed.items())
    again = sum(second for _, second in story.installed.values())
    yield f"Installed    {made} fields; installed again: {again}"
    counts = story.first.counts if story.first else {}
    pull, resolve, score = counts["pull"], counts["resolve"], counts["score"]
    yield (
        f"First look   {pull['read']:,} rows of a year read, {pull['rejected']:,} broken ones kept "
        "aside; nothing written"
    )
    yield (
        f"             {resolve['new people']:,} people after joining both systems, "
        f"{score['scored']:,} scored"
    )
    found = sum(n for word, n in counts["decide"].items() if word in _FOUND)
    yield f"             {found:,} lay with sales already ({found / score['scored']:.0%})"
    said = counts["collect"]
    yield f"             {sum(said.values()):,} verdicts of sales found: {_most(said, 5)}"
    for stage, did in story.opened.items():
        yield f"{stage.title():<13}{did['applied']:,} records written{_refused(did)}"
    released, left = story.backlog
    yield f"Released     the best {released} who were ready and free; {left} wait for their day"


def _refused(did: Counter[str]) -> str:
    return f", {did['refused']} refused" if did["refused"] else ""


def _weeks(story: Story) -> Iterator[str]:
    for week in story.weeks:
        yield (
            f"Week {week.number}       {week.came} new leads, {week.handed_off} handed off; "
            f"sales: {_most(week.said, 8) or 'nothing'}"
        )


def _fair(story: Story) -> Iterator[str]:
    from connector.demo.play import ON_LEAVE, TIMES

    decided, away = story.decided, " and ".join(ON_LEAVE)
    yield (
        f"The fair     brought {TIMES} times the usual leads while {away} were away; "
        f"{decided['held for capacity']} had to wait"
    )
    yield (
        f"             for a free desk; {decided['offered']} were offered to a partner who never "
        f"answers, {decided['offers timed out']} of them went on"
    )
    if story.tally is None:
        return
    seen = story.figures["handoffs"]["touched"]
    due = seen["in_time"] + seen["late"] + seen["missed"]
    yield (
        f"First call   in time for {seen['in_time']} of {due} that were due; "
        f"{decided['escalated']} escalated, {decided['reassigned']} given to others, "
        f"{story.tally.untold} late untold"
    )
    yield (
        f"Lost         {story.tally.lost} of {story.tally.people:,} people: each is in one state, "
        "with its next date"
    )


def _outcome(story: Story) -> Iterator[str]:
    figures = story.figures
    scored = story.first.counts["score"]["scored"] if story.first else 0
    passed = sum(week.handed_off for week in story.weeks)
    yield (
        f"Passed       {passed} to sales, {passed / max(1, scored):.1%} of all people; "
        f"{story.unknown_to_sales} more are ready,"
    )
    yield "             but sales has no record of them"
    for row in figures["health"]["refused_writes"][:3]:
        yield f"Refused      {row['writes']} writes of {row['object']}: {row['code']}"
    yield f"Last run     {story.idle} changes: nothing had moved, so nothing was written"
    leak = max(figures["leakage"]["rows"], key=lambda one: one["value"] or 0, default=None)
    if leak is not None:
        yield (
            f"Biggest leak {figures['currency']} {leak['value']:,.0f} at {leak['stage']}: "
            f"{leak['how']}, {leak['reason']} ({leak['cycles']} people)"
        )


def _top(story: Story) -> Iterator[str]:
    if not story.top:
        return
    score, cycle = story.top["score"], story.top["cycle"]
    yield (
        f"Top lead     {story.top['person']}  {score['score']} {score['grade']}  "
        f"{cycle['state']} to {cycle['owner'] or 'nobody yet'}"
    )
    for reason in score["reasons"].splitlines():
        yield f"             {reason}"


def _most(counts: Counter[str] | dict[str, Any], most: int) -> str:
    return ", ".join(f"{n:,} {word}" for word, n in Counter(counts).most_common(most) if n)
