"""`leadloop simulate`: what another model would change, before anybody agrees to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from connector.cli.options import moment, now_option, settings, settings_options
from connector.cli.output import emit, table


@click.command()
@settings_options
@now_option
@click.option("--model", "model_", type=click.Path(path_type=Path), required=True,
              help="The new model file.")  # fmt: skip
@click.option("--by", default="region", show_default=True, help="The field that makes segments.")
@click.option("--markdown", is_flag=True, help="Print Markdown, for a pull request.")
def simulate(
    config: Path,
    profile: str | None,
    output: str,
    now: str | None,
    model_: Path,
    by: str,
    markdown: bool,
) -> None:
    """Score the live base by the agreed and by a new model; say who would cross the threshold.

    Reads the store only; nothing is written anywhere.

    \b
    Example:
        leadloop simulate --model model-2.yaml --by account.industry --markdown
    """
    from connector.scoring.model import load_model
    from connector.store.database import open_store
    from connector.sync.opening import agreed
    from connector.sync.simulation import as_markdown, replaced
    from connector.sync.simulation import simulate as run

    loaded = settings(config, profile)
    warnings: list[str] = []
    new = load_model(model_)
    store = open_store(loaded.store_url())
    try:
        old, routing = agreed(loaded, store, candidate=False, warn=warnings.append)
        data = run(store, loaded, old, replaced(old, new), routing, by=by, now=moment(now))
    finally:
        store.close()
    if markdown:
        click.echo(as_markdown(data))
        return
    emit(
        output,
        "simulate",
        data,
        rows=data["segments"],
        people=lambda: _tell(data),
        warnings=warnings,
    )


def _tell(data: dict[str, Any]) -> None:
    click.echo(
        f"{data['old']['name']} {data['old']['version'][:8]} -> "
        f"{data['new']['name']} {data['new']['version'][:8]}, {data['people']:,} people"
    )
    click.echo(
        f"Sales-ready: {data['ready_old']:,} -> {data['ready_new']:,} "
        f"({data['up']:,} up, {data['down']:,} down); "
        f"{data['changed_score']:,} scores differ, {data['mean_change']:+g} on average"
    )
    capacity = data["capacity"]
    if capacity["per_week"] is not None:
        click.echo(
            f"Capacity: {capacity['per_week']:,} a week; the newly ready fill "
            f"{capacity['weeks']:g} weeks"
        )
    columns = ("name", "people", "ready_old", "ready_new", "up", "down")
    table(data["segments"], columns, title=f"By {data['by']}")
    table(data["owners"], columns, title="By owner")
    table(data["movers"][:20], ("person", "old", "new", "crosses", "segment", "owner"),
          title="Who crosses")  # fmt: skip
