"""A store that is opened when it is first needed, for commands that seldom need one."""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection

from connector.store.database import Store, open_store


class Transactions(Protocol):
    """As much of a store as those need who keep a single value there."""

    @property
    def path(self) -> Path | None: ...

    def read(self) -> AbstractContextManager[Connection]: ...

    def write(self) -> AbstractContextManager[Connection]: ...


class LateStore:
    """The store of an address; once opened, it is closed with `stack`."""

    def __init__(self, url: str, stack: ExitStack) -> None:
        self._url = url
        self._stack = stack
        self._store: Store | None = None

    @property
    def path(self) -> Path | None:
        """Where its file lies; None on PostgreSQL."""
        return self._opened().path

    def read(self) -> AbstractContextManager[Connection]:
        """One consistent view."""
        return self._opened().read()

    def write(self) -> AbstractContextManager[Connection]:
        """One transaction."""
        return self._opened().write()

    def _opened(self) -> Store:
        if self._store is None:
            self._store = open_store(self._url)
            self._stack.callback(self._store.close)
        return self._store
