"""An org for the tests of the Salesforce adapter, and sleeps that do not sleep."""

from __future__ import annotations

import pytest
import responses

from tests.unit.adapters.salesforce_org import Org


@pytest.fixture
def waits(monkeypatch):
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
