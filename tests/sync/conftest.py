"""The world of the sync tests."""

from __future__ import annotations

import pytest

from tests.sync.world import World


@pytest.fixture
def world(tmp_path, store_url):
    return World(tmp_path, store_url)
