"""`leadloop backtest`: would the model have found those who bought?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from connector.cli.options import moment, now_option, settings, settings_options
from connector.cli.output import emit, table
from connector.domain.duration import parse_duration
from connector.domain.moment import Micros


class Span(click.ParamType[Micros]):
    """A duration such as 180d."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Micros:
        """Read it."""
        try:
            return value if isinstance(value, int) else parse_duration(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.command()
@settings_options
@now_option
@click.option("--horizon", type=Span(), default="180d", show_default=True,
              help="How long after the hand-off a sale still counts.")  # fmt: skip
@click.option("--sample", type=click.IntRange(min=1), help="Only this many leads, by chance.")
@click.option("--seed", type=int, default=0, show_default=True,
              help="The same seed draws the same leads.")  # fmt: skip
@click.option("--everybody", is_flag=True,
              help="Also leads that sales never had, as of their creation.")  # fmt: skip
@click.option("--without", multiple=True, metavar="FIELD",
              help="Leave out the rules that read this field; may be given again.")  # fmt: skip
@click.option("--dated", is_flag=True,
              help="Leave out the rules on fields whose values of then nobody kept.")  # fmt: skip
@click.option("--model", "model_", type=click.Path(path_type=Path, exists=True, dir_okay=False),
              help="Test this model instead of the one in the settings.")  # fmt: skip
def backtest(
    config: Path,
    profile: str | None,
    output: str,
    now: str | None,
    horizon: Micros,
    sample: int | None,
    seed: int,
    everybody: bool,
    without: tuple[str, ...],
    dated: bool,
    model_: Path | None,
) -> None:
    """Score past leads as of their hand-off, and compare with what became of them.

    Only activities before that moment count; leads younger than the horizon are left out. Where the
    mapping reads the CRM's own score into `crm_score`, that order is shown too.

    \b
    Example:
        leadloop backtest --horizon 90d --sample 200 --seed 1
    """
    from connector.scoring.choice import Models
    from connector.scoring.model import load_model
    from connector.store.database import open_store
    from connector.sync.opening import model_file
    from connector.sync.studies.backtest import Question, run_backtest

    loaded = settings(config, profile)
    models = model_file(loaded) if model_ is None else Models.only(load_model(model_))
    question = Question(horizon, moment(now), everybody, sample, seed, without, dated)
    store = open_store(loaded.store_url())
    try:
        data = run_backtest(store, loaded, models, question)
    finally:
        store.close()
    warnings = data["flags"] if data["n"] else []
    emit(
        output,
        "backtest",
        data,
        rows=data["bands"],
        people=lambda: _tell(data),
        warnings=warnings,
    )


def _tell(data: dict[str, Any]) -> None:
    model, left = data["model"], data["left_out"]
    click.echo(
        f"{model['name']} ({model['version']}) on {data['n']:,} past leads, won within "
        f"{data['horizon_days']:g} days: {data['won']:,}{_percent(data['rate'], ' ({})')}"
    )
    for one in data["models"] if len(data["models"]) > 1 else ():
        click.echo(f"  by model {one['name']} ({one['version']}): {one['n']:,}")
    for name, n in data["basis"].items():
        click.echo(f"  as of {name}: {n:,}")
    for name, n in left.items():
        click.echo(f"  left out, {name}: {n:,}")
    if not data["n"]:
        return
    _tell_confusion(data["confusion"], model["threshold"])
    rows = [
        {
            "score": f"{row['least']}-{row['most']}",
            "leads": row["n"],
            "won": row["won"],
            "rate": _percent(row["rate"]),
            "95%": _range(row["interval"]),
            "precision from here": _percent(row["above_precision"]),
            "recall from here": _percent(row["above_recall"]),
        }
        for row in reversed(data["bands"])
    ]
    table(rows, tuple(rows[0]), title="By score at the hand-off")
    halves = [_half(row) for row in data["halves"]]
    table(halves, tuple(halves[0]), title="The model by time")
    orders = [_order(row) for row in data["rankings"]]
    table(orders, tuple(orders[0]), title="Beside simpler orders of the same leads")
    for word in data["words"]:
        click.echo(word)


def _tell_confusion(found: dict[str, Any], threshold: float) -> None:
    click.echo(f"At the threshold of {threshold:g}")
    click.echo(f"  {'':<18}{'won':>8}{'not won':>9}")
    click.echo(f"  {'to sales':<18}{found['found']:>8,}{found['wasted']:>9,}")
    click.echo(f"  {'not to sales':<18}{found['missed']:>8,}{found['spared']:>9,}")
    for name in ("precision", "recall"):
        if found[name] is not None:
            click.echo(
                f"  {name} {_percent(found[name])} (95%: {_range(found[f'{name}_interval'])})"
            )


def _half(row: dict[str, Any]) -> dict[str, Any]:
    told = {"leads": row["name"], "n": row["n"], "won": row["won"], **_area("AUC", row["auc"])}
    return told | {name: _percent(row[name]) for name in ("precision", "recall")}


def _area(name: str, found: dict[str, float] | None) -> dict[str, str]:
    if found is None:
        return {name: "-", f"{name} 95%": "-"}
    return {
        name: f"{found['value']:.3f}",
        f"{name} 95%": f"{found['low']:.3f} to {found['high']:.3f}",
    }


def _order(row: dict[str, Any]) -> dict[str, Any]:
    told = {"order": row["name"], **_area("AUC", row["auc"]), **_area("PR area", row["pr"])}
    for lift in row["lifts"]:
        times = "-" if lift["lift"] is None else f"{lift['lift']:.2f}x"
        told[f"top {100 * lift['share']:g}%"] = times
    return told


def _percent(share: float | None, form: str = "{}") -> str:
    return "" if share is None else form.format(f"{share:.1%}")


def _range(bounds: tuple[float, float] | None) -> str:
    return "" if bounds is None else f"{bounds[0]:.1%} to {bounds[1]:.1%}"
