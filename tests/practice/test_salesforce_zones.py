"""Days without time at a practice org: they begin where the org is, and fall where its people are."""

from __future__ import annotations

import pytest

from connector.domain.moment import HOUR, MINUTE, format_iso, parse_iso
from tests.practice.at_work import START


@pytest.fixture
def work(opened):
    return opened("salesforce")


def moved(work, zone, now):
    for row in work.crm.org.tables["Organization"].values():
        row["TimeZoneSidKey"] = zone
    work.now = parse_iso(now)


def responds(work, name):
    (campaign,) = work.crm.steer("load", {"Campaign": [{"Name": "Guide", "Type": "Content"}]})[
        "Campaign"
    ]
    work.crm.steer(
        "load",
        {"CampaignMember": [{"CampaignId": campaign, "LeadId": work.ids[name],
                             "Status": "Responded"}]},
    )  # fmt: skip


def responded(work):
    ((at,),) = work.rows("SELECT time FROM activity WHERE object = 'response'")
    return format_iso(at)


def closed(work):
    ((doc,),) = work.rows("SELECT json_extract(doc, '$.closed') FROM record WHERE object = 'deal'")
    return format_iso(doc)


def deal(work, day):
    row = {"Name": "D", "StageName": "Closed Won", "CloseDate": day, "Amount": 5}
    work.crm.steer("load", {"Opportunity": [row]})


@pytest.mark.parametrize(
    ("zone", "now", "day"),
    [
        # Eight in the morning in Sydney is the evening before in Greenwich.
        pytest.param("Australia/Sydney", "2026-03-02T21:00:00Z", "2026-03-02T13:00:00Z", id="east"),
        # Eleven at night in New York is the next morning there.
        pytest.param("America/New_York", "2026-03-03T04:00:00Z", "2026-03-02T05:00:00Z", id="west"),
        # The last hour of a summer's day in Paris, and the first of the next.
        pytest.param("Europe/Paris", "2026-07-01T21:30:00Z", "2026-06-30T22:00:00Z", id="before"),
        pytest.param("Europe/Paris", "2026-07-01T22:30:00Z", "2026-07-01T22:00:00Z", id="after"),
        pytest.param("UTC", "2026-03-03T00:00:00Z", "2026-03-03T00:00:00Z", id="greenwich"),
    ],
)
def test_a_response_is_of_the_day_it_came_where_the_org_is_and_never_of_a_day_to_come(
    work, zone, now, day
):
    moved(work, zone, now)
    work.person("one", title="Clerk")
    responds(work, "one")
    work.run()
    assert responded(work) == day
    assert parse_iso(day) <= work.now, "an activity of tomorrow would not count yet"


def test_a_deal_closes_on_the_day_its_owner_means(work):
    moved(work, "Australia/Sydney", "2026-03-02T21:00:00Z")
    deal(work, "2026-03-03")
    work.run()
    assert closed(work) == "2026-03-02T13:00:00Z"


def test_where_the_org_may_not_be_asked_our_users_own_zone_counts(work):
    refused = [{"errorCode": "INSUFFICIENT_ACCESS", "message": "no"}]
    work.fail("GET *TimeZoneSidKey*Organization*", status=403, body=refused, times=99)
    work.crm.org.find(work.us)["TimeZoneSidKey"] = "Asia/Tokyo"
    deal(work, "2026-03-03")
    work.run()
    assert closed(work) == "2026-03-02T15:00:00Z"


def test_a_mapping_may_name_a_zone_of_its_own(work):
    mapping = work.folder / "mapping.yaml"
    own = '{from: CloseDate, as: moment, format: "%Y-%m-%d", zone: America/New_York}'
    text = mapping.read_text()
    assert "closed: {from: CloseDate.midnight, as: moment}" in text
    mapping.write_text(text.replace("{from: CloseDate.midnight, as: moment}", own))
    deal(work, "2026-03-03")
    work.run()
    assert closed(work) == "2026-03-03T05:00:00Z"


@pytest.mark.parametrize(
    ("zone", "day"),
    [("Pacific/Kiritimati", "2026-03-03"), ("Pacific/Pago_Pago", "2026-03-01")],
)
def test_a_task_is_due_on_the_day_that_it_is_then_where_the_org_is(work, zone, day):
    moved(work, zone, format_iso(START))
    work.person("seed", title="Clerk")
    work.go()
    work.now += HOUR + MINUTE
    work.hot("one")
    work.run()
    (task,) = [row for row in work.crm.org.tables["Task"].values() if row["CreatedById"] == work.us]
    ((due,),) = work.rows("SELECT touch_due FROM handoff")
    assert format_iso(due).startswith("2026-03-02T10:"), "midnight is half an hour away"
    assert task["ActivityDate"] == day
