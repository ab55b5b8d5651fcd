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
    """The last success, what waits, what was refused or kept aside, and the next step.

    \b
    Example:
        leadloop status -o json
    """
    data = _data(settings(config, profile).store_url())
    emit(output, "status", data, rows=data["runs"], people=lambda: _tell(data))


def _data(url: str) -> dict[str, Any]:
    from connector.store.database import open_store
    from connector.store.incoming import reconciling, records
    from connector.store.outgoing import flapping, outbox, plans, questions
    from connector.store.passes import cycles
    from connector.store.running import health, leases, runs

    store = open_store(url)
    try:
        with store.read() as tx:
            last = runs.newest(tx, 5)
            waiting = plans.newest_plan(tx, "needs_approval")
            success = runs.last_done(tx)
            holder = min(leases.holders(tx), default=None)
            dead = outbox.dead(tx, 20)
            aside = records.count_quarantined(tx)
            return {
                "last_success": None
                if success is None
                else {"run": success.id, "at": _second(success.ended_at or success.started_at)},
                "running": None if holder is None else {"run": holder},
                "next": _next(last, holder, waiting, refused=len(dead), aside=aside),
                "runs": [
                    {
                        "run": run.id,
                        "command": run.command,
                        "status": run.status,
                        "at": _second(run.started_at),
                        "written": run.counts.get("apply", {}).get("applied", 0),
                        "error": run.error,
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
                    for row in dead
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


def _second(moment: int) -> str:
    return format_iso(moment // 1_000_000 * 1_000_000)


def _next(
    last: list[Any], holder: str | None, waiting: Any, *, refused: int, aside: int
) -> list[str]:
    """The steps a person may take now, the most pressing first; none when all is well."""
    steps = []
    if holder is not None:
        steps.append(f"run {holder} is going on: wait for it")
    elif not last:
        steps.append("nothing ran yet: leadloop run")
    elif last[0].status == "failed":
        steps.append(f"the last run failed ({last[0].error}): leadloop doctor")
    elif last[0].status in {"incomplete", "interrupted", "crashed", "running"}:
        steps.append(
            f"the last run did not end ({last[0].error or last[0].status}); what it did is saved: "
            "the next one goes on, or leadloop run now"
        )
    if waiting is not None:
        steps.append(
            f"a plan waits; everything else goes on: leadloop plan --show {waiting.id}, then "
            f"leadloop apply {waiting.id} --approve"
        )
    if refused:
        steps.append(f"the CRM refused {refused} records (below): mend its rule or the mapping")
    if aside:
        steps.append(f"{aside} rows could not be read (below): mend them, or the mapping")
    return steps


def _tell(data: dict[str, Any]) -> None:
    success = data["last_success"]
    click.echo(
        f"Last success  {success['at']}  run {success['run']}" if success else "No success yet"
    )
    for number, step in enumerate(data["next"]):
        click.echo(f"{'Next' if number == 0 else '':<13} {step}")
    if not data["next"]:
        click.echo("Next          nothing to do")
    table(data["runs"], ("run", "command", "status", "at", "written", "error"), title="Last runs")
    standing = [{"state": s, "people": n} for s, n in data["standing"].items()]
    table(standing, ("state", "people"), title="Where people stand")
    if data["waiting"]:
        for reason in data["waiting"]["held"]:
            click.echo(f"Held          {reason}")
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
