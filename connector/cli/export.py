"""`leadloop export`: what is known, for analysts and for a cluster."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from connector.cli.options import machine_clock, settings, settings_options
from connector.cli.output import emit, table
from connector.errors import UsageError

if TYPE_CHECKING:
    from connector.config.load import Loaded
    from connector.store.database import Store


@click.command()
@settings_options
@click.option("--to", type=click.Path(path_type=Path, file_okay=False), required=True,
              help="The folder to write to; later runs write only who changed.")  # fmt: skip
@click.option("--format", "form", type=click.Choice(["parquet", "csv"]), default="parquet",
              show_default=True, help="CSV writes the files for analysts alone.")  # fmt: skip
@click.option("--only", default="all", show_default=True,
              type=click.Choice(["all", "analysts", "report", "cluster"]),
              help="Views, tables of the report, or what a cluster scores.")  # fmt: skip
def export(
    config: Path,
    profile: str | None,
    output: str,
    to: Path,
    form: Literal["parquet", "csv"],
    only: str,
) -> None:
    """Write what is known: for analysts one file a view, for a cluster everybody who changed.

    TO/views holds people, scores, cycles, moves, dispositions and activities, whole each time and
    without names or addresses; docs/analysts.md tells what their columns mean. TO/report holds the
    tables of the report, always as CSV. With Parquet,
    TO/people and TO/activities are for a cluster, in buckets by a hash of the person. The same
    views stand in the store itself, as analyst_people and so on.

    \b
    Example:
        leadloop export --to ./analysis --format csv
        leadloop export --to /shared/leadloop --only cluster
    """
    from connector.report.figures import report_figures
    from connector.report.tables import write_tables
    from connector.store.database import open_store
    from connector.store.running import runs
    from connector.sync.upkeep.exporting import export_views
    from connector.sync.upkeep.outside import note_export

    if form == "csv" and only == "cluster":
        raise UsageError("a cluster reads Parquet", hint="Leave --format out")
    loaded = settings(config, profile)
    warnings: list[str] = []
    run = runs.new_id(machine_clock())
    files: list[tuple[str, int]] = []
    store = open_store(loaded.store_url())
    try:
        with store.write() as tx:
            note_export(tx, to)
        if form == "parquet" and only in ("all", "cluster"):
            _for_cluster(loaded, store, to, run, warnings)
        if only in ("all", "analysts"):
            files = [(f"views/{name}", n) for name, n in export_views(store, to / "views", form)]
        if only in ("all", "report"):
            data = report_figures(store, loaded, machine_clock(), warnings)
            files += [(f"report/{name}", n) for name, n in write_tables(data, to / "report")]
    except OSError as error:
        raise UsageError(
            f"{to} cannot be written: {error.strerror}", hint="Name a folder you may write to"
        ) from error
    finally:
        store.close()
    rows = [{"file": name, "rows": count} for name, count in files]
    told = {"folder": str(to), "run": run, "files": rows}

    def tell() -> None:
        click.echo(f"Written to {to} as run {run}")
        if rows:
            table(rows, ("file", "rows"))

    emit(output, "export", told, rows=rows, people=tell, warnings=warnings)


def _for_cluster(loaded: Loaded, store: Store, to: Path, run: str, warnings: list[str]) -> None:
    from connector.engine.cluster import export_store
    from connector.store.scored.feed import activities_sql, people_sql
    from connector.sync.opening import agreed
    from connector.sync.score import EXPORTED

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
