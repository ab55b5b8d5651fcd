"""`leadloop threshold`: where it could stand, and what each place would mean."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from connector.cli.options import moment, now_option, settings, settings_options
from connector.cli.output import emit, table


def _per_week(_ctx: click.Context, _param: click.Parameter, value: str | None) -> float | None:
    if value is None:
        return None
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(?:(?:/|a|per)\s*week)?\s*", value)
    if match is None:
        raise click.BadParameter('write how many sales can take, such as "40 a week"')
    return float(match[1])


@click.command()
@settings_options
@now_option
@click.option("--scenarios", type=click.Path(path_type=Path),
              help="Personas. Default: scenarios.yaml beside the model.")  # fmt: skip
@click.option("--capacity", callback=_per_week, help='How many sales can take: "40 a week".')
@click.option("--cost", type=click.FloatRange(min=0), help="What working one lead costs.")
@click.option("--value", type=click.FloatRange(min=0), help="What a won one is worth.")
@click.option("--by", default="region", show_default=True, help="The field that makes segments.")
def threshold(
    config: Path,
    profile: str | None,
    output: str,
    now: str | None,
    scenarios: Path | None,
    capacity: float | None,
    cost: float | None,
    value: float | None,
    by: str,
) -> None:
    """Propose a threshold: from scenarios, from what sales can take, from cost and value.

    Proposes only: the threshold stands in the model, which both teams agree on.

    \b
    Example:
        leadloop threshold --capacity "40 a week" --cost 60 --value 9000
    """
    from connector.cli.check import scenarios_beside
    from connector.store.database import open_store
    from connector.sync.opening import model_file
    from connector.sync.studies.thresholding import Wishes, propose

    if (cost is None) != (value is None):
        raise click.UsageError("--cost and --value belong together")
    loaded = settings(config, profile)
    models = model_file(loaded)
    store = open_store(loaded.store_url())
    try:
        data = propose(
            store,
            loaded,
            models,
            scenarios or scenarios_beside(loaded),
            Wishes(capacity, cost, value, by),
            moment(now),
        )
    finally:
        store.close()
    emit(output, "threshold", data, rows=data["curve"], people=lambda: _tell(data))


def _tell(data: dict[str, Any]) -> None:
    click.echo(f"The threshold is {data['model']['threshold']:g} ({data['model']['name']})")
    _tell_scenarios(data["scenarios"])
    if (found := data["capacity"]) is not None:
        place = "even 100 lets more through" if found["threshold"] is None else found["threshold"]
        click.echo(f"By capacity: {place} ({found['per_week']:g} a week reach it)")
    if (found := data["money"]) is not None:
        if found["threshold"] is None:
            click.echo(f"By money: too few outcomes ({found['won']} won, {found['lost']} not)")
        else:
            click.echo(f"By money: {found['threshold']}, worth {found['profit']:,.2f} in the past")
    for side, found in data["around"].items():
        rate = "-" if found["rate"] is None else f"{found['rate']:.1%}"
        click.echo(
            f"Accepted in the five points {side}: {found['accepted']} of {found['n']} ({rate})"
        )
    found = data["feedback"]
    place = f"{found['threshold']:g}, for " if found["threshold"] is not None else ""
    click.echo(f"By what sales said: {place}{found['why']}")
    table(data["curve"], ("threshold", "per_week", "past", "won", "rate", "missed"), title="Curve")
    rows = [
        {**row, "proposed": (row.get("capacity") or {}).get("threshold")}
        for row in data["segments"]
    ]
    table(rows, ("segment", "active", "past", "accepted", "proposed"), title="By segment")
    for note in data["notes"]:
        click.echo(note)


def _tell_scenarios(found: dict[str, Any] | None) -> None:
    if found is None or found["highest"] is None:
        click.echo("By scenarios: none is expected to be sales-ready by its score")
        return
    click.echo(
        f"By scenarios: at most {found['highest']} (`{found['weakest_ready']}` has "
        f"{found['weakest_score']})"
    )
    if found["gap"] is not None:
        click.echo(
            f"  the best that must not pass is `{found['best_not_ready']}` with "
            f"{found['best_score']}: a gap of {found['gap']}"
        )
