"""Complaints of other movers' users that only a CRM over HTTP can show; named after their number.

The others stand in tests/sync/test_complaints.py and beside the adapters.
"""

from __future__ import annotations

import pytest

from connector.domain.moment import DAY, HOUR, MINUTE
from connector.errors import RateLimitError, TryLaterError


@pytest.fixture
def waits(monkeypatch):
    waited: list[float] = []
    monkeypatch.setattr("tenacity.nap.time.sleep", waited.append)
    return waited


def title(work, name):
    ((doc,),) = work.rows(
        f"SELECT doc FROM record WHERE id = '{work.ids[name]}' AND object IN ('contact', 'lead')"
    )
    return doc.partition('"title":"')[2].partition('"')[0]


@pytest.mark.parametrize("lag", [10 * 60, 3 * 3600], ids=["minutes", "hours"])
def test_c11_what_the_search_index_shows_late_is_read_all_the_same(opened, lag):
    work = opened("hubspot")
    work.person("early", title="Clerk")
    work.person("later", title="Clerk")
    work.go()
    work.crm.steer("rules", {"lag": lag})
    work.pass_time(HOUR)
    work.edit("early", jobtitle="CEO")
    work.pass_time(MINUTE // 2)
    work.crm.steer("rules", {"lag": 0})
    work.edit("later", jobtitle="CEO")  # it comes to light before the earlier change
    work.run()
    assert [title(work, name) for name in ("later", "early")] == ["CEO", "Clerk"], "no trap"
    if lag < 15 * 60:  # inside the overlap: the next window sees it
        work.pass_time(10 * MINUTE)
    else:  # ... or the nightly comparison does
        work.pass_time(DAY + HOUR)
    work.run()
    assert title(work, "early") == "CEO"


def test_c17_associations_come_with_increments_too(opened):
    work = opened("hubspot")
    work.person("one")
    work.person("two")
    loaded = work.crm.steer(
        "load",
        {
            "companies": [{"at": work.now, "properties": {"name": "Mills"}}],
            "deals": [{"at": work.now, "properties": {"dealname": "D", "dealstage": "closedlost"}}],
            "ties": [
                ["companies", 0, "contacts", work.ids["one"]],
                ["deals", 0, "contacts", work.ids["one"]],
            ],
        },
    )
    work.go()
    work.pass_time(HOUR)
    work.edit("one", jobtitle="CEO")
    deal = loaded["deals"][0]
    work.crm.steer("edit", {"type": "deals", "id": deal, "set": {"dealname": "renamed"}})
    met = {"properties": {"dealname": "N", "dealstage": "appointmentscheduled"}, "at": work.now}
    new = work.crm.steer(
        "load", {"deals": [met], "ties": [["deals", 0, "contacts", work.ids["two"]]]}
    )
    work.run()
    accounts = dict(work.rows("SELECT id, account FROM record WHERE object = 'contact'"))
    assert accounts[work.ids["one"]] is not None
    people = dict(work.rows("SELECT id, subject FROM record WHERE object = 'deal'"))
    assert people == {deal: work.ids["one"], new["deals"][0]: work.ids["two"]}


def test_c17_an_association_made_later_without_a_stamp_is_seen_by_the_next_night(opened):
    work = opened("hubspot")
    work.person("one")
    deal = {"at": work.now, "properties": {"dealname": "D", "dealstage": "appointmentscheduled"}}
    (deal,) = work.crm.steer("load", {"deals": [deal]})["deals"]
    work.go()
    work.crm.portal.tie("deals", deal, "contacts", work.ids["one"])
    work.pass_time(DAY + HOUR)
    work.run()
    assert work.rows("SELECT subject FROM record WHERE object = 'deal'") == [(work.ids["one"],)]


@pytest.fixture
def org(opened, waits):
    org = opened("salesforce")
    waits.clear()  # those of installing our fields
    return org


def test_c23_a_log_in_that_is_answered_too_many_is_tried_again_as_told(org, waits):
    org.person("one")
    org.fail("POST /services/oauth2/token*", status=429, headers={"Retry-After": "7"}, times=2)
    org.go()
    assert waits == [7.0, 7.0]
    assert org.rows("SELECT count(*) FROM record WHERE object = 'lead'") == [(1,)]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {"error": "invalid_grant", "error_description": "login rate exceeded"}),
        (503, {"error": "temporarily_unavailable"}),
        (400, {"error": "server_error"}),
    ],
)
def test_c23_a_log_in_refused_for_its_rate_is_no_wrong_secret(org, waits, status, body):
    org.person("one")
    org.fail("POST /services/oauth2/token*", status=status, body=body)
    assert org.run().status == "needs_approval"
    assert len(waits) == 1
    org.crm.steer("session", {})
    org.fail("POST /services/oauth2/token*", status=status, body=body, times=9)
    with pytest.raises(TryLaterError):
        org.run()
    assert org.rows("SELECT state FROM health") == [("parked",)]


def test_c23_a_log_in_told_to_wait_long_parks_the_connection_and_latches_nothing(org, waits):
    org.person("one")
    org.fail("POST /services/oauth2/token*", status=429, headers={"Retry-After": "900"})
    with pytest.raises(RateLimitError):
        org.run()
    assert waits == []
    assert org.rows("SELECT state FROM health") == [("parked",)]
    org.pass_time(HOUR)
    assert org.go().status == "needs_approval"


def test_c23_a_session_that_ends_in_mid_run_is_renewed_through_a_busy_log_in(org, waits):
    org.person("one")
    org.crm.steer("session", {"life": 3})
    org.fail("POST /services/oauth2/token*", after=1, status=429, headers={"Retry-After": "2"})
    assert org.run().status == "needs_approval"
    assert 2.0 in waits
