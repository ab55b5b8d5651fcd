"""`leadloop status`: what ran, what waits, what was refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from connector.cli.options import machine_clock, settings, settings_options
from connector.cli.output import emit, table
from connector.domain.moment import format_iso


@click.command()
@settings_options
def status(config: Path, profile: str | None, output: str) -> None:
    """Last runs, what waits for approval, where cycles stand, what was refused or kept aside.

    \b
    Example:
        leadloop status -o json
    """
    data = _data(settings(config, profile).store_url())
    emit(output, "status", data, rows=data["runs"], people=lambda: _tell(data))


def _data(url: str) -> dict[str, Any]:
    from connector.store import (
        cycles,
        flapping,
        health,
        outbox,
        plans,
        questions,
        reconciling,
        records,
        runs,
    )
    from connector.store.database import open_store

    store = open_store(url)
    try:
        with store.read() as tx:
            last = runs.newest(tx, 5)
            waiting = plans.newest_plan(tx, "needs_approval")
            return {
                "runs": [
                    {
                        "run": run.id,
                        "command": run.command,
                        "status": run.status,
                        "at": format_iso(run.started_at // 1_000_000 * 1_000_000),
                        "written": run.counts.get("apply", {}).get("applied", 0),
                    }
                    for run in last
                ],
                "waiting": None
                if waiting is None
                else {"plan": waiting.id, "held": waiting.held, "counts": waiting.counts},
                "standing": cycles.standing(tx),
                "refused": [
                    {
                        "object": row.object,
                        "record": row.record,
                        "code": row.code,
                        "field": row.field,
                        "message": row.message,
                        "hint": row.hint,
                    }
                    for row in outbox.dead(tx, 20)
                ],
                "troubled": [
                    {
                        "connection": name,
                        "state": how.state,
                        "code": how.code,
                        "until": format_iso(how.until // 1_000_000 * 1_000_000)
                        if how.until
                        else None,
                    }
                    for name, how in health.every(tx).items()
                ],
                "drift": [
                    {**one._asdict(), "at": format_iso(one.at), "share": one.share}
                    for one in reconciling.last(tx)
                ],
                "left_alone": [
                    {"record": f"{row['object']}/{row['record']}", "field": row["field"]}
                    for row in flapping.stopped(tx, machine_clock(), 20)
                ],
                "to_decide": len(questions.opened(tx)),
                "kept_aside": [
                    {"place": row["place"], "reason": row["reason"]}
                    for row in records.quarantined(tx, 20)
                ],
            }
    finally:
        store.close()


def _tell(data: dict[str, Any]) -> None:
    table(data["runs"], ("run", "command", "status", "at", "written"), title="Last runs")
    standing = [{"state": s, "people": n} for s, n in data["standing"].items()]
    table(standing, ("state", "people"), title="Where people stand")
    if data["refused"]:
        table(data["refused"], ("object", "record", "code", "message"), title="Refused by the CRM")
    if data["troubled"]:
        table(data["troubled"], ("connection", "state", "code", "until"), title="In trouble")
    if data["left_alone"]:
        table(data["left_alone"], ("record", "field"), title="Set back by somebody each time")
    if data["to_decide"]:
        click.echo(f"{data['to_decide']} fields wait for an answer: leadloop runs conflicts")
    if data["kept_aside"]:
        table(data["kept_aside"], ("place", "reason"), title="Rows kept aside")
    if data["waiting"]:
        click.echo(f"Waits for approval: {data['waiting']['plan']}")
        click.echo(f"Look at it:         leadloop plan --show {data['waiting']['plan']}")
