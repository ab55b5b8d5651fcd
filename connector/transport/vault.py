"""What transport needs of a place that keeps secrets which change while we run."""

from __future__ import annotations

from contextlib import AbstractContextManager
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
        """Keep every other thread and process of this connection out while a token is exchanged.

        Raises UsageError before anything is used up where nothing could be saved.
        """
