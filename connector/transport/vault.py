"""What transport needs of a place that keeps secrets which change while we run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Protocol


class TokenVault(Protocol):
    """Keeps rotated tokens of one connection, sealed. `save` returns once they are durable.

    A refresh token that was rotated must be saved before the new access token is first used: a
    process that dies between the two would else be locked out.
    """

    def load(self, name: str) -> str | None:
        """Give the token saved last; None when there is none."""

    def save(self, name: str, value: str) -> None:
        """Keep the token in place of the one before."""

    def alone(self) -> AbstractContextManager[None]:
        """Keep every other process out of this connection's tokens meanwhile."""


_ambient: ContextVar[TokenVault | None] = ContextVar("vault", default=None)


@contextmanager
def kept_in(vault: TokenVault | None) -> Iterator[None]:
    """Give every adapter opened inside this vault to keep its tokens in."""
    token = _ambient.set(vault)
    try:
        yield
    finally:
        _ambient.reset(token)


def ambient_vault() -> TokenVault | None:
    """The vault laid over what is opened now."""
    return _ambient.get()
