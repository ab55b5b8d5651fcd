"""A command whose end is told to others: metrics, heartbeat, alerts, and one log line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from connector.cli.options import machine_clock
from connector.cli.telling import EXIT
from connector.config.load import Loaded
from connector.errors import LeadloopError, LeaseHeldError

if TYPE_CHECKING:
    from connector.sync.run import Result


class Watched:
    """Takes down how the command ended."""

    def __init__(self) -> None:
        self.run = ""
        self.result: Result | None = None


@contextmanager
def watched(loaded: Loaded, command: str) -> Iterator[Watched]:
    """Tell others how the command within ended, well or ill. A skipped one is not told of."""
    watched = Watched()
    started = machine_clock()
    try:
        yield watched
    except LeaseHeldError:
        raise
    except LeadloopError as error:
        said = (type(error).code, error.hint)
        _tell(loaded, command, watched, started, error.status, error.exit_code, *said)
        raise
    except KeyboardInterrupt:
        _tell(loaded, command, watched, started, "interrupted", 130, "interrupted", None)
        raise
    except Exception:
        _tell(loaded, command, watched, started, "failed", 1, "bug", "See the log: a bug's trace")
        raise
    status = watched.result.status if watched.result else "ok"
    _tell(loaded, command, watched, started, status, EXIT[status], None, None)


def _tell(
    loaded: Loaded,
    command: str,
    watched: Watched,
    started: int,
    status: str,
    code: int,
    error: str | None,
    hint: str | None,
) -> None:
    from connector.watch.outcome import Outcome
    from connector.watch.watch import after

    result = watched.result
    plan = result.plan if result else None
    outcome = Outcome(
        command=command,
        run=watched.run,
        status=status,
        exit=code,
        started=started,
        ended=machine_clock(),
        counts=result.counts if result else {},
        plan=plan.id if plan else None,
        held=tuple(plan.held) if plan and status == "needs_approval" else (),
        error=error,
        hint=hint,
    )
    after(loaded, outcome, lambda text: click.echo(f"Warning: {text}", err=True))
