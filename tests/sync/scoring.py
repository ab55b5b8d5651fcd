"""The same scoring without a process of its own, for tests of what happens around it."""

from __future__ import annotations

from contextlib import contextmanager

from connector.engine.small import score_rows
from connector.store.database import open_store


class _Scored:
    def __init__(self, rows):
        self._rows = rows

    def pages(self, size=2_000):
        for start in range(0, len(self._rows), size):
            yield [
                (score, {n: v for n, v in points.items() if v})
                for score, points in self._rows[start : start + size]
            ]


@contextmanager
def score_here(model, now, *, url, people, activities, memory="2GB"):
    """Stands in for `score_store`: the two queries, then DuckDB in this process."""
    store = open_store(url)
    try:
        with store.read() as tx:
            persons = [dict(r._mapping) for r in tx.exec_driver_sql(people) if r.person]
            events = [
                {**r._mapping, "machine": bool(r.machine)}
                for r in tx.exec_driver_sql(activities)
                if r.person
            ]
    finally:
        store.close()
    yield _Scored(score_rows(model, persons, events, now))
