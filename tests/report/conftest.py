"""A company's settings, and a store with a past of any size."""

from __future__ import annotations

import pytest

from connector.report.figures import report_figures
from connector.store.database import open_store
from tests.past import NOW, fill
from tests.sync.world import World


@pytest.fixture
def past(tmp_path, store_url):
    """Give (store, settings, figures) after a past of so many people."""
    yield from _past(tmp_path, store_url)


@pytest.fixture
def quick_past(tmp_path):
    """The same on SQLite alone."""
    yield from _past(tmp_path, f"sqlite:///{tmp_path}/state/leadloop.db")


def _past(folder, url):
    world = World(folder, url)
    opened = []

    def make(people, **options):
        store = open_store(world.loaded.store_url())
        opened.append(store)
        fill(store, people=people, **options)
        return store, world.loaded, lambda: report_figures(store, world.loaded, NOW, [])

    yield make
    for store in opened:
        store.close()
