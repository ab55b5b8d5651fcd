"""What we may ask of a CRM: the budget a transport asks before each call and tells of each answer.

The store implements it, so that every process shares it; whoever opens an adapter lays it over
the transports made meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple, Protocol


class Allowance(NamedTuple):
    """What a CRM's headers said: `used` of `limit` calls of the `day` or of a short `window`.

    `resets_in` is in seconds; None where the headers do not say.
    """

    name: str
    limit: int
    used: int
    resets_in: float | None = None


class Budget(Protocol):
    """Shares out calls. `purpose` says what the coming calls are for."""

    purpose: str

    def take(self, path: str) -> None:
        """Make room for one call: waits for its turn; raises QuotaError when our share is used."""

    def heard(self, status: int, allowances: Sequence[Allowance]) -> None:
        """Take in an answer; `status` 0 means that none came."""


_ambient: ContextVar[Budget | None] = ContextVar("budget", default=None)


@contextmanager
def metered(budget: Budget | None) -> Iterator[None]:
    """Give every transport made inside this budget."""
    token = _ambient.set(budget)
    try:
        yield
    finally:
        _ambient.reset(token)


def ambient() -> Budget | None:
    """The budget laid over what is made now."""
    return _ambient.get()


def allowances(headers: Mapping[str, str]) -> list[Allowance]:
    """Read what headers say of our allowance; unreadable ones say nothing.

    Source: Salesforce REST API "Limit Info Header" (`Sforce-Limit-Info: api-usage=18/5000`),
    HubSpot "API usage guidelines" (`X-HubSpot-RateLimit-*`), IETF draft "RateLimit header fields".
    """
    found: list[Allowance] = []
    info = headers.get("Sforce-Limit-Info", "")
    for part in info.split(";"):
        name, _, usage = part.strip().partition("=")
        used, _, limit = usage.partition("/")
        if name == "api-usage" and used.isdigit() and limit.isdigit():
            found.append(Allowance("day", int(limit), int(used)))
    _counted(headers, "X-HubSpot-RateLimit-Daily", "day", None, found)
    interval = _whole(headers.get("X-HubSpot-RateLimit-Interval-Milliseconds"))
    seconds = interval / 1000 if interval is not None else None
    _counted(headers, "X-HubSpot-RateLimit", "window", seconds, found, limit="-Max")
    reset = _whole(headers.get("RateLimit-Reset"))
    seconds = float(reset) if reset is not None else None
    _counted(headers, "RateLimit", "window", seconds, found, limit="-Limit")
    return found


def _counted(
    headers: Mapping[str, str],
    stem: str,
    name: str,
    seconds: float | None,
    found: list[Allowance],
    limit: str = "",
) -> None:
    most, left = _whole(headers.get(stem + limit)), _whole(headers.get(f"{stem}-Remaining"))
    if most is not None and left is not None:
        found.append(Allowance(name, most, max(0, most - left), seconds))


def _whole(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdigit() and len(text) < 16 else None
