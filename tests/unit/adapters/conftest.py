"""CRMs at the HTTP edge for the adapters' tests, and sleeps that do not sleep."""

from __future__ import annotations

import pytest
import responses

from tests.unit.adapters.hubspot_edge import Portal, Slow
from tests.unit.adapters.salesforce_org import Org


@pytest.fixture
def waits(monkeypatch):
    """No test sleeps between attempts; the waits that would have been are kept to look at."""
    waited: list[float] = []
    monkeypatch.setattr("tenacity.nap.time.sleep", waited.append)
    return waited


@pytest.fixture
def org(waits):
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield Org(mock)


@pytest.fixture
def crm(org):
    adapter = org.adapter()
    yield adapter
    adapter.close()


@pytest.fixture(params=["2026-09", "v3"])
def portal(request, waits):
    made = Portal(request.param)
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        made.serve(mock)
        yield made


@pytest.fixture
def slow():
    return Slow()
