"""The world of the sync tests."""

from __future__ import annotations

import pytest

from tests.sync.scoring import NoScorer, score_here
from tests.sync.world import World


@pytest.fixture
def in_this_process(monkeypatch):
    """Scored without a process of its own, which takes longer to start than most tests last."""
    monkeypatch.setattr("connector.sync.score.score_store", score_here)
    monkeypatch.setattr("connector.sync.score.Scorer", NoScorer)


@pytest.fixture
def world(tmp_path, store_url, in_this_process):
    """A company on each database; test_loop has one that is scored as at work, too."""
    return World(tmp_path, store_url)


@pytest.fixture
def small(tmp_path, in_this_process):
    """The same on SQLite alone: for what the database cannot change."""
    return World(tmp_path, f"sqlite:///{tmp_path}/state/leadloop.db")


@pytest.fixture(autouse=True)
def every_page_is_a_transaction(monkeypatch):
    """Pages here are seven rows; joined, a whole CRM would be one transaction."""
    monkeypatch.setattr("connector.sync.reading.gathering.ROWS", 1)
