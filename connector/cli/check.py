"""`leadloop check`: the files, offline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from connector.cli.options import machine_clock, settings, settings_options
from connector.cli.output import emit
from connector.config.load import Loaded


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
        click.echo(f"{len(data['failures'])} failed, {len(data['findings'])} to look at")

    status = "failed" if data["failures"] else "ok"
    emit(output, "check", data, people=tell, status=status)
    if data["failures"]:
        raise click.exceptions.Exit(2)


def _data(loaded: Loaded, scenarios: Path | None) -> dict[str, Any]:
    from connector.scoring.lint import lint
    from connector.sync.opening import mapping_of, model_file, routing_file

    checked = [f"settings: {len(loaded.settings.connections)} connections"]
    for connection in loaded.settings.connections:
        document = mapping_of(loaded, connection)
        checked.append(f"mapping {connection.mapping}: {len(document.objects)} objects")
    model = model_file(loaded)
    rules = len(list(model.all_rules()))
    checked.append(f"model {model.name}: {rules} rules, version {model.hash[:8]}")
    routing = routing_file(loaded)
    if routing is not None:
        checked.append(f"routing: {len(routing.rules)} rules, {len(routing.pools)} pools")
    findings = lint(model)
    failures: list[str] = []
    path = scenarios or _beside(loaded)
    if path is not None:
        count, wrong, unreached = _play(path, model)
        checked.append(
            f"scenarios: {count - len({w.split(':')[0] for w in wrong})} of {count} agree"
        )
        failures += wrong
        findings += unreached
    return {"checked": checked, "findings": findings, "failures": failures}


def _beside(loaded: Loaded) -> Path | None:
    chosen = loaded.settings.model
    name = chosen if isinstance(chosen, str) else chosen[0].path
    path = loaded.path(name).with_name("scenarios.yaml")
    return path if path.is_file() else None


def _play(path: Path, model: Any) -> tuple[int, list[str], list[str]]:
    from connector.documents import load
    from connector.engine.small import score_rows
    from connector.scoring.lint import unreached
    from connector.scoring.scenarios import Scenarios, frames, judge

    personas = load(path, Scenarios).scenarios
    now = machine_clock()
    scored = score_rows(model, *frames(model, personas, now), now)
    scores = [score for score, _ in scored]
    return len(personas), judge(personas, scores), unreached(model, scores)
