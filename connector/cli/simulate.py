"""`leadloop simulate`: what another model would change, before anybody agrees to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from connector.cli.options import moment, now_option, settings, settings_options
from connector.cli.output import emit, table
from connector.config.load import Loaded


@click.command()
@settings_options
@now_option
@click.option("--model", "model_", type=click.Path(path_type=Path), help="The new model file.")
@click.option("--routing", "routing_", type=click.Path(path_type=Path),
              help="The new routing file: leads per owner and pool, old and new.")  # fmt: skip
@click.option("--by", default="region", show_default=True, help="The field that makes segments.")
@click.option("--markdown", is_flag=True, help="Print Markdown, for a pull request.")
def simulate(
    config: Path,
    profile: str | None,
    output: str,
    now: str | None,
    model_: Path | None,
    routing_: Path | None,
    by: str,
    markdown: bool,
) -> None:
    """Hold a new model, or new routing, against the agreed one on the live base.

    For a model: who would cross the threshold. For routing: how many of those who are with sales
    or ready for it each owner and pool would get, against what they take in a week.

    Reads the store only; nothing is written anywhere.

    \b
    Example:
        leadloop simulate --model model-2.yaml --by account.industry --markdown
        leadloop simulate --routing routing-2.yaml
    """
    from connector.scoring.model import load_model
    from connector.store.database import open_store
    from connector.sync.opening import agreed
    from connector.sync.studies.simulation import as_markdown, replaced
    from connector.sync.studies.simulation import simulate as run

    if (model_ is None) == (routing_ is None):
        raise click.UsageError("give either --model or --routing")
    if routing_ is not None:
        _routing(settings(config, profile), routing_, output, moment(now))
        return
    assert model_ is not None  # noqa: S101  one of them is given
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


def _routing(loaded: Loaded, path: Path, output: str, now: int) -> None:
    from connector.decisions.routing_document import Routing
    from connector.documents import load
    from connector.store.database import open_store
    from connector.sync.opening import agreed
    from connector.sync.studies.fairness import rehearse

    warnings: list[str] = []
    new = load(path, Routing)
    connections = loaded.settings.connections
    name = next((c.name for c in connections if c.handoff), connections[0].name)
    store = open_store(loaded.store_url())
    try:
        models, old = agreed(loaded, store, candidate=False, warn=warnings.append)
        data = rehearse(store, old, new, models, name, now)
    finally:
        store.close()

    def tell() -> None:
        click.echo(f"{data['people']:,} people with sales or ready for it, routed by both files")
        table(data["pools"], ("pool", "old", "new", "per_week"), title="By pool")
        columns = ("pool", "owner", "old", "new", "change", "per_week")
        table(data["owners"], columns, title="By owner")

    emit(output, "simulate", data, rows=data["owners"], people=tell, warnings=warnings)


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
