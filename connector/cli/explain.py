"""`leadloop explain`: why this score, and why did I get this lead."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from connector.cli.options import moment, settings, settings_options
from connector.cli.output import emit, table


@click.command()
@click.argument("person")
@click.option("--at", help="As of this moment (ISO 8601 with zone). Default: now.")
@settings_options
def explain(person: str, at: str | None, config: Path, profile: str | None, output: str) -> None:
    """Why a person has this score, this state and this owner.

    PERSON is a person id, a record (connection/object/id), or a CRM id that is unique.

    \b
    Example:
        leadloop explain crm/lead/42 --at 2026-11-01T00:00:00Z
    """
    from connector.store.database import open_store
    from connector.sync.opening import agreed
    from connector.sync.studies.explanation import explanation
    from connector.sync.studies.reckoning import reckoning

    loaded = settings(config, profile)
    warnings: list[str] = []
    store = open_store(loaded.store_url())
    try:
        data = explanation(store, person)
        if data["excluded"] is None:
            models, _ = agreed(loaded, store, candidate=False, warn=warnings.append)
            data["reckoning"] = reckoning(store, models, data["person"], moment(at))
    finally:
        store.close()
    emit(output, "explain", data, people=lambda: tell(data), warnings=warnings)


def tell(data: dict[str, Any]) -> None:
    """Print an explanation for people."""
    score = data["score"]
    click.echo(f"{data['person']}  ({len(data['records'])} records)")
    if len(data["records"]) > 1:
        click.echo(f"Joined from {', '.join(data['records'])}")
    if data["excluded"]:
        click.echo(f"Left out: {data['excluded']}")
    if score is None:
        click.echo("Not scored yet: leadloop run")
        return
    ready = "sales-ready" if score["sales_ready"] else "not sales-ready"
    click.echo(
        f"Score {score['score']}  grade {score['grade']}  fit {score['fit']:.0f}  "
        f"behaviour {score['behaviour']:.0f}  {ready}  model {score['model'][:8]}"
    )
    if score["action"]:
        click.echo(f"What to do at this score: {score['action'].replace('_', ' ')}")
    for line in score["lines"]:
        click.echo(f"  {line['points']:+7.2f}  {line['rule']}  ({line['part']})")
    _tell_reckoning(data.get("reckoning"))
    if data["cycle"]:
        one = data["cycle"]
        click.echo(f"Cycle {one['number']}: {one['state']} since {one['since']} ({one['why']})")
        if one["owner"]:
            click.echo(f"Owner: {one['owner']}")
    for sentence in data["why_owner"]:
        click.echo(f"  {sentence}")
    if data["account_matches"]:
        columns = ("account", "name", "confidence", "why", "counts")
        table(data["account_matches"], columns, title="Accounts it may belong to")
    for route in data["routing"][:-1]:
        click.echo(f"Routed before, {route['at']}: {route['rule']} -> {route['owner'] or 'held'}")
    table(data["moves"], ("at", "before", "after", "why", "by"), title="Moves")
    table(
        data["activities"], ("at", "type", "what", "counted", "evidence"), title="Last activities"
    )


def _tell_reckoning(reckoned: dict[str, Any] | None) -> None:
    if reckoned is None:
        return
    click.echo(f"As of {reckoned['at']}, by the model {reckoned['model']['name']}:")
    for sentence in reckoned["sentences"]:
        click.echo(f"  {sentence}")
