"""Runs the loop on a schedule: `leadloop run` in a process of its own, one at a time.

A process of its own is what a scheduler of the host would start: it may be stopped, and what goes
wrong in it takes nothing else down.
"""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Sequence
from datetime import UTC
from typing import Any

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from connector.config.settings import Serve
from connector.domain.moment import SECOND, Micros, to_datetime
from connector.errors import UsageError
from connector.serve.house import House

GRACE_S = 60.0
"""How long a run may take to save what it is at, once the end is asked for."""


class Schedule:
    """Starts `command` when it is due, never two at once; a missed start is made up for."""

    def __init__(self, house: House, command: Sequence[str]) -> None:
        self._house, self._command = house, list(command)
        self._child: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._scheduler = BackgroundScheduler(timezone=UTC)

    def start(self, now: Micros) -> None:
        """Begin; with `every` the first run starts at once. Raises UsageError for a bad `cron`."""
        serve = self._house.loaded.settings.serve
        first: dict[str, Any] = {} if serve.cron else {"next_run_time": to_datetime(now)}
        self._scheduler.add_job(
            self.run_once, _trigger(serve), max_instances=1, coalesce=True,
            misfire_grace_time=None, **first,
        )  # fmt: skip
        self._scheduler.start()

    def run_once(self) -> int | None:
        """Run to the end and give the exit code; None when the end was asked for first."""
        with self._lock:
            if self._house.closing:
                return None
            self._house.note("run.due")
            self._child = child = subprocess.Popen(  # noqa: S603  our own program
                self._command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
            )
        code = child.wait()
        self._house.note("run.over", exit=code)
        return code

    def close(self) -> None:
        """Start nothing more, and let a run that goes on save what it is at."""
        with self._lock:
            self._house.closing = True
            child = self._child
        if child is not None and child.poll() is None:
            child.send_signal(signal.SIGTERM)
            try:
                child.wait(GRACE_S)
            except subprocess.TimeoutExpired:
                child.kill()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=True)


def _trigger(serve: Serve) -> Any:
    if serve.cron is None:
        return IntervalTrigger(seconds=max(1, serve.every // SECOND), timezone=UTC)
    try:
        return CronTrigger.from_crontab(serve.cron, timezone=UTC)
    except ValueError as error:
        raise UsageError(
            f"`serve: cron: {serve.cron}` is not a schedule: {error}",
            hint='Write five fields, such as "*/15 6-20 * * 1-5"',
        ) from None
