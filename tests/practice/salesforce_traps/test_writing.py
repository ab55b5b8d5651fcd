"""Traps of writing: owners, rules and locks of the org, records that go meanwhile, and echoes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import requests
from simple_salesforce import Salesforce

from connector.domain.change import Result
from connector.domain.moment import HOUR, MINUTE
from connector.errors import BusyError
from connector.practice.salesforce.moments import moment_text
from tests.practice.conftest import CLIENT, SECRET
from tests.practice.test_clients import ToPractice

SAVE = "PATCH */composite/sobjects"
ASSIGN = {"Sforce-Auto-Assign": "FALSE"}


def codes(results):
    return [one["errors"][0]["statusCode"] if one["errors"] else "" for one in results]


def users(salesforce, *names, active=True):
    rows = [{"Username": n, "LastName": n, "Email": f"{n}@us.example", "IsActive": active}
            for n in names]  # fmt: skip
    return salesforce.load(User=rows)["User"]


def titles(salesforce, ids):
    return [salesforce.crm.org.find(one)["Title"] for one in ids]


def saves(calls):
    return [request.json()["records"] for said, request in calls if said.endswith("/composite/sobjects")]  # fmt: skip


# --- owners --------------------------------------------------------------------------------------


def test_trap_01_a_library_that_forgets_the_header_at_its_new_log_in_loses_the_owner(salesforce):
    ours, rule = users(salesforce, "ours", "rule")
    (lead,) = salesforce.leads(1)
    salesforce.crm.steer("rules", {"assignment": {"Lead": rule}})
    body = {"records": [{"attributes": {"type": "Lead"}, "id": lead, "OwnerId": ours}]}
    with requests.Session() as session:
        session.mount("https://", ToPractice(salesforce.url))
        client = Salesforce(
            consumer_key=CLIENT, consumer_secret=SECRET, domain="acme.my", session=session
        )
        salesforce.crm.steer("session", {})
        client.restful("composite/sobjects", method="PATCH", json=body, headers=ASSIGN)
    assert salesforce.crm.org.find(lead)["OwnerId"] == rule


def test_trap_01_ours_says_it_with_each_attempt(salesforce, ours, calls):
    mine, rule = users(salesforce, "ours", "rule")
    (lead,) = salesforce.leads(1)
    salesforce.crm.steer("rules", {"assignment": {"Lead": rule}})
    ours.rows()
    salesforce.fail(SAVE, status=401, body=[{"errorCode": "INVALID_SESSION_ID", "message": "x"}])
    (outcome,) = ours.write((lead, {"OwnerId": mine}))
    sent = [request.headers for said, request in calls if said.endswith("/composite/sobjects")]
    assert [headers["sforce-auto-assign"] for headers in sent] == ["FALSE", "FALSE"]
    assert sent[0]["authorization"] != sent[1]["authorization"]
    assert outcome.result is Result.APPLIED
    assert salesforce.crm.org.find(lead)["OwnerId"] == mine


def test_trap_35_an_inactive_owner_in_the_same_call_takes_the_score_down_with_it(salesforce):
    (lead,) = salesforce.leads(1)
    (owner,) = users(salesforce, "left", active=False)
    salesforce.write({"id": lead, "Title": "CEO", "OwnerId": owner})
    assert salesforce.crm.org.find(lead)["Title"] == "Boss"
    assert salesforce.effects() == []


def test_trap_35_ours_looks_owners_up_and_writes_the_score_for_itself(salesforce, ours, calls):
    (lead,) = salesforce.leads(1)
    (contact,) = salesforce.load(Contact=[{"LastName": "C"}])["Contact"]
    (left,) = users(salesforce, "left", active=False)
    queue = salesforce.load(Group=[{"Name": "Q", "Type": "Queue"}])["Group"][0]
    salesforce.load(QueueSobject=[{"QueueId": queue, "SobjectType": "Lead"}])
    assert ours.adapter.capabilities.owner_alone, "the sync gives owners a call of their own"
    (score,) = ours.write((lead, {"Title": "CEO"}))
    told = {}
    for source, id_, owner in (("Lead", lead, left), ("Contact", contact, queue),
                               ("Lead", lead, queue)):  # fmt: skip
        (told[source, owner],) = ours.write((id_, {"OwnerId": owner}), source=source)
    assert [one.code for one in told.values()] == ["INACTIVE_OWNER_OR_USER", "QUEUE_NOT_FOR_OBJECT", ""]  # fmt: skip
    assert all(one.hint for one in told.values() if one.code)
    assert score.result is Result.APPLIED
    assert [id_ for records in saves(calls) for id_ in [records[0]["id"]]] == [lead, lead]
    assert salesforce.crm.org.find(lead)["OwnerId"] == queue


def test_trap_65_an_owner_decided_on_an_hour_ago_overwrites_a_persons(salesforce):
    one, two, person = users(salesforce, "one", "two", "person")
    (lead,) = salesforce.leads(1, OwnerId=one)
    (read,) = salesforce.query("SELECT Id, OwnerId FROM Lead")
    decided = two if read["OwnerId"] == one else None
    salesforce.crm.steer("edit", {"id": lead, "set": {"OwnerId": person}})
    salesforce.write({"id": lead, "OwnerId": decided}, headers=ASSIGN)
    assert salesforce.crm.org.find(lead)["OwnerId"] == two


def test_trap_65_ours_leaves_an_owner_whom_a_person_chose_meanwhile(opened):
    work = opened("salesforce")
    work.go()
    text = (work.folder / "leadloop.yaml").read_text()
    work.write("leadloop.yaml", text.replace("owners: 100,", "owners: 0,"))
    work.hot("eve")
    work.hot("bob")
    plan = work.run().plan
    assert plan.state == "needs_approval"
    work.gives("eve", "ben")
    work.pass_time(MINUTE)
    work.apply(plan.id)
    assert work.owner("eve") == "ben"
    assert ("eve", "OwnerId") not in [(name, field) for name, field, *_ in work.written()]
    assert work.owner("bob") in {"anna", "ben"}


# --- records that go meanwhile -------------------------------------------------------------------


def test_trap_24_a_score_for_the_loser_of_a_merge_is_lost(salesforce):
    winner, loser = salesforce.leads(2)
    salesforce.crm.steer("merge", {"winner": winner, "loser": loser})
    (result,) = salesforce.write({"id": loser, "Title": "CEO"})
    assert codes([result]) == ["ENTITY_IS_DELETED"]
    assert titles(salesforce, [winner]) == ["Boss"]


def test_trap_24_ours_takes_score_history_and_hand_off_to_the_winner(opened):
    work = opened("salesforce")
    work.go()
    work.person("eve", title="Clerk")
    work.go()
    work.hot("evelyn")
    work.crm.steer("rules", {"locked": {work.ids["evelyn"]: 99}})  # what she is due stays due
    work.go()
    assert work.mirrored("evelyn", "score") is None
    work.crm.steer("rules", {"locked": {}})
    work.crm.steer("merge", {"winner": work.ids["eve"], "loser": work.ids["evelyn"]})
    loser = work.ids.pop("evelyn")
    work.edit("eve", Title="VP Sales")
    work.written()
    for _ in range(2):
        work.pass_time(HOUR)
        work.go()
    assert work.mirrored("eve", "score") == 100
    assert work.owner("eve") in {"anna", "ben"}
    assert [e for e in work.crm.oracle.effects if e.id == loser and e.field == "Leadloop_Score__c"] == []  # fmt: skip
    assert len(work.crm.org.tables["Task"]) == 1
    assert work.rows("SELECT count(*) FROM cycle WHERE handed_off_at IS NOT NULL") == [(1,)]


def test_trap_25_a_lead_converted_meanwhile_takes_no_score_and_its_contact_gets_none(salesforce):
    (lead,) = salesforce.leads(1)
    salesforce.crm.steer("convert", {"leadId": lead})
    assert codes(salesforce.write({"id": lead, "Title": "CEO"})) == ["CANNOT_UPDATE_CONVERTED_LEAD"]
    (contact,) = salesforce.query("SELECT Title FROM Contact")
    assert contact["Title"] == "Boss"


def test_trap_25_ours_follows_it_to_its_contact(opened, just_before):
    work = opened("salesforce")
    work.go()
    work.hot("eve", OwnerId=work.owners["ben"])
    made = {}

    def convert():
        wish = {"leadId": work.ids["eve"], "createOpportunity": False}
        made.update(work.crm.steer("convert", wish))

    just_before(work.crm, SAVE, convert)
    work.go()
    lead = work.ids["eve"]
    assert made
    assert work.crm.org.find(lead)["Leadloop_Score__c"] is None
    work.pass_time(HOUR)
    work.go()
    assert work.crm.org.find(made["contactId"])["Leadloop_Score__c"] == 100
    assert work.rows("SELECT count(DISTINCT person) FROM cycle") == [(1,)]


# --- echoes --------------------------------------------------------------------------------------


def test_trap_27_a_write_of_everything_each_run_wakes_itself_up(salesforce):
    ids = salesforce.leads(3)
    for _ in range(3):
        salesforce.tick(60)
        since = moment_text(salesforce.now).replace(".000+0000", "Z")
        salesforce.write(*({"id": one, "Rating": "Hot"} for one in ids))
        changed = salesforce.query(f"SELECT Id FROM Lead WHERE SystemModstamp >= {since}")
        assert len(changed) == 3


def test_trap_27_ours_scores_and_writes_nothing_the_second_time(opened):
    work = opened("salesforce")
    work.hot("eve")
    work.go()
    assert work.written()
    for _ in range(2):
        work.pass_time(MINUTE)
        result = work.run()
        assert work.written() == []
        assert result.counts["score"]["scored"] == 0


def test_trap_28_skipping_ones_own_writes_skips_the_persons_edit_before_them(salesforce):
    (rep,) = users(salesforce, "rep")
    (lead,) = salesforce.leads(1)
    salesforce.tick(10)
    salesforce.crm.steer("edit", {"id": lead, "set": {"Title": "CEO"}, "user": rep})
    salesforce.tick(10)
    salesforce.write({"id": lead, "Rating": "Hot"})
    soql = f"SELECT Id FROM Lead WHERE LastModifiedById != '{salesforce.admin}'"
    assert salesforce.query(soql) == []
    assert titles(salesforce, [lead]) == ["CEO"]


def test_trap_28_ours_reads_an_edit_made_just_before_our_write(opened, just_before):
    work = opened("salesforce")
    work.go()
    work.hot("eve")
    just_before(work.crm, SAVE, lambda: work.edit("eve", Title="Clerk"))
    work.go()
    row = work.crm.org.find(work.ids["eve"])
    assert (row["Title"], row["LastModifiedById"]) == ("Clerk", work.us)
    assert row["Leadloop_Fit__c"] == 100
    work.pass_time(MINUTE)
    work.go()
    assert row["Leadloop_Fit__c"] == 0


def test_trap_29_a_flow_that_answers_each_write_is_answered_for_ever(salesforce):
    (bot,) = users(salesforce, "bot")
    salesforce.crm.steer("app", {"client": "bot", "secret": "b", "user": bot})
    (lead,) = salesforce.leads(1)
    flow = {"object": "Lead", "on": "Rating", "set": {"Industry": "Retail"}}
    salesforce.crm.steer("rules", {"flows": [flow]})
    form = {"grant_type": "client_credentials", "client_id": "bot", "client_secret": "b"}
    token = requests.post(f"{salesforce.url}/services/oauth2/token", data=form, timeout=10).json()
    salesforce.http.headers["Authorization"] = f"Bearer {token['access_token']}"
    for number in range(5):  # it writes whom somebody else changed since
        salesforce.tick(60)
        since = moment_text(salesforce.now).replace(".000+0000", "Z")
        salesforce.write({"id": lead, "Rating": ("Hot", "Cold")[number % 2]})
        others = f"LastModifiedById != '{bot}' AND SystemModstamp >= {since}"
        assert len(salesforce.query(f"SELECT Id FROM Lead WHERE {others}")) == 1


def test_trap_29_ours_stops_writing_and_says_that_a_flow_answers(opened):
    work = opened("salesforce")
    for number in range(25):
        work.person(f"p{number}")
    flow = {"object": "Lead", "on": "Leadloop_Score__c", "set": {"Title": "Clerk"}}
    work.crm.steer("rules", {"flows": [flow]})
    work.go()
    assert {work.shown(name)["Leadloop_Fit__c"] for name in work.ids} == {100}
    work.written()
    work.pass_time(HOUR)
    result = work.run()
    assert result.plan.state == "needs_approval"
    assert any("a flow of the CRM seems to answer our writes" in said for said in work.warnings)
    assert work.written() == []


# --- partial success -----------------------------------------------------------------------------


def test_trap_30_a_batch_believed_by_its_200_marks_unsaved_rows_as_written(salesforce):
    ids = salesforce.leads(3)
    salesforce.crm.steer("rules", {"locked": {ids[1]: 1}})
    records = [{"attributes": {"type": "Lead"}, "id": one, "Title": "CEO"} for one in ids]
    body = {"allOrNone": False, "records": records}
    answer = salesforce.call("PATCH", f"{salesforce.data}/composite/sobjects", body)
    believed = set(ids) if answer.status_code == 200 else set()
    saved = {one for one in ids if salesforce.crm.org.find(one)["Title"] == "CEO"}
    assert believed - saved == {ids[1]}


def test_trap_30_ours_tells_197_from_three_and_each_of_these_by_its_own_reason(salesforce, ours):
    ids = salesforce.leads(200)
    salesforce.crm.steer("delete", {"id": ids[3]})
    salesforce.crm.steer("rules", {
        "locked": {ids[70]: 99},
        "validation": [{"object": "Lead", "field": "City", "equals": "Nowhere", "message": "No."}],
    })  # fmt: skip
    salesforce.crm.org.find(ids[150])["City"] = "Nowhere"
    outcomes = ours.write(*((one, {"Title": "CEO"}) for one in ids))
    assert [o.id for o in outcomes] == ids
    failed = {n: (o.result, o.code) for n, o in enumerate(outcomes) if o.result is not Result.APPLIED}  # fmt: skip
    assert failed == {
        3: (Result.GONE, "ENTITY_IS_DELETED"),
        70: (Result.RETRY, "UNABLE_TO_LOCK_ROW"),
        150: (Result.REFUSED, "FIELD_CUSTOM_VALIDATION_EXCEPTION"),
    }
    assert titles(salesforce, ids).count("CEO") == 197


def test_trap_31_one_record_too_many_and_none_is_written(salesforce):
    ids = salesforce.leads(201)
    records = [{"attributes": {"type": "Lead"}, "id": one, "Title": "CEO"} for one in ids]
    path = f"{salesforce.data}/composite/sobjects"
    assert salesforce.call("PATCH", path, {"records": records}).status_code == 400
    contacts = salesforce.load(Contact=[{"LastName": "C"}] * 6)["Contact"]
    mixed = [
        {"attributes": {"type": kind}, "id": one, "Title": "CEO"}
        for pair in zip(ids, contacts, strict=False)
        for kind, one in zip(("Lead", "Contact"), pair, strict=True)
    ]
    assert salesforce.call("PATCH", path, {"records": mixed}).status_code == 400
    assert salesforce.effects() == []


def test_trap_31_ours_sends_200_of_one_object_at_a_time(salesforce, ours, calls):
    ids = salesforce.leads(201)
    contacts = salesforce.load(Contact=[{"LastName": "C"}] * 6)["Contact"]
    outcomes = ours.write(*((one, {"Title": "CEO"}) for one in ids))
    outcomes += ours.write(*((one, {"Title": "CEO"}) for one in contacts), source="Contact")
    assert {o.result for o in outcomes} == {Result.APPLIED}
    sent = saves(calls)
    assert [len(records) for records in sent] == [200, 1, 6]
    assert all(len({r["attributes"]["type"] for r in records}) == 1 for records in sent)


# --- locks and rules -----------------------------------------------------------------------------

LOCK = {"errorCode": "UNABLE_TO_LOCK_ROW",
        "message": "unable to obtain exclusive access to this record or 1 records: 001"}  # fmt: skip


def test_trap_32_a_lock_taken_for_a_refusal_loses_the_row(salesforce):
    ids = salesforce.leads(2)
    salesforce.crm.steer("rules", {"locked": {ids[0]: 1}})
    failed = [n for n, code in enumerate(codes(salesforce.write(*({"id": i, "Title": "CEO"} for i in ids)))) if code]  # fmt: skip
    assert failed == [0]
    assert titles(salesforce, ids) == ["Boss", "CEO"]


@pytest.mark.parametrize("status", [400, 500])
def test_trap_32_ours_waits_for_a_lock_that_refused_the_whole_call(salesforce, ours, waits, status):
    (lead,) = salesforce.leads(1)
    salesforce.fail(SAVE, status=status, body=[LOCK], times=2)
    (outcome,) = ours.write((lead, {"Title": "CEO"}))
    assert outcome.result is Result.APPLIED
    assert len(waits) == 2
    assert len(set(waits)) == 2
    assert 0 < sum(waits) < 60


def test_trap_32_ours_tries_locked_rows_once_more_alone_and_by_their_account(
    salesforce, ours, calls
):
    accounts = salesforce.load(Account=[{"Name": "A"}, {"Name": "B"}])["Account"]
    rows = [{"LastName": f"C{n}", "AccountId": accounts[n % 2]} for n in range(8)]
    ids = salesforce.load(Contact=rows)["Contact"]
    locked = [ids[6], ids[1], ids[4], ids[3]]
    salesforce.crm.steer("rules", {"locked": dict.fromkeys(locked, 1) | {ids[3]: 9}})
    outcomes = ours.write(*((one, {"Title": "CEO"}) for one in ids), source="Contact")
    assert [o.result for o in outcomes].count(Result.APPLIED) == 7
    assert outcomes[3].result is Result.RETRY
    first, again = saves(calls)
    assert len(first) == 8
    assert [record["id"] for record in again] == [ids[4], ids[6], ids[1], ids[3]]


def strict(salesforce):
    """Rules of an org that will never let these four values pass."""
    rating = salesforce.crm.org.schema["Lead"].fields["Rating"]
    salesforce.crm.org.schema["Lead"].fields["Rating"] = replace(rating, restricted=True)
    told = "Bosses need a country, ask Ada."
    rule = {"object": "Lead", "field": "Title", "equals": "Boss!", "message": told}
    salesforce.crm.steer("rules", {"validation": [rule]})
    return told, {
        "FIELD_CUSTOM_VALIDATION_EXCEPTION": {"Title": "Boss!"},
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": {"Rating": "Lukewarm"},
        "STRING_TOO_LONG": {"Title": "T" * 129},
        "NUMBER_OUTSIDE_VALID_RANGE": {"AnnualRevenue": 10**18},
    }


def test_trap_33_what_will_never_pass_is_sent_again_and_again(salesforce):
    _, wrong = strict(salesforce)
    ids = salesforce.leads(len(wrong))
    records = [{"id": one, **values} for one, values in zip(ids, wrong.values(), strict=True)]
    for _ in range(5):
        assert codes(salesforce.write(*records)) == list(wrong)
    assert salesforce.effects() == []


def test_trap_33_ours_sends_it_once_or_not_at_all_and_says_why(salesforce, ours, waits, calls):
    told, wrong = strict(salesforce)
    ids = salesforce.leads(len(wrong))
    outcomes = ours.write(*zip(ids, wrong.values(), strict=True))
    assert [(o.result, o.code) for o in outcomes] == [(Result.REFUSED, code) for code in wrong]
    assert outcomes[0].message == told
    assert [o.field for o in outcomes[1:]] == ["Rating", "Title", "AnnualRevenue"]
    (sent,) = saves(calls)
    assert [record["id"] for record in sent] == [ids[0]]
    assert waits == []


def twins(salesforce, rule):
    ids = salesforce.leads(2, Email="same@mills.example")
    salesforce.crm.steer("rules", {"duplicates": {"Lead": rule}, "duplicates_at_any_edit": True})
    return ids


@pytest.mark.parametrize("rule", ["alert", "block"])
def test_trap_34_a_pre_existing_duplicate_keeps_a_score_out(salesforce, rule):
    ids = twins(salesforce, rule)
    results = salesforce.write(*({"id": one, "Title": "CEO"} for one in ids))
    assert codes(results) == ["DUPLICATES_DETECTED"] * 2
    assert titles(salesforce, ids) == ["Boss", "Boss"]


def test_trap_34_ours_passes_an_alert_and_reports_a_block(salesforce, ours, waits):
    ids = twins(salesforce, "alert")
    outcomes = ours.write(*((one, {"Title": "CEO"}) for one in ids))
    assert {o.result for o in outcomes} == {Result.APPLIED}
    salesforce.crm.steer("rules", {"duplicates": {"Lead": "block"}})
    outcomes = ours.write(*((one, {"Title": "CFO"}) for one in ids))
    assert {(o.result, o.code) for o in outcomes} == {(Result.REFUSED, "DUPLICATES_DETECTED")}
    assert "duplicate rule" in outcomes[0].hint
    assert titles(salesforce, ids) == ["CEO", "CEO"]
    assert waits == []


def test_trap_36_one_hidden_field_takes_the_others_of_the_row_down_with_it(salesforce):
    (lead,) = salesforce.leads(1)
    salesforce.crm.steer("rules", {"hidden": [["Lead", "City"]]})
    salesforce.write({"id": lead, "Title": "CEO", "City": "Rome"})
    assert salesforce.crm.org.find(lead)["Title"] == "Boss"


def test_trap_36_ours_writes_the_others_and_names_the_hidden_one(opened):
    work = opened("salesforce")
    work.person("first")
    work.go()
    work.crm.steer("rules", {"hidden": [["Lead", "Leadloop_Grade__c"]]})
    work.pass_time(HOUR)
    work.hot("eve")
    assert work.run().status == "ok"
    shown = work.shown("eve")
    assert (shown["Leadloop_Score__c"], shown["Leadloop_Grade__c"]) == (100, None)
    said = [one for one in work.warnings if "Leadloop_Grade__c" in one]
    assert len(said) == 1


# --- answers that are lost, and two at once ------------------------------------------------------


def test_trap_40_a_create_sent_again_after_a_lost_answer_is_there_twice(salesforce):
    salesforce.fail("POST */sobjects/Task", status=503, html=True, applied=True)
    while not salesforce.call("POST", f"{salesforce.data}/sobjects/Task", {"Subject": "Call"}).ok:
        pass
    assert len(salesforce.query("SELECT Id FROM Task")) == 2


LOST = [{"status": 503, "html": True, "applied": True}, {"drop": "after"}, {"drop": "half"}]


@pytest.mark.parametrize("how", LOST, ids=["503", "dropped", "half"])
def test_trap_40_ours_reads_back_and_does_nothing_twice(opened, how):
    work = opened("salesforce")
    work.go()
    work.hot("eve")
    work.fail(SAVE, **how)
    work.fail("POST */sobjects/Task", **how)
    for _ in range(3):
        work.go()
        work.pass_time(HOUR)
    written = work.written()
    assert [after for name, field, _, after in written if field == "Leadloop_Score__c"] == [100]
    assert len(work.crm.org.tables["Task"]) == 1
    assert work.rows("SELECT DISTINCT state FROM outbox") == [("applied",)]


def test_trap_64_two_schedulers_that_both_looked_first_make_two_tasks(salesforce):
    (lead,) = salesforce.leads(1)
    soql = f"SELECT Id FROM Task WHERE WhoId = '{lead}'"
    looked = [salesforce.query(soql) for _ in range(2)]
    for found in looked:
        if not found:
            salesforce.json("POST", f"{salesforce.data}/sobjects/Task", {"WhoId": lead, "Subject": "Call"})  # fmt: skip
    assert len(salesforce.query(soql)) == 2


def test_trap_64_ours_runs_once_at_a_time(opened):
    work = opened("salesforce")
    work.person("first")
    work.go()
    work.hot("eve")
    work.written()
    work.pass_time(HOUR)
    work.fail("GET */query*", delay=0.2, times=4)

    def run(_):
        try:
            return work.run().status
        except BusyError:
            return "busy"

    with ThreadPoolExecutor(2) as pool:
        ended = sorted(pool.map(run, range(2)))
    assert ended == ["busy", "ok"]
    scores = [after for _, field, _, after in work.written() if field == "Leadloop_Score__c"]
    assert scores == [100]
    assert len(work.crm.org.tables["Task"]) == 1
