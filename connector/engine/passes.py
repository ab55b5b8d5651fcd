"""All passes of all people as one table in memory, which measures ask in SQL.

In a process of its own: the bulk driver must not share one with an open store (see docs/design.md).
"""

from __future__ import annotations

import os
import pickle
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import IO, TYPE_CHECKING, Any, Protocol

from connector.errors import LeadloopError, TryLaterError
from connector.funnel.measure import COLUMNS, MACROS, Row

if TYPE_CHECKING:
    import duckdb

    from connector.engine.bulk import BulkReader

_MEMORY = "600MB"
"""Beyond it DuckDB keeps a part in a file."""
_READERS = 2
"""Connections to the store: a large table is read beside all others."""
_ERROR = re.compile(r"^[\w.]+(?:Error|Exception): .*", re.MULTILINE)


class Passes(Protocol):
    """The table `pass`, and the tables it is made of."""

    def look(self, url: str) -> None:
        """Open a store for reading, as it is now; one opened before is let go."""

    def copy(self, table: str, query: str, columns: str = "*") -> None:
        """Make a table of those rows of a query to the store that have a person."""

    def begin(self, table: str, query: str) -> None:
        """Begin to make such a table; meanwhile others can be made and asked."""

    def finish(self) -> None:
        """Wait until the table that was begun is there."""

    def run(self, statement: str, values: Sequence[Any] = ()) -> None:
        """Run a statement of our own."""

    def ask(self, query: str, /) -> list[Row]:
        """Ask in SQL."""


class Here:
    """The tables in this process."""

    def __init__(self, duck: duckdb.DuckDBPyConnection) -> None:
        self._duck = duck
        self._stores: list[BulkReader] = []
        self._pool = ThreadPoolExecutor(1)
        self._begun: Future[None] | None = None
        columns = ", ".join(f'"{name}" {kind}' for name, kind in COLUMNS.items())
        duck.execute(MACROS)
        duck.execute(f"CREATE TABLE pass ({columns})")

    def look(self, url: str) -> None:
        from connector.engine.bulk import connect  # noqa: PLC0415  never beside a store

        while self._stores:
            self._stores.pop().close()
        for _ in range(_READERS):
            self._stores.append(connect(url))
            # Only who has read something has a view that stays.
            self._stores[-1].copy(self._duck, "look", "SELECT id AS person FROM person LIMIT 1")
            self._duck.execute("DROP TABLE look")

    def copy(self, table: str, query: str, columns: str = "*") -> None:
        self._stores[0].copy(self._duck, table, query, columns)

    def begin(self, table: str, query: str) -> None:
        self._begun = self._pool.submit(self._stores[1].copy, self._duck.cursor(), table, query)

    def finish(self) -> None:
        if self._begun is not None:
            self._begun.result()

    def run(self, statement: str, values: Sequence[Any] = ()) -> None:
        self._duck.execute(statement, values or None)

    def ask(self, query: str, /) -> list[Row]:
        return self._duck.execute(query).fetchall()


class _There:
    """The tables in a process of their own."""

    def __init__(self, process: subprocess.Popen[bytes], complaint: IO[bytes]) -> None:
        self._process = process
        self._complaint = complaint
        self._turn = Lock()

    def look(self, url: str) -> None:
        self._call("look", url)

    def copy(self, table: str, query: str, columns: str = "*") -> None:
        self._call("copy", table, query, columns)

    def begin(self, table: str, query: str) -> None:
        self._call("begin", table, query)

    def finish(self) -> None:
        self._call("finish")

    def run(self, statement: str, values: Sequence[Any] = ()) -> None:
        self._call("run", statement, values)

    def ask(self, query: str, /) -> list[Row]:
        found: list[Row] = self._call("ask", query)
        return found

    def _call(self, *what: Any) -> Any:
        with self._turn:
            try:
                _say(self._process.stdin, what)  # type: ignore[arg-type]
                refused, answer = _hear(self._process.stdout)  # type: ignore[arg-type]
            except (OSError, EOFError):
                raise self._failed() from None
        if refused:
            raise TryLaterError(answer, hint="Check that the database takes two more connections")
        return answer

    def _failed(self) -> LeadloopError:
        code = self._process.wait()
        self._complaint.seek(0)
        said = self._complaint.read().decode(errors="replace").strip()
        words = _ERROR.findall(said) or said.splitlines() or ["no word"]
        return LeadloopError(
            f"the process that counts people ended with {code}: {words[-1][:300]}",
            hint="Run it again; if it ends so again, report it",
        )


@contextmanager
def open_passes() -> Iterator[Passes]:
    """Give an empty table in a process of its own, gone afterwards."""
    with (
        tempfile.TemporaryFile() as complaint,
        subprocess.Popen(
            [sys.executable, "-m", "connector.engine.passes"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaint,
        ) as process,
    ):
        try:
            yield _There(process, complaint)
        finally:
            process.kill()
            with suppress(OSError):  # what a dead process did not take is of no use to anybody
                process.stdin.close()  # type: ignore[union-attr]


def serve(told: IO[bytes], says: IO[bytes]) -> None:
    """Do what the other side of `open_passes` calls for, until it calls no more."""
    from connector.engine.duck import open_duck  # noqa: PLC0415  who asks needs no DuckDB

    with (
        tempfile.TemporaryDirectory() as folder,
        closing(open_duck(Path(folder), memory=_MEMORY)) as duck,
        suppress(EOFError),
    ):
        here = Here(duck)
        while True:
            name, *given = _hear(told)
            try:
                answer = (False, getattr(here, name)(*given))
            except TryLaterError as error:
                answer = (True, str(error))
            _say(says, answer)


def _say(file: IO[bytes], what: Any) -> None:
    pickle.dump(what, file, pickle.HIGHEST_PROTOCOL)
    file.flush()


def _hear(file: IO[bytes]) -> Any:
    return pickle.load(file)  # noqa: S301  from our own process, by a pipe nobody else holds


def _own_pipe() -> IO[bytes]:
    """Keep the pipe of answers for us alone: what a library prints goes where complaints go."""
    pipe = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return pipe


if __name__ == "__main__":
    serve(sys.stdin.buffer, _own_pipe())
