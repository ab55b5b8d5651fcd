"""Rules of the practice org that stop a write, change it, or answer it with one of their own."""

from __future__ import annotations

import pytest

from tests.practice.test_salesforce import codes
from tests.practice.test_salesforce_bulk import Bulk, table

INSIST = {"Sforce-Duplicate-Rule-Header": "allowSave=true"}


def one(salesforce, object_, id_, **values):
    return salesforce.call("PATCH", f"{salesforce.data}/sobjects/{object_}/{id_}", values)


# --- flows ----------------------------------------------------------------------------------------


def test_a_flow_that_answers_each_write_with_another_edit_never_comes_to_rest(salesforce):
    (lead,) = salesforce.leads(1)
    flow = {"object": "Lead", "on": "Rating", "count": "NumberOfEmployees"}
    salesforce.crm.steer("rules", {"flows": [flow]})
    for grade in ("Hot", "Hot", "Cold"):
        salesforce.write({"id": lead, "Rating": grade})
    bulk = Bulk(salesforce)
    bulk.end(bulk.send(f"Id,Rating\n{lead},Warm\n"), "ingest")
    seen = [after for _, _, field, _, after in salesforce.effects() if field == "NumberOfEmployees"]
    assert seen == [1, 2, 3, 4]


def test_a_flow_runs_for_new_rows_too(salesforce):
    flow = {"object": "Lead", "on": "Rating", "set": {"City": "Flow"}}
    salesforce.crm.steer("rules", {"flows": [flow]})
    new = {"LastName": "N", "Company": "C", "Rating": "Hot"}
    salesforce.json("POST", f"{salesforce.data}/sobjects/Lead", new)
    assert salesforce.query("SELECT City FROM Lead")[0]["City"] == "Flow"


def test_code_of_the_customer_that_throws_stops_the_row(salesforce):
    (lead,) = salesforce.leads(1)
    words = "LeadTrigger: execution of BeforeUpdate caused by: System.NullPointerException"
    trigger = {"object": "Lead", "on": "Title", "message": words}
    salesforce.crm.steer("rules", {"triggers": [trigger]})
    (result,) = salesforce.write({"id": lead, "Title": "CEO"})
    assert codes([result]) == ["CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"]
    assert result["errors"][0]["message"] == words
    assert codes(salesforce.write({"id": lead, "City": "Rome"})) == [""]


# --- locks ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 500])
def test_a_lock_is_told_with_one_status_or_another_and_always_with_its_code(salesforce, status):
    (lead,) = salesforce.leads(1)
    salesforce.crm.steer("rules", {"locked": {lead: 2}, "lock_status": status})
    alone = one(salesforce, "Lead", lead, Title="CEO")
    assert (alone.status_code, alone.json()[0]["errorCode"]) == (status, "UNABLE_TO_LOCK_ROW")
    assert codes(salesforce.write({"id": lead, "Title": "CEO"})) == ["UNABLE_TO_LOCK_ROW"]
    assert one(salesforce, "Lead", lead, Title="CEO").status_code == 204


def test_a_record_that_another_transaction_holds_is_free_again_later(salesforce):
    ids = salesforce.leads(2)
    salesforce.crm.steer("lock", {"ids": ids[:1], "seconds": 12})
    rows = [{"id": id_, "Title": "CEO"} for id_ in ids]
    assert codes(salesforce.write(*rows)) == ["UNABLE_TO_LOCK_ROW", ""]
    salesforce.tick(13)
    assert codes(salesforce.write(*rows)) == ["", ""]


def test_a_locked_account_locks_what_is_below_it_and_is_named(salesforce):
    rows = salesforce.load(
        Account=[{"Name": "Mills"}],
        Contact=[{"LastName": "A", "AccountId": "@Account:0"}, {"LastName": "B"}],
    )
    (account,), (below, beside) = rows["Account"], rows["Contact"]
    salesforce.crm.steer("lock", {"ids": [account], "seconds": 12})
    records = [
        {"attributes": {"type": "Contact"}, "id": id_, "Title": "CEO"} for id_ in (below, beside)
    ]
    first, second = salesforce.json(
        "PATCH", f"{salesforce.data}/composite/sobjects", {"records": records}
    )
    assert codes([first, second]) == ["UNABLE_TO_LOCK_ROW", ""]
    assert first["errors"][0]["message"].endswith(account)
    new = {"Subject": "Call", "WhatId": account}
    answer = salesforce.call("POST", f"{salesforce.data}/sobjects/Task", new)
    assert answer.json()[0]["errorCode"] == "UNABLE_TO_LOCK_ROW"


# --- duplicates -----------------------------------------------------------------------------------


@pytest.fixture
def twin(salesforce):
    salesforce.leads(1, Email="a@mills.example")
    return {"LastName": "N", "Company": "C", "Email": "A@mills.example"}


def test_a_duplicate_is_told_with_what_was_found(salesforce, twin):
    salesforce.crm.steer("rules", {"duplicates": {"Lead": "alert"}})
    (there,) = salesforce.query("SELECT Id FROM Lead")
    alone = salesforce.call("POST", f"{salesforce.data}/sobjects/Lead", twin).json()[0]
    details = alone["duplicateResut"]
    assert details["allowSave"] is True
    assert details["matchResults"][0]["matchRecords"][0]["record"]["Id"] == there["Id"]
    records = [{"attributes": {"type": "Lead"}, **twin}]
    body = {"allOrNone": False, "records": records}
    (result,) = salesforce.json("POST", f"{salesforce.data}/composite/sobjects", body)
    (error,) = result["errors"]
    assert (error["statusCode"], error["fields"]) == ("DUPLICATES_DETECTED", [])
    assert error["duplicateResult"]["duplicateRuleEntityType"] == "Lead"


def test_an_update_meets_duplicate_rules_only_where_they_say_so(salesforce, twin):
    (lead,) = salesforce.leads(1, Email="a@mills.example")
    salesforce.crm.steer("rules", {"duplicates": {"Lead": "block"}})
    assert codes(salesforce.write({"id": lead, "Rating": "Hot"})) == [""]
    found = salesforce.write({"id": lead, "Email": "a@mills.example"}, headers=INSIST)
    assert codes(found) == ["DUPLICATES_DETECTED"]
    rules = {"duplicates": {"Lead": "alert"}, "duplicates_at_any_edit": True}
    salesforce.crm.steer("rules", rules)
    assert codes(salesforce.write({"id": lead, "Rating": "Cold"})) == ["DUPLICATES_DETECTED"]
    assert codes(salesforce.write({"id": lead, "Rating": "Cold"}, headers=INSIST)) == [""]
    salesforce.crm.steer("rules", {"duplicates": {"Lead": "block"}})
    answer = salesforce.write({"id": lead, "Rating": "Warm"}, headers=INSIST)
    assert codes(answer) == ["DUPLICATES_DETECTED"]


def test_a_duplicate_in_a_csv_is_refused_by_its_code(salesforce, twin):
    salesforce.crm.steer("rules", {"duplicates": {"Lead": "alert"}})
    bulk = Bulk(salesforce)
    job = bulk.send("LastName,Company,Email\nN,C,a@mills.example\n", "insert")
    assert bulk.end(job, "ingest")["numberRecordsFailed"] == 1
    (row,) = table(bulk.results(job, "failedResults").content)
    assert row["sf__Error"] == "DUPLICATES_DETECTED:Use one of these records?:--"


# --- fields ---------------------------------------------------------------------------------------


def described(salesforce, object_, name):
    fields = salesforce.json("GET", f"{salesforce.data}/sobjects/{object_}/describe")["fields"]
    return next((one for one in fields if one["name"] == name), None)


def test_an_admin_closes_a_vocabulary_and_retires_words_of_it(salesforce):
    (lead,) = salesforce.leads(1, Rating="Cold")
    assert codes(salesforce.write({"id": lead, "Rating": "Tepid"})) == [""]
    closed = {"restricted": True, "values": ["Hot", "Warm"], "retired": ["Cold"]}
    salesforce.crm.steer("field", {"object": "Lead", "field": "Rating", "set": closed})
    told = described(salesforce, "Lead", "Rating")
    assert told["restrictedPicklist"] is True
    active = {one["value"]: one["active"] for one in told["picklistValues"]}
    assert active == {"Hot": True, "Warm": True, "Cold": False}
    results = [salesforce.write({"id": lead, "Rating": word})[0] for word in ("Cold", "Hot")]
    assert codes(results) == ["INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", ""]


def test_an_admin_shortens_retypes_and_deletes_fields(salesforce):
    (lead,) = salesforce.leads(1)
    change = lambda name, **to: salesforce.crm.steer(
        "field", {"object": "Lead", "field": name, "set": to or None}
    )
    change("Title", length=5)
    assert codes(salesforce.write({"id": lead, "Title": "Chief"})) == [""]
    assert codes(salesforce.write({"id": lead, "Title": "Chiefs"})) == ["STRING_TOO_LONG"]
    change("NumberOfEmployees", type="string", length=10)
    assert described(salesforce, "Lead", "NumberOfEmployees")["type"] == "string"
    change("City")
    assert described(salesforce, "Lead", "City") is None
    answer = salesforce.call(
        "GET", f"{salesforce.data}/query", params={"q": "SELECT City FROM Lead"}
    )
    assert answer.json()[0]["errorCode"] == "INVALID_FIELD"


def test_a_number_must_fit_and_is_rounded_to_its_places(salesforce):
    made = {"Name": "O", "StageName": "Prospecting", "CloseDate": "2026-12-01"}
    path = f"{salesforce.data}/sobjects/Opportunity"
    big = salesforce.call("POST", path, {**made, "Amount": 10**16})
    assert big.json()[0]["errorCode"] == "NUMBER_OUTSIDE_VALID_RANGE"
    salesforce.json("POST", path, {**made, "Amount": 12.345678})
    assert salesforce.query("SELECT Amount FROM Opportunity")[0]["Amount"] == 12.35


# --- who sees and may own what --------------------------------------------------------------------


def test_a_record_that_is_not_shared_any_more_looks_gone_and_is_not_deleted(salesforce):
    ids = salesforce.leads(2)
    salesforce.crm.steer("rules", {"unshared": [ids[0]]})
    for verb in ("query", "queryAll"):
        assert [row["Id"] for row in salesforce.query("SELECT Id FROM Lead", verb)] == [ids[1]]
    assert salesforce.call("GET", f"{salesforce.data}/sobjects/Lead/{ids[0]}").status_code == 404
    refused = salesforce.write({"id": ids[0], "Title": "CEO"})
    assert codes(refused) == ["INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY"]
    span = "start=2026-11-24T11:00:00Z&end=2026-11-24T13:00:00Z"
    gone = salesforce.json("GET", f"{salesforce.data}/sobjects/Lead/deleted?{span}")
    assert gone["deletedRecords"] == []
    salesforce.crm.steer("rules", {"unshared": []})
    assert len(salesforce.query("SELECT Id FROM Lead")) == 2


def test_an_owner_must_be_able_to_read_what_he_gets(salesforce):
    row = {"Username": "u", "LastName": "U", "Email": "u@acme.example", "IsActive": True}
    (other,) = salesforce.load(User=[row])["User"]
    (lead,) = salesforce.leads(1)
    salesforce.crm.steer("rules", {"blind": [other]})
    assert codes(salesforce.write({"id": lead, "OwnerId": other})) == ["TRANSFER_REQUIRES_READ"]


def test_a_member_of_a_campaign_goes_without_passing_the_bin(salesforce):
    (lead,) = salesforce.leads(1)
    (member,) = salesforce.load(
        Campaign=[{"Name": "Fair"}],
        CampaignMember=[{"CampaignId": "@Campaign:0", "LeadId": lead}],
    )["CampaignMember"]
    salesforce.json("DELETE", f"{salesforce.data}/sobjects/CampaignMember/{member}")
    assert salesforce.query("SELECT Id FROM CampaignMember", "queryAll") == []
    span = "start=2026-11-24T11:00:00Z&end=2026-11-24T13:00:00Z"
    gone = salesforce.json("GET", f"{salesforce.data}/sobjects/CampaignMember/deleted?{span}")
    assert [one["id"] for one in gone["deletedRecords"]] == [member]


# --- what an org tells of its rules ---------------------------------------------------------------


def test_an_org_tells_of_its_rules_to_whoever_may_look_at_its_setup(salesforce):
    salesforce.crm.steer("rules", {
        "flows": [{"object": "Lead", "on": "Rating", "set": {"City": "Flow"}}],
        "triggers": [{"object": "Contact", "on": "Title", "message": "no"}],
        "duplicates": {"Lead": "alert"},
        "validation": [{"object": "Lead", "field": "City", "equals": "X", "message": "Say where"}],
    })  # fmt: skip
    flows = "SELECT ApiName, TriggerType FROM FlowDefinitionView WHERE IsActive = true AND TriggerObjectOrEvent.QualifiedApiName = 'Lead'"
    assert salesforce.query(flows)[0]["TriggerType"] == "RecordAfterSave"
    triggers = "SELECT Name FROM ApexTrigger WHERE Status = 'Active' AND TableEnumOrId = 'Contact'"
    assert [len(salesforce.query(triggers, verb)) for verb in ("query", "tooling/query")] == [1, 1]
    duplicates = "SELECT MasterLabel FROM DuplicateRule WHERE SobjectType = 'Lead'"
    assert len(salesforce.query(duplicates)) == 1
    rules = "SELECT ValidationName, ErrorMessage FROM ValidationRule WHERE Active = true AND EntityDefinition.QualifiedApiName = 'Lead'"
    assert salesforce.query(rules, "tooling/query")[0]["ErrorMessage"] == "Say where"
    asked = lambda soql, verb="query": salesforce.call(
        "GET", f"{salesforce.data}/{verb}", params={"q": soql}
    )
    assert asked(rules).json()[0]["errorCode"] == "INVALID_TYPE"
    assert asked("SELECT Id FROM Lead", "tooling/query").json()[0]["errorCode"] == "INVALID_TYPE"
    salesforce.crm.steer("quota", {"told": False})
    assert asked(flows).json()[0]["errorCode"] == "INVALID_TYPE"
    assert salesforce.effects() == []
