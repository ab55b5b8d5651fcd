"""Batches on their way to one CRM: as many at once as it takes, begun and settled by one thread.

Only the CRM's answers are waited for beside each other; the store is touched in turn. Batches
under way at the same time are of one object and group, of which the outbox holds a record once:
so what is written to a record later leaves later.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from types import TracebackType

from connector.errors import LeadloopError, StoppedError
from connector.store.outgoing.outbox import Row
from connector.sync.context import Loop, Source
from connector.sync.writing.sending import Told, ask, begin, settle

LAST_S = 5.0
"""How long who is asked to stop waits for the answers still under way."""


class Flight:
    """Sends batches. `settled` is told of each how many rows it had and how many were put off.

    At the end, and where an error ends it, what is under way is waited for and noted; the first
    error stands. A bug or an interrupt leaves it to be read back, as a kill does.
    """

    def __init__(
        self,
        loop: Loop,
        source: Source,
        counts: Counter[str],
        settled: Callable[[int, int], None],
    ) -> None:
        self._loop = loop
        self._source = source
        self._counts = counts
        self._settled = settled
        self._most = source.adapter.capabilities.at_once
        self._pool = ThreadPoolExecutor(self._most, "batch") if self._most > 1 else None
        self._under_way: deque[tuple[Sequence[Row], Future[Told]]] = deque()

    def __enter__(self) -> Flight:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType
    ) -> None:
        try:
            if error is None:
                self._land()
            elif isinstance(error, LeadloopError):
                self._land_after(error)
        finally:
            if self._pool is not None:
                self._pool.shutdown(cancel_futures=True)

    def send(self, rows: Sequence[Row]) -> None:
        """Send rows of one object and group, once there is room for them."""
        while self._under_way and not self._may_join(rows[0]):
            self._settle_first()
        ready = begin(self._loop, self._source, rows, self._counts)
        if not ready:
            self._settled(len(rows), 0)
        elif self._pool is None:
            self._settle(ready, ask(self._source, ready))
        else:
            self._under_way.append((ready, self._pool.submit(ask, self._source, ready)))

    def _may_join(self, row: Row) -> bool:
        other = self._under_way[0][0][0]
        alike = (row.object, row.grp, row.quiet) == (other.object, other.grp, other.quiet)
        return alike and len(self._under_way) < self._most

    def _land(self) -> None:
        while self._under_way:
            try:
                self._settle_first()
            except LeadloopError as error:
                self._land_after(error)
                raise

    def _land_after(self, error: LeadloopError) -> None:
        """Note what is still under way; errors of these batches add nothing to the first one."""
        patience = LAST_S if isinstance(error, StoppedError) else None
        came = wait([told for _, told in self._under_way], timeout=patience).done
        for rows, told in self._under_way:
            if told in came:
                try:
                    settle(self._loop, self._source, rows, told.result(), self._counts)
                except LeadloopError:
                    continue
        self._under_way.clear()

    def _settle_first(self) -> None:
        rows, told = self._under_way[0]
        answer = told.result()
        self._under_way.popleft()
        self._settle(rows, answer)

    def _settle(self, rows: Sequence[Row], told: Told) -> None:
        before = self._counts["retry"]
        settle(self._loop, self._source, rows, told, self._counts)
        self._settled(len(rows), self._counts["retry"] - before)
