"""`leadloop check`: the files, offline."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from connector.cli.options import machine_clock, settings, settings_options
from connector.cli.output import emit, table
from connector.config.load import Loaded

if TYPE_CHECKING:
    from connector.scoring.choice import Models


@click.command()
@settings_options
@click.option(
    "--scenarios",
    type=click.Path(path_type=Path),
    help="Personas to check the model with. Default: scenarios.yaml beside the model.",
)
def check(config: Path, profile: str | None, output: str, scenarios: Path | None) -> None:
    """Check the files, and the model against its scenarios. Reads no CRM.

    \b
    Example:
        leadloop check --scenarios scenarios.yaml
    """
    loaded = settings(config, profile)
    data = _data(loaded, scenarios)

    def tell() -> None:
        for line in data["checked"]:
            click.echo(f" ok   {line}")
        for line in data["findings"]:
            click.echo(f" look {line}")
        for line in data["failures"]:
            click.echo(f" FAIL {line}")
        if data["scenarios"]:
            columns = ("scenario", "score", "threshold", "distance", "sales_ready", "by")
            table(data["scenarios"], columns, title="Scenarios and their distance to the threshold")
        click.echo(f"{len(data['failures'])} failed, {len(data['findings'])} to look at")

    status = "failed" if data["failures"] else "ok"
    emit(output, "check", data, people=tell, status=status)
    if data["failures"]:
        raise click.exceptions.Exit(2)


def _data(loaded: Loaded, scenarios: Path | None) -> dict[str, Any]:
    from connector.scoring.lint import lint
    from connector.sync.opening import mapping_of, model_file, routing_file
    from connector.sync.planning.sides import both_sides

    checked = [f"settings: {len(loaded.settings.connections)} connections"]
    for connection in loaded.settings.connections:
        document = mapping_of(loaded, connection)
        checked.append(f"mapping {connection.mapping}: {len(document.objects)} objects")
    models = model_file(loaded)
    findings: list[str] = []
    for model, _ in models:
        rules = len(list(model.all_rules()))
        checked.append(f"model {model.name}: {rules} rules, version {model.hash[:8]}")
        name = f"{model.name}: " if len(models.choices) > 1 else ""
        findings += [f"{name}{finding}" for finding in lint(model)]
    routing = routing_file(loaded)
    if routing is not None:
        checked.append(f"routing: {len(routing.rules)} rules, {len(routing.pools)} pools")
    findings += _slas(loaded)
    findings += [f"{one.said}. {one.fix}" for one in both_sides(loaded)]
    data = {"checked": checked, "findings": findings, "failures": [], "scenarios": []}
    path = scenarios or scenarios_beside(loaded)
    if path is not None:
        _play(path, models, data)
    return data


def _slas(loaded: Loaded) -> list[str]:
    from connector.decisions.sla import OTHERS, Tier, cannot_be_kept
    from connector.domain.moment import parse_iso
    from connector.sync.opening import calendar_of

    sla = loaded.settings.sla
    if loaded.settings.stage != "route":
        return []  # nobody is handed off yet
    tiers = [Tier(t.name, t.first_touch, t.fast_track, t.score) for t in sla.tiers]
    tiers.append(Tier(OTHERS, sla.first_touch))
    monday = parse_iso("2026-01-05T00:00:00Z")
    every = sla.every
    if every is None and "every" in loaded.settings.serve.model_fields_set:
        every = loaded.settings.serve.every
    return cannot_be_kept(tiers, every, calendar_of(loaded), monday)


def scenarios_beside(loaded: Loaded) -> Path | None:
    """Give the personas beside the (last) model, if there are any."""
    chosen = loaded.settings.model
    name = chosen if isinstance(chosen, str) else chosen[-1].path
    path = loaded.path(name).with_name("scenarios.yaml")
    return path if path.is_file() else None


def _play(path: Path, models: Models, data: dict[str, Any]) -> None:
    from connector.documents import load
    from connector.scoring.lint import unreached
    from connector.scoring.scenarios import Scenarios, judge
    from connector.sync.studies.rehearsal import distances, play

    personas = load(path, Scenarios).scenarios
    scores = play(models, personas, machine_clock())
    wrong = judge(personas, scores)
    agree = len(personas) - len({line.split(":")[0] for line in wrong})
    data["checked"].append(f"scenarios: {agree} of {len(personas)} agree")
    data["failures"] += wrong
    data["findings"] += unreached(scores)
    data["scenarios"] = distances(scores)
