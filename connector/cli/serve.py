"""`leadloop serve`: the loop on a schedule, with webhooks, pages and metrics."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import click

from connector.cli.options import config_option, machine_clock, profile_option, settings
from connector.errors import UsageError


@click.command()
@config_option
@profile_option
@click.option("--host", help="Instead of `serve: host:`.")
@click.option("--port", type=click.IntRange(0, 65535), help="Instead of `serve: port:`.")
@click.option("--no-schedule", is_flag=True, help="Pages and webhooks only; run elsewhere.")
def serve(
    config: Path, profile: str | None, host: str | None, port: int | None, no_schedule: bool
) -> None:
    """Run the loop on a schedule, take webhooks, and serve pages and metrics until SIGTERM.

    /report, /status and /explain/PERSON are for people and only read; /livez, /readyz and /metrics
    for machines; POST /hooks/CONNECTION for a CRM's calls. Binds 127.0.0.1 unless told otherwise.

    \b
    Example:
        leadloop serve --port 8080
    """
    missing = [name for name in ("starlette", "uvicorn", "apscheduler") if not find_spec(name)]
    if missing:
        raise UsageError(
            f"serving needs {', '.join(missing)}, which is not installed",
            hint='Run: pip install "leadloop[serve]"',
        )
    from connector.cli.progress import Progress
    from connector.serve.server import serve as serving

    loaded = settings(config, profile)
    given = {key: value for key, value in (("host", host), ("port", port)) if value is not None}
    changed = loaded.settings.serve.model_copy(update=given)
    loaded = loaded._replace(settings=loaded.settings.model_copy(update={"serve": changed}))
    command = [
        sys.executable,
        "-m",
        "connector",
        "run",
        "--config",
        str(config.resolve()),
        "-o",
        "json",
    ]
    command += ["--profile", profile] if profile else []
    serving(
        loaded,
        clock=machine_clock,
        note=Progress(quiet=False).log,
        command=None if no_schedule else command,
        ready=lambda address: click.echo(f"Serving on {address}"),
    )
