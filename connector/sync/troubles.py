"""Troubles: what goes wrong with one connection is its own; the others go on.

The first error is raised once everything else is done, so that the run ends with its exit code.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from connector.domain.moment import SECOND, Micros, format_iso
from connector.errors import (
    BusyError,
    LeadloopError,
    LoginError,
    QuotaError,
    RateLimitError,
    RemoteError,
    StoppedError,
    TryLaterError,
    UsageError,
)
from connector.store.running import health
from connector.sync.context import Loop, Source
from connector.sync.pull import is_filled

_OWN = (LoginError, TryLaterError, UsageError, RemoteError)


@dataclass
class Troubles:
    """Which connections are out of this run, and why the run must not be called a success."""

    loop: Loop
    clock: Callable[[], Micros]
    out: set[str] = field(default_factory=set)
    errors: list[LeadloopError] = field(default_factory=list)

    def gate(self, source: Source) -> bool:
        """Whether to use the connection now; one in trouble is left alone until its time comes."""
        if source.lease is None or not source.lease.take():
            self.out.add(source.name)  # another run is at work on it: it reads and writes it
            if not is_filled(self.loop, source):
                self.loop.filling.add(source.name)
            return False
        with self.loop.store.read() as tx:
            how = health.of(tx, source.name)
        if how.until is None or how.until <= self.clock():
            return True
        until = format_iso(how.until // SECOND * SECOND)
        self._note(source, _closed(source.name, how.state, how.code, until))
        return False

    def attempt(self, source: Source, step: Callable[[], Counter[str] | None]) -> bool:
        """Take one step with a connection; gives whether it came to its end.

        What is wrong with the store or the lease, and a request to stop, is nobody's own trouble
        and is raised at once.
        """
        if source.name in self.out:
            return False
        try:
            step()
        except (BusyError, StoppedError):
            raise
        except QuotaError as error:
            self._note(source, error)
            return False
        except _OWN as error:
            self._note(source, error)
            self._remember(source, error)
            return False
        return True

    def well(self, source: Source) -> None:
        """Note that the connection was read whole: earlier trouble is over."""
        with self.loop.store.read() as tx:
            known = health.of(tx, source.name)
        if known.failures:
            with self.loop.store.write() as tx:
                health.note_well(tx, source.name)

    def raise_first(self) -> None:
        """Raise what went wrong first, if anything did."""
        if self.errors:
            raise self.errors[0]

    def _note(self, source: Source, error: LeadloopError) -> None:
        self.out.add(source.name)
        self.errors.append(error)
        if len(self.loop.sources) > 1:
            error.where = error.where or source.name
            self.loop.warn(f"{source.name}: {error}")

    def _remember(self, source: Source, error: LeadloopError) -> None:
        if isinstance(error, LoginError):
            state = health.LOGIN
        elif isinstance(error, TryLaterError):
            state = health.PARKED
        else:
            return
        asked = error.retry_after if isinstance(error, RateLimitError) else None
        wait = round(asked * SECOND) if asked else None
        with self.loop.store.write() as tx:
            health.note_failure(tx, source.name, state, error.code, self.clock(), wait)


def _closed(name: str, state: str, code: str | None, until: str) -> LeadloopError:
    if state == health.LOGIN:
        return LoginError(
            f"{name} refused our log-in last time; it is not tried again before {until}",
            hint="Mend the secret, then: leadloop doctor (it tries at once)",
        )
    return TryLaterError(
        f"{name} could not be used last time ({code}); it is not tried again before {until}",
        hint="It goes on by itself; leadloop doctor tries at once",
    )
