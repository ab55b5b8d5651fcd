"""The same scoring without a process of its own, for tests of what happens around it."""

from __future__ import annotations

from contextlib import contextmanager

from connector.engine.small import score_rows
from connector.store.database import open_store

_COLUMNS = ("url", "asset", "campaign", "form", "channel", "visit")


class NoScorer:
    """Stands in for a scoring process that waits."""

    def __init__(self, url=""):
        pass

    def close(self):
        pass


class _Scored:
    def __init__(self, model, rows):
        self._model = model
        self._rows = rows

    def pages(self, size=2_000):
        for start in range(0, len(self._rows), size):
            page = self._rows[start : start + size]
            yield self._model, [(s, {n: v for n, v in p.items() if v}) for s, p in page]


@contextmanager
def score_here(models, now, *, url, people, activities, memory="2GB", scorer=None):
    """Stands in for `score_store`: the two queries, then DuckDB in this process."""
    store = open_store(url)
    try:
        with store.read() as tx:
            persons = [dict(r._mapping) for r in tx.exec_driver_sql(people) if r.person]
            events = [
                {**dict.fromkeys(_COLUMNS), **r._mapping, "machine": bool(r.machine)}
                for r in tx.exec_driver_sql(activities)
                if r.person
            ]
    finally:
        store.close()
    yield _Scored(models.default, score_rows(models.default, persons, events, now))
