"""Activities that vanish without a delete that any window shows: the nightly log finds them."""

from __future__ import annotations

import pytest

from connector.domain.moment import DAY, HOUR
from tests.practice.conftest import heard


@pytest.fixture
def work(opened):
    work = opened("salesforce")
    work.person("one", title="Clerk")
    (campaign,) = work.crm.steer("load", {"Campaign": [{"Name": "Fair", "Type": "Trade Show"}]})[
        "Campaign"
    ]
    row = {"CampaignId": campaign, "LeadId": work.ids["one"], "Status": "Responded"}
    work.member, work.other = work.crm.steer(
        "load", {"CampaignMember": [row, {**row, "CampaignId": campaign}]}
    )["CampaignMember"]
    work.meets("one")
    work.go()
    work.run()
    assert kinds(work) == {"response": 2, "event": 1}
    return work


def kinds(work):
    return dict(work.rows("SELECT object, count(*) FROM activity GROUP BY object"))


def gone_for_good(work, kind):
    """Deleted and out of the bin: no query shows it any more."""
    ident = next(iter(work.crm.org.tables[kind]))
    work.crm.steer("delete", {"id": ident, "hard": True})
    return ident


def test_a_campaign_member_and_a_meeting_that_went_without_a_trace_count_no_more(work):
    work.pass_time(HOUR)
    work.crm.steer("delete", {"id": work.member})  # it passes no bin
    gone_for_good(work, "Event")
    work.run()
    assert kinds(work) == {"response": 2, "event": 1}, "no window tells of them"
    work.pass_time(DAY)
    work.run()
    assert kinds(work) == {"response": 1}
    assert work.mirrored("one", "behaviour") in {0, None}, "the meeting gave its points"


def test_it_costs_one_call_an_object_and_night_and_reads_ids_alone(work, monkeypatch):
    work.pass_time(DAY)
    calls = heard(work.crm, monkeypatch)
    work.run()
    logs = [said for said, _ in calls if "/deleted" in said]
    assert len(logs) == len({one.partition("?")[0] for one in logs}) == 4
    work.crm.steer("delete", {"id": work.member})
    work.pass_time(DAY)
    calls.clear()
    work.run()
    asked = [
        request.argument("q")
        for said, request in calls
        if "FROM CampaignMember" in (request.argument("q") or "")
        and "Id IN" in request.argument("q")
    ]
    assert len(asked) == 1
    assert asked[0].startswith("SELECT Id, IsDeleted FROM CampaignMember")
    calls.clear()
    work.run()
    assert [said for said, _ in calls if "/deleted" in said] == [], "once a night"


def test_a_log_that_is_refused_buries_nobody(work):
    work.pass_time(HOUR)
    refused = [{"errorCode": "EXCEEDED_ID_LIMIT", "message": "too many"}]
    work.fail("GET *deleted*", status=400, body=refused, times=99)
    work.crm.steer("delete", {"id": work.member})
    work.pass_time(DAY)
    assert work.run().status == "ok"
    assert kinds(work) == {"response": 2, "event": 1}


def test_what_the_log_names_and_is_there_all_the_same_stays(work):
    meeting = next(iter(work.crm.org.tables["Event"]))
    work.crm.org.deletions["Event"][meeting] = work.now + HOUR  # and it was brought back since
    work.pass_time(DAY)
    work.run()
    assert kinds(work) == {"response": 2, "event": 1}


def test_a_pause_longer_than_the_log_reaches_is_said(work):
    work.pass_time(DAY)
    work.run()
    work.pass_time(40 * DAY)
    work.run()
    lines = [said for said in work.warnings if "not in the CRM's log any more" in said]
    assert len(lines) == 4
    work.pass_time(DAY)
    work.run()
    assert [said for said in work.warnings if "log any more" in said] == []
