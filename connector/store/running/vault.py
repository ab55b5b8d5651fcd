"""Rotated tokens, sealed in the database with a key that is kept elsewhere."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy import select, text

from connector.config.secrets import Secret
from connector.errors import UsageError
from connector.store.late import Transactions
from connector.store.schema import token as table
from connector.store.statements.upsert import upsert

if TYPE_CHECKING:  # else only where something is sealed: most log-ins never are
    from cryptography.fernet import MultiFernet


class StoreVault:
    """The vault of one connection (see connector.transport.vault.TokenVault).

    The key is opened at the first use. Several keys, set apart by blanks or commas, are tried in
    turn, and the first seals: so a key is exchanged without a log-in lost.
    """

    def __init__(self, store: Transactions, connection: str, key: Secret | None) -> None:
        self._store = store
        self._connection = connection
        self._key = key
        self._seal: MultiFernet | None = None

    def load(self, name: str) -> str | None:
        """Give the token saved last; None when there is none.

        Raises UsageError for a token sealed with a key we do not have.
        """
        with self._store.read() as tx:
            sealed = tx.execute(
                select(table.c.sealed).where(
                    table.c.connection == self._connection, table.c.name == name
                )
            ).scalar()
        if sealed is None:
            return None
        from cryptography.fernet import InvalidToken  # noqa: PLC0415

        try:
            return self._opened().decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise UsageError(
                f"the saved log-in of connection `{self._connection}` was sealed with another key",
                hint="Put the old key behind the new one in `vault: {key: ...}`, or log in anew",
            ) from None

    def save(self, name: str, value: str) -> None:
        """Keep the token in place of the one before; it is durable when this returns."""
        sealed = self._opened().encrypt(value.encode()).decode()
        with self._store.write() as tx:
            upsert(tx, table, [{"connection": self._connection, "name": name, "sealed": sealed}])

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep every other thread and process out while a token is exchanged.

        A file beside the SQLite file, or PostgreSQL, holds the lock: it is free as soon as its
        process is dead. Raises UsageError without a key, before a token is used up.
        """
        self._opened()
        name = f"login {self._connection}"
        if self._store.path is None:
            with self._store.read() as tx:
                tx.execute(text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": name})
                yield
            return
        beside = self._store.path.with_name(
            f"{self._store.path.name}.{name.replace(' ', '-')}.lock"
        )
        with beside.open("a", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _opened(self) -> MultiFernet:
        if self._seal is None:
            if self._key is None:
                raise UsageError(
                    f"connection `{self._connection}` has a log-in that changes as it is used, and "
                    "no key to keep it sealed with",
                    hint="Add `vault: {key: ${LEADLOOP_KEY}}`; leadloop config key makes one",
                )
            from cryptography.fernet import Fernet, MultiFernet  # noqa: PLC0415

            words = self._key.reveal().replace(",", " ").split()
            try:
                self._seal = MultiFernet([Fernet(word) for word in words])
            except ValueError:
                raise UsageError(
                    f"the key of the vault ({self._key.origin}) is none",
                    hint="It is 44 letters that leadloop config key makes",
                ) from None
        return self._seal


def new_key() -> str:
    """Make a key."""
    from cryptography.fernet import Fernet  # noqa: PLC0415

    return Fernet.generate_key().decode()
