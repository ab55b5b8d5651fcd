"""What every part of the service shares: settings, the open store, the clock, and the log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any, Protocol

from connector.config.load import Loaded
from connector.domain.moment import Micros
from connector.errors import UsageError
from connector.store.database import Store


class Note(Protocol):
    """Writes one log line: an event's name, and values that are ids and counts only."""

    def __call__(self, event: str, **values: Any) -> None: ...


@dataclass
class House:
    """The service's world. `token` is what pages ask for; None leaves them open on loopback."""

    loaded: Loaded
    store: Store
    clock: Callable[[], Micros]
    note: Note
    token: str | None = None
    closing: bool = field(default=False)
    """Whether the end was asked for: nothing new is begun."""


def token_of(loaded: Loaded, host: str) -> str | None:
    """Open the token that pages ask for.

    Raises UsageError when others could reach the pages and none is set.
    """
    secret = loaded.settings.serve.token()
    token = secret.reveal() if secret is not None else None
    if token is None and not is_loopback(host):
        raise UsageError(
            f"others can reach {host}, and pages ask for no token",
            hint="Set `serve: {auth: {token: ${LEADLOOP_TOKEN}}}`, or bind 127.0.0.1",
        )
    if token is not None and len(token) < 16:
        raise UsageError(
            "the token of `serve:` has less than 16 characters", hint="openssl rand -hex 24"
        )
    return token


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches the address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
