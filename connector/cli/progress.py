"""Progress: one moving line on a terminal, JSON log lines elsewhere; ids and counts only."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import click

from connector.cli.output import is_terminal

_EVERY_S = 10.0


class Progress:
    """Tells how far a run is. `quiet` says nothing at all."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._terminal = is_terminal()
        self._step = ""
        self._told = 0.0

    @cached_property
    def _log(self) -> Any:
        import structlog  # it loads a library for terminals, and most runs say nothing

        return structlog.wrap_logger(
            structlog.PrintLogger(sys.stderr),
            processors=[
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.JSONRenderer(sort_keys=True),
            ],
        )

    def __call__(self, step: str, counts: Mapping[str, int]) -> None:
        """Note that a step has come this far."""
        if self._quiet:
            return
        new = step != self._step
        now = time.monotonic()
        if not new and now - self._told < (0.1 if self._terminal else _EVERY_S):
            return
        self._step, self._told = step, now
        if self._terminal:
            some = ", ".join(f"{n:,} {name}" for name, n in list(counts.items())[:4] if n)
            click.echo(f"\r\x1b[2K {step}: {some}"[:120], nl=False, err=True)
        else:
            self._log.info(
                "progress", step=step, **{k.replace(" ", "_"): v for k, v in counts.items()}
            )

    def log(self, event: str, **values: object) -> None:
        """Write one log line where no terminal is."""
        if not self._terminal and not self._quiet:
            self._log.info(event, **values)

    def done(self) -> None:
        """End the moving line."""
        if self._terminal and self._step:
            click.echo("\r\x1b[2K", nl=False, err=True)
