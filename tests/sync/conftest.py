"""The world of the sync tests."""

from __future__ import annotations

import pytest

from tests.sync.scoring import NoScorer, score_here
from tests.sync.world import World


@pytest.fixture
def world(tmp_path, store_url):
    return World(tmp_path, store_url)


@pytest.fixture
def small(tmp_path, monkeypatch):
    """The same world on SQLite alone, scored in this process: for what neither can change."""
    monkeypatch.setattr("connector.sync.score.score_store", score_here)
    monkeypatch.setattr("connector.sync.score.Scorer", NoScorer)
    return World(tmp_path, f"sqlite:///{tmp_path}/state/leadloop.db")


@pytest.fixture(autouse=True)
def every_page_is_a_transaction(monkeypatch):
    """Pages here are seven rows; joined, a whole CRM would be one transaction."""
    monkeypatch.setattr("connector.sync.reading.gathering.ROWS", 1)
