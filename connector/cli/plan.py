"""`leadloop plan`: what would change, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from connector.cli.options import loop_options, machine_clock, opened, settings
from connector.cli.output import emit, table
from connector.cli.telling import result_data, tell_result
from connector.config.load import Loaded
from connector.domain.record import Scalar
from connector.errors import UsageError

_KEPT = {"no_mail": "mail", "no_sales": "sales"}
_MOST = 10
"""Themes told to people; all are in the JSON."""


@click.command()
@loop_options
@click.option("--show", metavar="PLAN", help="Show a plan that exists, without making one.")
@click.option("--all", "everything", is_flag=True, help="Show every row, not the first twenty.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit 10 when something would change.")
def plan(
    config: Path,
    profile: str | None,
    output: str,
    now: str | None,
    quiet: bool,
    show: str | None,
    everything: bool,
    detailed_exitcode: bool,
) -> None:
    """Show what would change, field by field. Writes nothing to the CRM.

    Uses the model and routing files as they are now; `leadloop apply PLAN --approve` writes the
    plan and makes these files the agreed ones.

    \b
    Example:
        leadloop plan -o csv --all > plan.csv
    """
    loaded = settings(config, profile)
    limit = 1_000_000 if everything or output != "table" else 20
    if show is not None:
        header, rows = _stored(loaded.store_url(), show, limit)
        beside = _beside(loaded, show)

        def tell_stored() -> None:
            _tell(header, rows)
            _tell_beside(beside)

        emit(output, "plan", {**header, "rows": rows, **beside}, rows=rows, people=tell_stored)
        return
    from connector.sync.run import run as run_loop

    warnings: list[str] = []
    with opened(
        loaded, command="plan", now=now, quiet=quiet, candidate=True, warnings=warnings
    ) as (loop, _):
        result = run_loop(loop, machine_clock, send=False)
    made = result.plan
    if made is not None and made.state != "applied":
        header, rows = _stored(loaded.store_url(), made.id, limit)
    else:  # a plan that would change nothing is not kept
        header, rows = {"id": "nothing to write", "held": [], "rows_by_state": {}}, []

    beside = _beside(loaded, header["id"])

    def tell() -> None:
        tell_result(result)
        _tell(header, rows)
        _tell_beside(beside)

    emit(
        output,
        "plan",
        {**result_data(result), "rows": rows, **beside},
        rows=rows,
        people=tell,
        run_id=result.run,
        status=result.status,
        warnings=warnings,
    )
    if detailed_exitcode and rows:
        raise click.exceptions.Exit(10)


def _stored(url: str, plan_id: str, limit: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    from connector.store.database import open_store
    from connector.store.outgoing import outbox, plans

    store = open_store(url)
    try:
        with store.read() as tx:
            found = plans.get_plan(tx, plan_id)
            if found is None:
                raise UsageError(f"there is no plan {plan_id}", hint="See leadloop runs list")
            rows = outbox.rows_of_plan(tx, found.id, limit=limit)
            states = outbox.count_states(tx, found.id)
    finally:
        store.close()
    header = {"id": found.id, "state": found.state, "held": found.held, "rows_by_state": states}
    return header, [
        {
            "connection": row.connection,
            "object": row.object,
            "record": row.record,
            "field": name,
            "before": before,
            "after": after,
            "state": row.state,
        }
        for row in rows
        for name, (before, after) in row.changes.items()
    ]


def _beside(loaded: Loaded, plan_id: str) -> dict[str, list[dict[str, Any]]]:
    """What a plan means beside its rows: who comes into nurture, and whom consent keeps back."""
    from connector.store.database import open_store
    from connector.sync.deciding import nurturing

    store = open_store(loaded.store_url())
    try:
        return {
            "nurture": nurturing.joining(store, loaded, plan_id),
            "consent": nurturing.blocked(store, loaded),
        }
    finally:
        store.close()


def _tell_beside(beside: dict[str, list[dict[str, Any]]]) -> None:
    """Print it shortly; rows of the policy that keep nobody back are left out."""
    for row in beside["nurture"][:_MOST]:
        click.echo(f"Nurture: {row['theme']}: {row['join']:,} come, {row['leave']:,} go")
    for row in beside["consent"]:
        kept = [f"{row[key]:,} from {what}" for key, what in _KEPT.items() if row[key]]
        if kept:
            click.echo(f"Consent: {row['row']}, {row['people']:,} people: keeps {', '.join(kept)}")
    lane = sum(row["other_lane"] for row in beside["consent"])
    if lane:
        click.echo(f"{lane:,} of them wait for another lane: leadloop nurture lane")


def _tell(header: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    columns = ("object", "record", "field", "before", "after", "state")
    table([{**row, "after": _short(row["after"])} for row in rows], columns, title=header["id"])
    total = sum(header["rows_by_state"].values())
    click.echo(
        f"{total:,} rows: " + ", ".join(f"{n:,} {s}" for s, n in header["rows_by_state"].items())
    )
    for reason in header["held"]:
        click.echo(f"Held: {reason}")


def _short(value: Scalar) -> Scalar:
    return value.splitlines()[0] + " …" if isinstance(value, str) and "\n" in value else value
