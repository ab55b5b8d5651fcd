"""`leadloop runs`: the book of runs."""

from __future__ import annotations

from pathlib import Path

import click

from connector.cli.options import (
    loop_options,
    machine_clock,
    opened,
    settings,
    settings_options,
)
from connector.cli.output import emit, table
from connector.domain.moment import format_iso
from connector.errors import UsageError


@click.group()
def runs() -> None:
    """List, show, retry or undo runs; answer conflicts.

    \b
    Example:
        leadloop runs list
    """


@runs.command("list")
@settings_options
@click.option("--limit", default=20, show_default=True, help="How many.")
def list_runs(config: Path, profile: str | None, output: str, limit: int) -> None:
    """List runs, newest first.

    \b
    Example:
        leadloop runs list --limit 5
    """
    from connector.store.database import open_store
    from connector.store.running import runs as book

    store = open_store(settings(config, profile).store_url())
    with store.read() as tx:
        rows = [
            {
                "run": run.id,
                "command": run.command,
                "status": run.status,
                "at": format_iso(run.started_at // 1_000_000 * 1_000_000),
                "plan": run.plan,
                "written": run.counts.get("apply", {}).get("applied", 0),
            }
            for run in book.newest(tx, limit)
        ]
    store.close()
    columns = ("run", "command", "status", "at", "written", "plan")
    emit(output, "runs", rows, rows=rows, people=lambda: table(rows, columns))


@runs.command()
@click.argument("run_id", metavar="RUN")
@settings_options
@click.option("--failed", is_flag=True, help="Only what the CRM refused.")
def show(run_id: str, config: Path, profile: str | None, output: str, failed: bool) -> None:
    """Show what a run counted, and what the CRM refused, in the vendor's words.

    \b
    Example:
        leadloop runs show 01kjpwd9hrewbakfq85z --failed
    """
    from connector.store.database import open_store
    from connector.store.outgoing import outbox
    from connector.store.running import runs as book

    store = open_store(settings(config, profile).store_url())
    with store.read() as tx:
        run = book.get(tx, run_id)
        refused = [
            {
                "object": row.object,
                "record": row.record,
                "field": row.field,
                "code": row.code,
                "message": row.message,
                "hint": row.hint,
            }
            for row in outbox.rows_of_plan(
                tx, run.plan if run and run.plan else "", limit=1000, states=("dead",)
            )
        ]
    store.close()
    if run is None:
        raise UsageError(f"there is no run {run_id}", hint="See leadloop runs list")
    data = {**run._asdict(), "refused": refused}

    def tell() -> None:
        if not failed:
            click.echo(f"{run.command} {run.id}: {run.status}")
            for step, counts in run.counts.items():
                if isinstance(counts, dict) and counts:
                    click.echo(f"  {step}: " + ", ".join(f"{n} {k}" for k, n in counts.items()))
        table(refused, ("object", "record", "field", "code", "message"), title="Refused")

    emit(output, "runs", data, rows=refused, people=tell, run_id=run.id, status=run.status)


@runs.command()
@click.argument("run_id", metavar="RUN")
@loop_options
def undo(
    run_id: str, config: Path, profile: str | None, output: str, now: str | None, quiet: bool
) -> None:
    """Plan the way back of a run: each field it wrote whose value nobody changed since.

    \b
    Example:
        leadloop runs undo 01kjpwd9hrewbakfq85z
    """
    from connector.sync.writing.undo import undo as plan_back

    with opened(
        settings(config, profile),
        command="runs undo",
        now=now,
        quiet=quiet,
        candidate=False,
        warnings=[],
    ) as (loop, _):
        made = plan_back(loop, run_id)
    data = {"plan": made.id, "counts": made.counts}

    def tell() -> None:
        counted = ", ".join(f"{n} {name}" for name, n in made.counts.items()) or "nothing to undo"
        click.echo(f"{made.id}: {counted}")
        click.echo(f"Look at it:   leadloop plan --show {made.id}")
        click.echo(f"Then write:   leadloop apply {made.id} --approve")

    emit(output, "runs", data, people=tell, run_id=made.run, status="needs_approval")


@runs.command()
@click.argument("run_id", metavar="[RUN]", required=False)
@settings_options
@click.option("--code", help="Only rows refused with this code of the vendor's.")
def retry(
    run_id: str | None, config: Path, profile: str | None, output: str, code: str | None
) -> None:
    """Give refused rows another chance: the next run plans them anew against the CRM as it is.

    Without RUN and --code, fields that somebody kept setting back are tried again too.

    \b
    Example:
        leadloop runs retry --code INVALID_EMAIL_ADDRESS
    """
    from connector.store.database import open_store
    from connector.store.outgoing import plans
    from connector.sync.writing.retry import retry as give_chance

    store = open_store(settings(config, profile).store_url())
    try:
        with store.write() as tx:
            found = plans.get_plan(tx, run_id) if run_id is not None else None
            if run_id is not None and found is None:
                raise UsageError(f"run {run_id} made no plan", hint="See leadloop runs list")
            plan_id = found.id if found is not None else None
            count = give_chance(tx, machine_clock(), plan_id=plan_id, code=code)
    finally:
        store.close()
    emit(
        output,
        "runs",
        {"retried": count},
        people=lambda: click.echo(f"{count} refused rows will be planned anew by the next run"),
    )


@runs.command()
@settings_options
@click.option("--ours", type=int, multiple=True, metavar="N", help="Write our value.")
@click.option("--theirs", type=int, multiple=True, metavar="N", help="Let theirs stand.")
def conflicts(
    config: Path, profile: str | None, output: str, ours: tuple[int, ...], theirs: tuple[int, ...]
) -> None:
    """Fields whose policy is `ask`: list what waits for an answer, or answer it.

    \b
    Example:
        leadloop runs conflicts --ours 17 --theirs 18
    """
    from connector.store.database import open_store
    from connector.store.outgoing import questions

    store = open_store(settings(config, profile).store_url())
    try:
        with store.write() as tx:
            for word, numbers in ((questions.OURS, ours), (questions.THEIRS, theirs)):
                for number in numbers:
                    questions.answer(tx, number, word)
            rows = [
                {
                    "number": one.id,
                    "record": f"{one.connection}/{one.object}/{one.record}",
                    "field": one.field,
                    "theirs": one.theirs,
                    "ours": one.ours,
                }
                for one in questions.opened(tx)
            ]
    finally:
        store.close()
    columns = ("number", "record", "field", "theirs", "ours")
    emit(output, "runs", rows, rows=rows, people=lambda: table(rows, columns, title="To decide"))
