"""`leadloop learn`: points out of outcomes, for a person to merge."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from connector.cli.options import settings, settings_options
from connector.cli.output import emit, table
from connector.errors import UsageError

_PATH = click.Path(path_type=Path)


def _list(_ctx: click.Context, _param: click.Parameter, value: str | None) -> list[str]:
    return [name.strip() for name in (value or "").split(",") if name.strip()]


@click.command()
@settings_options
@click.option("--table", "table_", type=_PATH, help="Learn from this CSV or Parquet file instead.")
@click.option("--target", help="With --table: the column that holds the outcome.")
@click.option("--time", help="With --table: the column to split by time.")
@click.option("--positive", help="With --table: the good outcome, as the table spells it.")
@click.option("--exclude", callback=_list, help="Fields not to learn from, with commas between.")
@click.option("--rising", callback=_list, help="Numbers whose points must not fall.")
@click.option("--falling", callback=_list, help="Numbers whose points must not rise.")
@click.option("--label", type=click.Choice(["accepted", "qualified", "won"]), default="qualified",
              show_default=True, help="What counts as a good outcome of a hand-off.")  # fmt: skip
@click.option("--out", type=_PATH, help="Write the revised model here.")
def learn(
    config: Path,
    profile: str | None,
    output: str,
    table_: Path | None,
    target: str | None,
    time: str | None,
    positive: str | None,
    exclude: list[str],
    rising: list[str],
    falling: list[str],
    label: str,
    out: Path | None,
) -> None:
    """Learn points from what sales decided, or from any table.

    Proposes a change of model.yaml with the evidence of each rule; a person merges it.

    \b
    Example:
        leadloop learn --label won --exclude lead_source
        leadloop learn --table leads.csv --target won --time created -o json
    """
    _needs_sklearn()
    monotone: dict[str, Any] = {**dict.fromkeys(rising, "up"), **dict.fromkeys(falling, "down")}
    if table_ is not None:
        from connector.sync.studies.table_learning import learn_table

        if target is None:
            raise click.UsageError("--table needs --target")
        data = learn_table(
            table_, target, time=time, exclude=exclude, positive=positive, monotone=monotone
        )
    else:
        data = _from_store(config, profile, label, exclude, monotone)
        if out is not None and data["revised"] is not None:
            out.write_text(data["revised"], encoding="utf-8")
    emit(
        output,
        "learn",
        data,
        rows=data["points"] or data["watch"] or [],
        people=lambda: _tell(data),
        warnings=data["warnings"],
    )


def _needs_sklearn() -> None:
    from importlib.util import find_spec

    if find_spec("sklearn") is None:
        raise UsageError(
            "learning needs scikit-learn, which is not installed",
            hint='Run: pip install "leadloop[learn]"',
        )


def _from_store(
    config: Path, profile: str | None, label: str, exclude: list[str], monotone: dict[str, Any]
) -> dict[str, Any]:
    from connector.store.database import open_store
    from connector.sync.opening import model_file
    from connector.sync.studies.learning import learn_store

    loaded = settings(config, profile)
    chosen = loaded.settings.model
    path = loaded.path(chosen if isinstance(chosen, str) else chosen[-1].path)
    models = model_file(loaded)
    store = open_store(loaded.store_url())
    try:
        return learn_store(
            store, loaded, models, path, label=label, exclude=exclude, monotone=monotone
        )
    finally:
        store.close()


def _tell(data: dict[str, Any]) -> None:
    click.echo(f"{data['n']:,} outcomes: {data['won']:,} good, {data['lost']:,} not")
    if data["watch"] is not None:
        table(data["watch"], ("field", "value", "won", "all"), title="What wins share so far")
        return
    click.echo(
        f"AUC {data['auc']:.3f} in cross-validation (spread {data['auc_spread']:.3f}), "
        f"calibration error {data['ece']:.3f}"
    )
    if (found := data["temporal"]) is not None:
        click.echo(
            f"AUC {found['auc']:.3f} ({found['low']:.3f} to {found['high']:.3f}) on the newest "
            f"{found['tested_on']:,}, learnt from the {found['learnt_from']:,} before"
        )
    if (found := data.get("backtest")) is not None:
        old = found["old"]
        click.echo(f"The model in force: {old['auc']:.3f} ({old['low']:.3f} to {old['high']:.3f})")
    rows = [
        {**row, "rate": f"{row['rate']:.1%}", "95%": f"{row['low']:.1%} to {row['high']:.1%}",
         "lift": f"{row['lift']:.2f}", "bin": _bin(row["bin"])}
        for row in data["points"]
    ]  # fmt: skip
    table(rows, ("field", "bin", "points", "n", "won", "rate", "95%", "lift"), title="Points")
    for row in data.get("contradictions", []):
        click.echo(
            f"{row['contradicted']} of {row['n']} rejected as {row['reason']} match the model"
        )
    if data.get("patch"):
        click.echo(data["patch"])


def _bin(one: dict[str, Any]) -> str:
    if one["missing"]:
        return "unknown"
    if one["rest"]:
        return "any other"
    if one["texts"]:
        return ", ".join(one["texts"])
    low, high = one["low"], one["high"]
    return f"[{'' if low is None else f'{low:g}'}, {'' if high is None else f'{high:g}'})"
