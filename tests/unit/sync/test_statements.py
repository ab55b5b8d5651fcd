"""Of several things a CRM says about a person, the one that tells how far the person is."""

from __future__ import annotations

import pytest

from connector.domain.cycle import State
from connector.store.people import PersonRecord
from connector.sync.statements import statements, strongest


def record(obj, status, at):
    doc = {"status": status, "status_at": at}
    return PersonRecord("crm", obj, f"{obj}{at}", None, doc, {}, False, None, "p")


@pytest.mark.parametrize(
    ("lead", "deals", "wanted"),
    [
        (("qualified", 5), [("lost", 9)], State.LOST),
        (("qualified", 5), [("open", 5), ("lost", 9)], State.QUALIFIED),
        (("qualified", 12), [("lost", 9)], State.QUALIFIED),
        (("qualified", 5), [("lost", 9), ("won", 3)], State.WON),
        (("accepted", 12), [("lost", 9)], State.LOST),
        (("qualified", 5), [], State.QUALIFIED),
    ],
)
def test_a_lead_called_qualified_is_no_more_than_its_deals(lead, deals, wanted):
    said = statements(record("lead", *lead), [record("deal", *deal) for deal in deals], "anna")
    assert strongest(said).state is wanted
