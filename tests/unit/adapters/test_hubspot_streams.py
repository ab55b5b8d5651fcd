"""Form submissions, marketing mails and event occurrences; and HubSpot through its mapping."""

from __future__ import annotations

from pathlib import Path

import pytest

from connector.adapters import open_adapter
from connector.adapters.base import Window
from connector.config.settings import Connection
from connector.domain.moment import parse_iso
from connector.domain.record import Activity
from connector.errors import FeatureError, UsageError
from connector.mapping.compile import compile_mapping
from connector.mapping.document import load_mapping
from tests.unit.adapters.hubspot_edge import definition, opened

SINCE, UNTIL = parse_iso("2026-10-31T10:00:00Z"), parse_iso("2026-10-31T11:00:00Z")
CHANGES, ALL = Window(SINCE, UNTIL), Window(None, UNTIL)
MS = SINCE // 1000
MAPPING = compile_mapping(load_mapping(Path(__file__).parents[3] / "mappings" / "hubspot.yaml"))


def submission(number, ms, email="ada@a.example", **more):
    values = [
        {"name": "email", "value": email, "objectTypeId": "0-1"},
        {"name": "plan", "value": "pro"},
    ]
    return {
        "conversionId": f"c{number:04}",
        "submittedAt": ms,
        "pageUrl": "https://a.example/x",
        "values": values,
        **more,
    }


def rows(pages):
    return [row for page in pages for row in page.rows]


def ids(pages):
    return {row["id"] for row in rows(pages)}


def test_submissions_are_read_back_to_where_the_window_begins(portal):
    portal.submissions["f1"] = [submission(n, MS + (n - 200) * 60_000) for n in range(400)]
    found = rows(
        opened(portal).read(
            "form_submissions", ["id", "email", "form_name", "values.plan"], CHANGES, None
        )
    )
    assert {row["id"] for row in found} == {f"c{n:04}" for n in range(200, 260)}
    assert (found[0]["email"], found[0]["form_name"], found[0]["values.plan"]) == (
        "ada@a.example",
        "Form f1",
        "pro",
    )
    assert portal.calls["submissions"] == 5  # of eight pages


def test_all_forms_are_read_or_the_one_that_is_named(portal):
    for form in ("f1", "f2"):
        portal.submissions[form] = [
            submission(n, MS, conversionId=f"{form}-{n}") for n in range(60)
        ]
    assert len(ids(opened(portal).read("form_submissions", ["id"], ALL, None))) == 120
    found = rows(opened(portal).read("forms/f2", ["id", "form_name"], ALL, None))
    assert {row["form_name"] for row in found} == {"Form f2"}
    assert len(found) == 60


def test_submissions_resume_after_their_page_and_skip_finished_forms(portal):
    for form in ("f1", "f2"):
        portal.submissions[form] = [
            submission(n, MS + n, conversionId=f"{form}-{n}") for n in range(70)
        ]
    pages = list(opened(portal).read("form_submissions", ["id"], ALL, None))
    everything = ids(pages)
    for place, page in enumerate(pages):
        rest = ids(opened(portal).read("form_submissions", ["id"], ALL, page.position))
        assert rest == everything - ids(pages[: place + 1])


def test_a_cursor_that_is_no_more_begins_its_form_anew(portal):
    portal.submissions["f1"] = [submission(n, MS + n) for n in range(70)]
    portal.queue = [None, (400, {}, {"status": "error", "message": "bad cursor"})]
    assert len(ids(opened(portal).read("form_submissions", ["id"], ALL, "f1|old"))) == 70


def test_a_submission_without_an_id_has_one_of_its_content(portal):
    portal.submissions["f1"] = [
        submission(n, MS, email=f"p{n}@a.example", conversionId=None) for n in range(3)
    ]
    found = ids(opened(portal).read("form_submissions", ["id"], ALL, None))
    assert len(found) == 3
    assert not any("@" in ident for ident in found)


def test_mail_events_are_keyed_by_id_and_moment_and_end_though_more_is_promised(portal):
    portal.mails = [
        {
            "id": "e1",
            "created": MS + 5,
            "type": "OPEN",
            "recipient": "ada@a.example",
            "filteredEvent": True,
        },
        {"id": "e1", "created": MS + 9, "type": "OPEN", "recipient": "ada@a.example"},
        {"id": "e2", "created": MS + 60_000_000, "type": "CLICK", "recipient": "ada@a.example"},
        {"id": "e3", "created": MS - 1, "type": "CLICK", "recipient": "ada@a.example"},
    ]
    pages = list(opened(portal).read("email_events", ["id", "type"], CHANGES, None))
    assert ids(pages) == {f"e1/{MS + 5}", f"e1/{MS + 9}"}
    assert list(opened(portal).read("email_events", ["id"], CHANGES, pages[-1].position)) == []


def test_events_of_a_portal_that_has_none_are_a_feature_less(portal):
    with pytest.raises(FeatureError):
        list(opened(portal).read("events", ["id", "properties.hs_url"], ALL, None))


def test_without_events_the_last_page_each_contact_saw_is_read_from_the_contact(portal):
    names = ["id", "objectId", "occurredAt", "properties.hs_url", "properties.hs_session_id"]
    with pytest.raises(FeatureError, match="no page views"):
        list(opened(portal).read("events/e_visited_page", names, ALL, None))
    for name in ("hs_analytics_last_timestamp", "hs_analytics_last_url"):
        portal.properties["contacts"].append(definition(name))
    seen = {"hs_analytics_last_timestamp": "2026-10-01T00:00:00Z"}
    for n in (1, 2, 3):
        portal.put("contacts", n, **(seen if n < 3 else {}), hs_analytics_last_url=f"/p{n}")
    pages = list(opened(portal, page=2).read("events/e_visited_page", names, ALL, None))
    found = rows(pages)
    assert {row["id"] for row in found} == {f"{n}/2026-10-01T00:00:00Z" for n in (1, 2)}
    assert {row["properties.hs_url"] for row in found} == {"/p1", "/p2"}
    again = opened(portal).read("events/e_visited_page", names, ALL, pages[0].position)
    assert {row["objectId"] for row in rows(again)} <= {"1", "2"}


def test_members_of_a_list_are_read_with_the_moment_they_joined(portal):
    portal.lists = {"5": {"listId": "5", "name": "MQL", "members": [str(n) for n in range(120)]}}
    names = ["id", "recordId", "membershipTimestamp"]
    found = rows(opened(portal).read("list_members/5", names, ALL, None))
    assert len(found) == 120
    assert found[0]["id"] == "5/0"
    assert rows(opened(portal).read("list_members/5", names, CHANGES, None)) == []


def test_events_come_with_the_properties_asked_for(portal):
    one = {"id": "v1", "eventType": "e_visited_page", "objectType": "CONTACT", "objectId": 5}
    one |= {
        "occurredAt": "2026-10-31T10:30:00Z",
        "properties": {"hs_url": "https://a.example/pricing"},
    }
    late = {**one, "id": "v2", "occurredAt": "2026-10-31T11:00:00Z"}
    portal.queue = [(200, {}, {"results": [one, late]})]
    names = ["id", "objectId", "eventType", "occurredAt", "properties.hs_url"]
    (row,) = rows(opened(portal).read("events/e_visited_page", names, CHANGES, None))
    assert (row["objectId"], row["properties.hs_url"]) == ("5", "https://a.example/pricing")


@pytest.mark.parametrize("source", ["form_submissions", "email_events", "events"])
def test_an_unknown_field_of_a_stream_is_refused_by_name(portal, source):
    with pytest.raises(UsageError, match="no_such_field"):
        list(opened(portal).read(source, ["no_such_field"], ALL, None))


# --- through the shipped mapping -----------------------------------------------------------------


def test_a_connection_is_opened_by_its_kind(portal, monkeypatch, tmp_path):
    monkeypatch.setenv("HS", "pat-eu1-canary-7f3a")
    auth = {"token": "${HS}", "api_version": portal.version}
    connection = Connection.model_validate(
        {"name": "hs", "kind": "hubspot", "mapping": "m", "auth": auth}
    )
    adapter = open_adapter(connection, tmp_path, {}, lambda: 0)
    assert adapter.check().organisation == "4711"
    assert "canary" not in repr(adapter)
    adapter.close()


def test_an_engagement_counts_for_each_of_its_people_under_an_id_that_stays():
    row = {"id": "9", "hs_timestamp": "2026-10-31T10:30:00Z", "hs_meeting_outcome": None}
    alone = MAPPING["meeting"].convert({**row, "associations.contacts": ["5"]}, "")
    both = MAPPING["meeting"].convert({**row, "associations.contacts": ["7", "5"]}, "")
    assert [(one.id, one.person) for one in both] == [("9:7", "contact/7"), ("9:5", "contact/5")]
    assert alone[0] == both[1]
    assert isinstance(alone[0], Activity)
    assert MAPPING["meeting"].convert({**row, "associations.contacts": []}, "") == ()


def test_a_deal_is_about_its_first_contact_and_its_primary_company():
    row = {
        "id": "1",
        "dealstage.state": "lost",
        "closed_lost_reason": "price",
        "dealstage.changed": "2026-10-31T10:30:00Z",
        "associations.contacts": ["5", "7"],
        "associations.companies": [],
        "amount": "1200.50",
    }
    found = MAPPING["deal"].convert(row, "")
    assert (found.doc["person"], found.doc["account"]) == ("5", None)
    assert (found.doc["status"], found.doc["reason"], found.doc["amount"]) == (
        "lost",
        "price",
        1200.5,
    )


def test_owners_people_forms_and_mails_come_out_in_our_words():
    owner = MAPPING["owner"].convert(
        {"id": "1", "email": "o@a.example", "archived": True, "type": "QUEUE"}, ""
    )
    assert (owner.doc["active"], owner.doc["type"]) == (False, "queue")
    person = {
        "id": "5",
        "email": "ada@a.example",
        "hs_lead_status": "UNQUALIFIED",
        "hs_email_optout": "true",
    }
    contact = MAPPING["contact"].convert({**person, "leadloop_score": "55"}, "")
    assert (contact.doc["status"], contact.doc["opted_out"]) == ("rejected", True)
    assert contact.remote["leadloop_score"] == "55"
    form = {"id": "c", "submittedAt": MS, "email": "ada@a.example", "form_name": "Demo"}
    (submitted,) = MAPPING["form"].convert(form, "")
    assert (submitted.type, submitted.form, submitted.time) == ("form_submit", "demo", SINCE)
    assert MAPPING["form"].convert({**form, "email": None}, "") is None
    mail = {"id": "e/1", "created": MS, "type": "CLICK", "recipient": "ada@a.example"}
    assert MAPPING["mailing"].convert(mail, "")[0].type == "email_click"
    assert MAPPING["mailing"].convert({**mail, "filteredEvent": True}, "") is None
    task = {"id": "t", "hs_task_status": "COMPLETED", "associations.contacts": ["5"]}
    (done,) = MAPPING["task"].convert(
        {**task, "hs_task_status.changed": "2026-10-31T10:00:00Z"}, ""
    )
    assert (done.type, done.time) == ("task", SINCE)
