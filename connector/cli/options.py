"""Options that commands share, and what they lead to."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from connector.config.load import Loaded, load_settings
from connector.domain.moment import Micros, parse_iso
from connector.errors import LeadloopError, UsageError

if TYPE_CHECKING:  # what runs the loop is loaded by the commands that run it
    from connector.cli.progress import Progress
    from connector.sync.context import Loop

F = TypeVar("F", bound=Callable[..., Any])

output_option = click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "json", "csv"]),
    default="table",
    show_default=True,
    help="For people, for programs, or for spreadsheets.",
)
config_option = click.option(
    "-c",
    "--config",
    type=click.Path(path_type=Path),
    default=Path("leadloop.yaml"),
    show_default=True,
    help="The settings file.",
)
profile_option = click.option("-p", "--profile", help="Lay this profile over the settings.")
now_option = click.option(
    "--now", help="Decide as of this moment (ISO 8601 with zone), for rehearsals. Default: now."
)
quiet_option = click.option("-q", "--quiet", is_flag=True, help="No progress, only the result.")


def settings_options(function: F) -> F:
    """Add --config, --profile and --output."""
    return config_option(profile_option(output_option(function)))


def loop_options(function: F) -> F:
    """Add what commands that open the loop take."""
    return settings_options(now_option(quiet_option(function)))


def machine_clock() -> Micros:
    """Read the machine's clock: the only place of the command line that does."""
    return time.time_ns() // 1000


def moment(text: str | None) -> Micros:
    """Read --now; the machine's clock when it is not given."""
    if text is None:
        return machine_clock()
    try:
        return parse_iso(text)
    except ValueError:
        raise UsageError(
            f"--now `{text}` is not a moment with its zone", hint="Write 2026-11-24T09:30:00Z"
        ) from None


def settings(config: Path, profile: str | None) -> Loaded:
    """Read the settings file."""
    return load_settings(config, profile=profile)


@contextmanager
def opened(
    loaded: Loaded,
    *,
    command: str,
    now: str | None,
    quiet: bool,
    candidate: bool,
    warnings: list[str],
) -> Iterator[tuple[Loop, Progress]]:
    """Open the loop for a command; warnings are gathered for the result, or go with the error."""
    from connector.cli.memory import leave_alone_what_is_loaded
    from connector.cli.progress import Progress
    from connector.cli.stopping import stopping
    from connector.sync.opening import open_loop

    progress = Progress(quiet=quiet)

    def tell(step: str, counts: Mapping[str, int]) -> None:
        progress(step, counts)
        stop.check()

    with (
        stopping() as stop,
        open_loop(
            loaded,
            now=moment(now),
            clock=machine_clock,
            command=command,
            candidate=candidate,
            tell=tell,
            warn=warnings.append,
            note=progress.log,
        ) as loop,
    ):
        leave_alone_what_is_loaded()
        try:
            yield loop, progress
        except LeadloopError as error:
            for one in warnings:
                error.add_note(one)
            raise
        finally:
            progress.done()
