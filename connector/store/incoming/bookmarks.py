"""Positions an adapter must have saved before it uses them, such as the id of a long job."""

from __future__ import annotations

from connector.store.late import Transactions
from connector.store.running import notes


class StoreBookmark:
    """The bookmarks of one connection (see connector.adapters.base.Bookmark)."""

    def __init__(self, store: Transactions, connection: str) -> None:
        self._store = store
        self._connection = connection

    def load(self, name: str) -> str | None:
        """Give what was saved last; None when there is none."""
        with self._store.read() as tx:
            found = notes.get(tx, self._name(name))
        return None if found is None else str(found)

    def save(self, name: str, value: str) -> None:
        """Keep a position; it is durable when this returns."""
        with self._store.write() as tx:
            notes.put(tx, self._name(name), value)

    def drop(self, name: str) -> None:
        """Forget a position that is not needed any more."""
        with self._store.write() as tx:
            notes.drop(tx, self._name(name))

    def _name(self, name: str) -> str:
        return f"bookmark {self._connection} {name}"
