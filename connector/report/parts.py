"""Counts large stores in parts, one process each, all of which see the same store."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import IO, Any

from sqlalchemy import Connection, func, select

from connector.errors import LeadloopError
from connector.report.counting import Asked, Counted
from connector.store.database import Store, open_store
from connector.store.schema import person
from connector.store.streams import ALL, Span, in_order

LEAST = 50_000
"""Fewer people in a part, and starting its process costs more than it spares."""
MOST = 4
"""Each process takes memory of its own."""
_TRIES = 5


@contextmanager
def counting(
    store: Store, asking: Callable[[Connection], Asked], parts: int | None = None
) -> Iterator[tuple[Connection, Asked, Counted]]:
    """Count everybody; gives a view of the store as it was counted, what was asked and found.

    `parts` is decided by the number of people and of processors when it is not given.
    """
    with ExitStack() as stack:
        helpers = [
            stack.enter_context(_helper(store.url)) for _ in range(1, parts or _parts(store))
        ]
        tx = stack.enter_context(_together(store, helpers))
        asked = asking(tx)
        spans = _spans(tx, len(helpers) + 1)
        for helper, span in zip(helpers, spans[1:], strict=True):
            helper.tell((asked, span))
        found = Counted(asked)
        found.count(tx, asked, spans[0])
        for helper in helpers:
            found.absorb(helper.hear())
        yield tx, asked, found


@contextmanager
def _together(store: Store, helpers: list[_Helper]) -> Iterator[Connection]:
    """Open a view of the store that all share; alone, when others never stop writing."""
    for _ in range(_TRIES if helpers else 0):
        with store.watching() as unchanged, store.read() as tx:
            _look(tx)
            for helper in helpers:
                helper.tell(None)
            for helper in helpers:
                helper.hear()
            if unchanged():
                yield tx
                return
    helpers.clear()
    with store.read() as tx:
        yield tx


def help_counting(told: IO[bytes], says: IO[bytes]) -> None:
    """Count what another process asks for: the other side of `counting`."""

    def say(what: Any) -> None:
        pickle.dump(what, says, pickle.HIGHEST_PROTOCOL)
        says.flush()

    store = open_store(_load(told))
    try:
        asked = _load(told)
        while asked is None:
            with store.read() as tx:
                _look(tx)
                say("ready")
                asked = _load(told)
                if asked is not None:
                    found = Counted(asked[0])
                    found.count(tx, *asked)
                    say(found.state())
    finally:
        store.close()


class _Helper:
    """A process that counts a part."""

    def __init__(self, process: subprocess.Popen[bytes], complaint: IO[bytes]) -> None:
        self._process = process
        self._complaint = complaint

    def tell(self, what: Any) -> None:
        try:
            pickle.dump(what, self._process.stdin, pickle.HIGHEST_PROTOCOL)  # type: ignore[arg-type]
            self._process.stdin.flush()  # type: ignore[union-attr]
        except OSError:
            raise self._failed() from None

    def hear(self) -> Any:
        try:
            return _load(self._process.stdout)  # type: ignore[arg-type]
        except EOFError:
            raise self._failed() from None

    def _failed(self) -> LeadloopError:
        code = self._process.wait()
        self._complaint.seek(0)
        lines = self._complaint.read().decode(errors="replace").strip().splitlines()
        return LeadloopError(
            f"a process that counted a part of the people ended with {code}: "
            f"{lines[-1][-300:] if lines else 'no word'}",
            hint="Run the report again; if it ends so again, report it",
        )


@contextmanager
def _helper(url: str) -> Iterator[_Helper]:
    with (
        tempfile.TemporaryFile() as complaint,
        subprocess.Popen(
            [sys.executable, "-m", "connector.report"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaint,
        ) as process,
    ):
        helper = _Helper(process, complaint)
        try:
            helper.tell(url)
            yield helper
        finally:
            process.kill()
            with suppress(OSError):  # what a dead process did not take is of no use to anybody
                process.stdin.close()  # type: ignore[union-attr]


def _load(file: IO[bytes]) -> Any:
    return pickle.load(file)  # noqa: S301  from our own process, by a pipe nobody else holds


def _look(tx: Connection) -> None:
    """Read something: only then a view of the store is fixed."""
    tx.execute(select(person.c.id).limit(1)).first()


def _parts(store: Store) -> int:
    with store.read() as tx:
        people = int(tx.execute(select(func.count()).select_from(person)).scalar_one())
    affinity = getattr(os, "sched_getaffinity", None)
    processors = len(affinity(0)) if affinity else os.cpu_count() or 1
    return max(1, min(processors, people // LEAST, MOST))


def _spans(tx: Connection, parts: int) -> list[Span]:
    """Share people out evenly, by their ids."""
    if parts == 1:
        return [ALL]
    people = int(tx.execute(select(func.count()).select_from(person)).scalar_one())
    ordered = select(person.c.id).order_by(in_order(tx, person.c.id)).limit(1)
    edges = [
        tx.execute(ordered.offset(people * part // parts)).scalar() for part in range(1, parts)
    ]
    return [Span(*pair) for pair in zip([None, *edges], [*edges, None], strict=True)]
