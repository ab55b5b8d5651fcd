"""What an adapter may keep from one run to the next: bookmarks, and log-ins that change in use.

The store implements it; whoever opens an adapter lays it over the adapters opened meanwhile. An
adapter opened without it keeps nothing: a long job is begun anew, a changed log-in is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

from connector.adapters.base import Bookmark
from connector.transport.vault import TokenVault


class Forgetful:
    """A bookmark that lasts as long as its adapter."""

    def __init__(self) -> None:
        self._kept: dict[str, str] = {}

    def load(self, name: str) -> str | None:
        return self._kept.get(name)

    def save(self, name: str, value: str) -> None:
        self._kept[name] = value

    def drop(self, name: str) -> None:
        self._kept.pop(name, None)


class Keeping(NamedTuple):
    """Where one connection's adapter keeps what must outlast a run."""

    bookmark: Bookmark
    vault: TokenVault | None = None
    lasting: bool = False
    """Whether what a CRM said of its objects may be taken from an earlier run, for a run; whoever
    sets things up or looks after them asks anew."""


_ambient: ContextVar[Keeping | None] = ContextVar("keeping", default=None)


@contextmanager
def keeping(kept: Keeping | None) -> Iterator[None]:
    """Give every adapter opened inside this place to keep things."""
    token = _ambient.set(kept)
    try:
        yield
    finally:
        _ambient.reset(token)


def kept() -> Keeping:
    """The place laid over what is opened now."""
    return _ambient.get() or Keeping(Forgetful())
