"""`leadloop score`: the engine alone, over files."""

from __future__ import annotations

from pathlib import Path

import click

from connector.cli.options import moment

_PATH = click.Path(path_type=Path)


@click.command()
@click.option("--model", type=_PATH, required=True, help="model.yaml")
@click.option("--people", type=_PATH, required=True, help="CSV or Parquet: person, then fields.")
@click.option("--activities", type=_PATH, help="CSV or Parquet: person, id, type, time ...")
@click.option("--now", required=True, help="Score as of this moment (ISO 8601 with zone).")
@click.option("--out", type=_PATH, required=True, help="CSV or Parquet to write.")
@click.option("--contributions", is_flag=True, help="Add one column a rule: its raw points.")
def score(
    model: Path, people: Path, activities: Path | None, now: str, out: Path, contributions: bool
) -> None:
    """Score CSV or Parquet files, without a store.

    \b
    Example:
        leadloop score --model model.yaml --people people.csv --activities activities.parquet \\
            --now 2026-11-24T00:00:00Z --out scores.csv
    """
    from connector.engine.run import score_files
    from connector.scoring.model import load_model

    score_files(
        load_model(model),
        people=people,
        activities=activities,
        now=moment(now),
        out=out,
        contributions=contributions,
    )
    click.echo(f"Scores are in {out}")
