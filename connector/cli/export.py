"""`leadloop export`: people and activities as Parquet, for a cluster."""

from __future__ import annotations

from pathlib import Path

import click

from connector.cli.options import machine_clock, settings, settings_options
from connector.cli.output import emit


@click.command()
@settings_options
@click.option("--to", type=click.Path(path_type=Path, file_okay=False), required=True,
              help="The folder to write to; later runs write only who changed.")  # fmt: skip
def export(config: Path, profile: str | None, output: str, to: Path) -> None:
    """Write people and activities as Parquet, in buckets by a hash of the person.

    \b
    Example:
        leadloop export --to /shared/leadloop
    """
    from connector.engine.cluster import export_store
    from connector.store import runs
    from connector.store.database import open_store
    from connector.store.feed import activities_sql, people_sql
    from connector.sync.opening import agreed
    from connector.sync.score import EXPORTED

    loaded = settings(config, profile)
    warnings: list[str] = []
    run = runs.new_id(machine_clock())
    store = open_store(loaded.store_url())
    try:
        models, _ = agreed(loaded, store, candidate=False, warn=warnings.append)
        export_store(
            models,
            to,
            run,
            url=store.url,
            people=people_sql(store.dialect, models.person_fields(), only_stale=False),
            activities=activities_sql(store.dialect, EXPORTED, only_stale=False),
            memory=loaded.settings.engine.memory,
        )
    finally:
        store.close()
    data = {"folder": str(to), "run": run}
    emit(
        output,
        "export",
        data,
        people=lambda: click.echo(f"Written to {to} as run {run}"),
        warnings=warnings,
    )
