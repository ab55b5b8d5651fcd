"""Opens the store: SQLite in a file, or PostgreSQL by address; brings its tables up to date."""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, DBAPIError, OperationalError

from connector.domain.moment import Micros
from connector.errors import BusyError, LoginError, TryLaterError, UsageError
from connector.points import point
from connector.store import dialects

_SQLITE = "sqlite"
_NETWORK = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "lustre", "beegfs"}
    | {"davfs", "gfs2", "ocfs2"}
)
_NETWORK_FUSE = re.compile(
    r"fuse\.(sshfs|ceph|glusterfs|s3fs|gcsfuse|rclone|blobfuse2?|smb|cifs|davfs2?|juicefs|mount)"
)

_MOUNTS = Path("/proc/mounts")
_OCTAL = re.compile(r"\\([0-7]{3})")

Check = Callable[[Connection], None]
"""Asked first in every writing transaction; raises when we may not write any more."""


class Store:
    """An open store. `write` and `read` are one transaction each; nothing else talks to it."""

    def __init__(self, url: str, engine: Engine, checks: tuple[Check, ...] = ()) -> None:
        self.url = url
        self._engine = engine
        self._checks = checks

    def under(self, check: Check) -> Store:
        """Give the same store, whose every write first asks `check` in its own transaction."""
        return Store(self.url, self._engine, (*self._checks, check))

    @property
    def dialect(self) -> str:
        """sqlite or postgresql."""
        return self._engine.dialect.name

    @property
    def path(self) -> Path | None:
        """The database file; None for a server."""
        return Path(self.url.removeprefix("sqlite:///")) if self.dialect == _SQLITE else None

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction that others wait for: committed at the end, or rolled back whole."""
        with _translated(self.url), self._engine.connect() as connection:
            if self.dialect == _SQLITE:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                for check in self._checks:
                    check(connection)
                yield connection
            except BaseException:
                connection.rollback()
                raise
            point("commit.before")
            connection.commit()
            point("commit.after")

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One consistent view; nothing done in it is kept."""
        with _translated(self.url), self._engine.connect() as connection:
            if self.dialect == _SQLITE:
                connection.exec_driver_sql("BEGIN")
            try:
                yield connection
            finally:
                connection.rollback()

    @contextmanager
    def watching(self) -> Iterator[Callable[[], bool]]:
        """Give what tells whether nobody has written since; on a server, where each question has
        a view of its own, it always says so."""
        if self.dialect != _SQLITE:
            yield lambda: True
            return
        with _translated(self.url), self._engine.connect() as connection:

            def version() -> int:
                return int(connection.exec_driver_sql("PRAGMA data_version").scalar_one())

            before = version()
            yield lambda: version() == before

    def compact(self) -> None:
        """Rewrite the tables so that nothing deleted can be read out of them any more."""
        with _translated(self.url), self._engine.connect() as connection:
            if self.dialect == _SQLITE:
                connection.exec_driver_sql("VACUUM")
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
                return
            names = ", ".join(
                f'"{name}"' for name in inspect(connection).get_table_names() if name != "lease"
            )
            connection.rollback()
            alone = connection.execution_options(isolation_level="AUTOCOMMIT")
            alone.exec_driver_sql(f"VACUUM {names}")

    def close(self) -> None:
        """Free connections and files."""
        self._engine.dispose()


def open_store(url: str) -> Store:
    """Open the store, creating or upgrading its tables.

    Raises UsageError for an address or file that cannot be a store, LoginError when PostgreSQL
    refuses us, TryLaterError when it does not answer.
    """
    engine = _sqlite(url) if url.startswith("sqlite:") else _postgresql(url)
    store = Store(url, engine)
    try:
        with _translated(url):
            _bring_up_to_date(engine)
    except BaseException:
        store.close()
        raise
    return store


def _sqlite(url: str) -> Engine:
    path = Path(url.removeprefix("sqlite:///"))
    if not url.startswith("sqlite:///") or not path.name:
        raise UsageError(
            f"`{url}` is not an address of a store", hint="Write sqlite:///./state/leadloop.db"
        )
    kind = file_system(path.parent)
    if kind in _NETWORK or _NETWORK_FUSE.match(kind):
        raise UsageError(
            f"the store {path.name} would lie on a network file system ({kind}), whose locks "
            "do not hold",
            hint="Put it on a local disk, or use PostgreSQL",
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, stat.S_IRUSR | stat.S_IWUSR))
    except OSError as error:
        raise UsageError(
            f"the store {path} cannot be created: {error.strerror}",
            hint="Check that this user may write there",
        ) from error
    engine = create_engine(
        f"{dialects.SQLITE}:///{path}",
        execution_options={"compiled_cache": dialects.COMPILED},
        connect_args={"timeout": 30, "isolation_level": None},  # we begin transactions ourselves
        pool_use_lifo=True,  # each keeps pages: the one used last knows most of what it needs
    )
    event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    for pragma in (
        "page_size=8192",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "busy_timeout=30000",
        "temp_store=MEMORY",
        "cache_size=-6000",
        "wal_autocheckpoint=4000",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _postgresql(url: str) -> Engine:
    try:
        parsed = make_url(url)
    except ArgumentError:
        parsed = None
    if parsed is None or parsed.get_backend_name() != "postgresql":
        raise UsageError(
            "the address of the store is neither sqlite:/// nor postgresql://",
            hint="Write sqlite:///./state/leadloop.db or postgresql://user@host/database",
        )
    return create_engine(
        parsed.set(drivername=dialects.POSTGRESQL),
        execution_options={"compiled_cache": dialects.COMPILED},
        pool_pre_ping=True,
        pool_size=2,
        connect_args={"connect_timeout": 10},
    )


def shared_clock(tx: Connection) -> Micros:
    """Give the time that all who share the store go by: the server's, or this machine's."""
    if tx.dialect.name == "postgresql":
        now = tx.execute(text("SELECT CAST(extract(epoch FROM clock_timestamp()) * 1e6 AS bigint)"))
        return int(now.scalar_one())
    return time.time_ns() // 1000


def file_system(folder: Path, mounts: Path = _MOUNTS) -> str:
    """Give the type of the file system a folder is (or will be) on, as the kernel names it."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return "unknown"
    best, kind = "", "unknown"
    place = str(folder.resolve())
    for line in lines:
        _, escaped, found, *_ = line.split(" ")
        point = _OCTAL.sub(lambda m: chr(int(m[1], 8)), escaped)
        inside = place == point or place.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, kind = point, found
    return kind


def _bring_up_to_date(engine: Engine) -> None:
    with engine.connect() as connection:
        tables = set(inspect(connection).get_table_names())
        found = None
        if "alembic_version" in tables:
            found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        elif tables:
            raise UsageError(
                "the database holds tables, but none of a Leadloop store",
                hint="Give Leadloop a database of its own",
            )
    from connector.store.migrations import HEAD  # noqa: PLC0415

    if found is None:
        from connector.store.create import create  # noqa: PLC0415  once in a store's life

        create(engine)
    elif found != HEAD:
        from connector.store.upgrade import upgrade  # noqa: PLC0415  alembic is slow to import

        upgrade(engine, found)


@contextmanager
def _translated(url: str) -> Iterator[None]:
    """Say in our words what a database has against us; its own text may hold values."""
    name = "the store" if url.startswith("sqlite") else "the PostgreSQL store"
    try:
        yield
    except OperationalError as error:
        words = str(error.orig).casefold()
        if "locked" in words or "busy" in words:
            raise BusyError(
                f"{name} is locked by another process", hint="Wait for the other run to end"
            ) from None
        if ("disk" in words and "full" in words) or "readonly" in words:
            raise TryLaterError(
                f"{name} cannot be written: the disk is full or read-only",
                hint="Free space, then run again; nothing was sent that is not journaled",
            ) from None
        if any(word in words for word in ("password", "authentication", "role")):
            raise LoginError(
                f"{name} refused the log-in", hint="Check user and password in `store:`"
            ) from None
        raise TryLaterError(
            f"{name} does not answer ({type(error.orig).__name__})",
            hint="Check that the database runs and can be reached",
        ) from None
    except DatabaseError as error:
        words = str(error.orig).casefold()
        if "not a database" in words or "malformed" in words:
            raise UsageError(
                f"{name} is damaged or no SQLite database", hint="Restore it from a backup"
            ) from None
        raise
    except DBAPIError as error:
        if error.connection_invalidated:
            raise TryLaterError(
                f"{name} closed the connection", hint="Run again; the last step was rolled back"
            ) from None
        raise
