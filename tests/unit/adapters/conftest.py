"""A HubSpot portal at the HTTP edge, once on each API version."""

from __future__ import annotations

import pytest
import responses

from tests.unit.adapters.hubspot_edge import Portal, Slow


@pytest.fixture
def waits(monkeypatch):
    """No test sleeps between attempts; the waits that would have been are kept to look at."""
    waited: list[float] = []
    monkeypatch.setattr("tenacity.nap.time.sleep", waited.append)
    return waited


@pytest.fixture(params=["2026-09", "v3"])
def portal(request, waits):
    made = Portal(request.param)
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        made.serve(mock)
        yield made


@pytest.fixture
def slow():
    return Slow()
