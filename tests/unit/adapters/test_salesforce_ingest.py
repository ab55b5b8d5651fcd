"""Writing much as one job: each record settled by its id, nothing sent twice, nothing aborted."""

from __future__ import annotations

import json

import pytest

from connector.adapters.keeping import Forgetful
from connector.adapters.salesforce.adapter import SalesforceAdapter
from connector.adapters.salesforce.grants import ClientCredentials
from connector.domain.change import Result, Write
from connector.domain.moment import MINUTE
from connector.errors import QuotaError, TryLaterError
from tests.unit.adapters.salesforce_bulk import Bulk
from tests.unit.adapters.salesforce_org import HOST, SECRET, USER, field, ident

TITLE = 'a "b",\nzürich\u2028🦊'


@pytest.fixture
def bulk(org):
    return Bulk(org)


@pytest.fixture
def opened(org):
    made = []

    def open_(bookmark=None, job_from=10):
        grant = ClientCredentials(lambda: "client", lambda: SECRET)
        made.append(
            SalesforceAdapter(HOST, grant, {}, lambda: 0, bookmark=bookmark, job_from=job_from)
        )
        return made[-1]

    yield open_
    for crm in made:
        crm.close()


def writes(org, count, **values):
    return [Write("Lead", org.lead(n), {"Score__c": n, **values}) for n in range(count)]


def row(org, number):
    return org.rows["Lead"][number]


def results(outcomes):
    return {o.id: o.result.value for o in outcomes}


def test_many_records_go_as_one_job_and_are_there(org, bulk, opened):
    batch = writes(org, 50, Title=TITLE, Flag__c=True)
    found = opened().write(batch)
    assert [o.id for o in found] == [w.id for w in batch]
    assert {o.result for o in found} == {Result.APPLIED}
    assert (row(org, 7)["Score__c"], row(org, 7)["Title"]) == ("7", TITLE)
    assert row(org, 7)["Flag__c"] == "true"
    assert org.sent("PATCH")[0].url.endswith("jobs/ingest/750000000000000000")
    assert not any("composite" in request.url for request in org.sent("PATCH"))


def test_a_null_empties_its_field_and_what_is_not_named_stays(org, bulk, opened):
    batch = writes(org, 20)
    batch[3] = Write("Lead", batch[3].id, {"Title": None})
    row(org, 3)["Score__c"] = 99
    opened().write(batch)
    assert row(org, 3)["Title"] is None
    assert row(org, 3)["Score__c"] == 99
    assert row(org, 4)["Title"] == "title 4"


def test_a_text_that_would_empty_its_field_goes_by_rest(org, bulk, opened):
    batch = writes(org, 20)
    batch[3] = Write("Lead", batch[3].id, {"Title": "#N/A"})
    assert {o.result for o in opened().write(batch)} == {Result.APPLIED}
    assert row(org, 3)["Title"] == "#N/A"
    assert bulk.seen == []


def test_owners_never_travel_in_a_job_for_a_rule_might_take_them_away(org, bulk, opened):
    org.rows["User"] = [{"Id": USER, "IsActive": True}]
    batch = [Write("Lead", org.lead(n), {"OwnerId": USER}) for n in range(20)]
    assert {o.result for o in opened().write(batch)} == {Result.APPLIED}
    assert bulk.seen == []
    assert org.sent("PATCH")[0].headers["Sforce-Auto-Assign"] == "FALSE"


def test_each_record_is_told_by_its_id_whatever_the_order(org, bulk, opened):
    batch = writes(org, 20)
    said = {
        batch[2].id: "FIELD_CUSTOM_VALIDATION_EXCEPTION:Ask Anna first, please: now:Title --",
        batch[3].id: "UNABLE_TO_LOCK_ROW:unable to obtain exclusive access to 1 records: 001:--",
        batch[4].id: "ENTITY_IS_DELETED:entity is deleted:--",
        batch[5].id: "CANNOT_UPDATE_CONVERTED_LEAD:cannot reference converted lead:--",
        batch[6].id: "unprocessed",
        batch[7].id: "lost",
    }
    bulk.settle = lambda one: said.get(one["Id"])
    found = opened().write(batch)
    assert [o.result.value for o in found[:9]] == [
        "applied", "applied", "refused", "retry", "gone", "gone", "retry", "unknown", "applied",
    ]  # fmt: skip
    assert found[2][2:5] == (
        "FIELD_CUSTOM_VALIDATION_EXCEPTION", "Ask Anna first, please: now", "Title",
    )  # fmt: skip


def test_a_job_that_failed_half_way_says_what_was_done(org, bulk, opened):
    batch = writes(org, 20)
    bulk.settle = lambda one: None if one["Id"] < batch[10].id else "unprocessed"
    begun = bulk._begun

    def failing(kind, asked):
        answer = begun(kind, asked)
        list(bulk.jobs.values())[-1]["ends"] = "Failed"
        return answer

    bulk._begun = failing
    found = [o.result.value for o in opened().write(batch)]
    assert found == ["applied"] * 10 + ["retry"] * 10


@pytest.mark.parametrize("step", ["POST", "PUT"])
def test_where_bulk_refuses_all_go_by_rest(org, bulk, opened, step):
    batch = writes(org, 20)
    match = {"POST": f"POST {HOST}/services/data/v62.0/jobs", "PUT": "batches"}[step]
    org.fail(match, 400, [{"errorCode": "InvalidBatch", "message": "no"}])
    assert {o.result for o in opened().write(batch)} == {Result.APPLIED}
    assert row(org, 7)["Score__c"] == 7


def test_an_org_without_bulk_is_asked_for_a_job_once(org, bulk, opened):
    crm, batch = opened(), writes(org, 20)
    match = f"POST {HOST}/services/data/v62.0/jobs"
    org.fail(match, 400, [{"errorCode": "FUNCTIONALITY_NOT_ENABLED", "message": "no"}])
    for _ in range(2):
        assert {o.result for o in crm.write(batch)} == {Result.APPLIED}
    assert bulk.seen == [], "the second turn would have been given a job"


def test_a_job_whose_end_is_not_heard_is_waited_for_before_anything_is_read(
    org, bulk, opened, waits
):
    bookmark = Forgetful()
    batch = writes(org, 20)
    bulk.polls = 100
    assert {o.result for o in opened(bookmark).write(batch)} == {Result.UNKNOWN}
    with pytest.raises(TryLaterError, match="waited for"):
        opened(bookmark).read_ids("Lead", ["Id", "Score__c"], [batch[7].id])
    bulk.jobs["750000000000000000"]["polls"] = 1
    again = opened(bookmark)
    (found,) = again.read_ids("lead", ["Id", "Score__c"], [batch[7].id])
    assert found["Score__c"] == "7"
    assert bulk.seen.count("POST ingest") == 1
    again.read_ids("Lead", ["Id"], [batch[8].id])
    assert not any(json.loads(r.body).get("state") == "Aborted" for r in org.sent("PATCH"))


@pytest.mark.parametrize("match", ["PUT", "PATCH", "successfulResults"])
def test_a_lost_answer_leaves_records_unknown_and_the_job_is_not_sent_again(
    org, bulk, opened, match
):
    batch = writes(org, 20)
    bookmark = Forgetful()
    lists_are_needed = match == "successfulResults"
    bulk.settle = lambda one: "X:no:--" if lists_are_needed and one["Id"] == batch[3].id else None
    for _ in range(5):
        org.lose(match)
    found = {o.result for o in opened(bookmark).write(batch)}
    assert found <= {Result.UNKNOWN, Result.APPLIED}
    assert bulk.seen.count("POST ingest") == 1


def test_a_job_that_says_itself_it_took_all_is_asked_for_no_lists(org, bulk, opened):
    assert results(opened().write(writes(org, 20))) == dict.fromkeys(
        (row["Id"] for row in org.rows["Lead"]), "applied"
    )
    assert bulk.seen[-1] == "GET ingest"
    assert not any(one.endswith(("Results", "records")) for one in bulk.seen)


def test_a_turn_of_slow_requests_ends_before_the_lease_does(org, bulk):
    now = [0]
    grant = ClientCredentials(lambda: "client", lambda: SECRET)
    crm = SalesforceAdapter(HOST, grant, {}, lambda: now[0], job_from=10**9)
    batch = writes(org, 1000)

    def slow(records):
        now[0] += 5 * MINUTE
        return [{"id": one["id"], "success": True, "errors": []} for one in records]

    org.results = slow
    found = [(one.result, one.code) for one in crm.write(batch)]
    crm.close()
    assert found == [(Result.APPLIED, "")] * 400 + [(Result.RETRY, "try_later")] * 600
    assert len(org.sent("PATCH")) == 2


def test_a_process_that_dies_after_handing_in_finds_its_job_and_closes_it(org, bulk, opened):
    batch = writes(org, 20)
    bookmark = Forgetful()
    crm = opened(bookmark)
    crm._ingest._close = lambda job: (_ for _ in ()).throw(KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        crm.write(batch)
    (found,) = opened(bookmark).read_ids("Lead", ["Id", "Score__c"], [batch[7].id])
    assert found["Score__c"] == "7"
    assert bookmark.load("ingest Lead") is None


def test_locked_records_are_tried_once_more_alone_and_by_account(org, bulk, opened):
    crm = opened(job_from=10**9)
    parents = [ident("001", n) for n in (2, 1)]
    batch = [
        Write("Lead", org.lead(n, AccountId=parents[n % 2]), {"Score__c": n}) for n in range(6)
    ]
    tried: list[list[str]] = []

    def locked(records):
        tried.append([r["id"] for r in records])
        lock = {"statusCode": "UNABLE_TO_LOCK_ROW", "message": "", "fields": []}
        return [
            {"success": False, "errors": [lock]}
            if len(tried) == 1 and n != 5
            else {"id": r["id"], "success": True, "errors": []}
            for n, r in enumerate(records)
        ]

    org.results = locked
    assert {o.result for o in crm.write(batch)} == {Result.APPLIED}
    assert tried[1] == [batch[n].id for n in (1, 3, 0, 2, 4)]


def test_locked_records_are_tried_again_as_they_are_where_accounts_cannot_be_asked(
    org, bulk, opened, monkeypatch
):
    """Others of the batch are written by then: an error would send them once more."""

    def used_up(*_):
        raise QuotaError("the day's calls are used up")

    crm = opened(job_from=10**9)
    batch = [Write("Lead", org.lead(n), {"Score__c": n}) for n in range(3)]
    tried: list[int] = []

    def locked(records):
        tried.append(len(records))
        lock = {"statusCode": "UNABLE_TO_LOCK_ROW", "message": "", "fields": []}
        return [
            {"success": False, "errors": [lock]}
            if len(tried) == 1 and n != 2
            else {"id": r["id"], "success": True, "errors": []}
            for n, r in enumerate(records)
        ]

    org.results = locked
    monkeypatch.setattr("connector.adapters.salesforce.reading.Reading.matching", used_up)
    assert {o.result for o in crm.write(batch)} == {Result.APPLIED}
    assert tried == [3, 2]


@pytest.fixture
def persons(org):
    org.objects["Contact"] = [
        *org.objects["Lead"],
        field("IsPersonAccount", "boolean", updateable=False),
    ]
    org.objects["Account"] = [*org.objects["Account"], field("Score__pc", "double")]
    contact, account = ident("003", 1), ident("001", 1)
    base = {"IsDeleted": False, "MasterRecordId": None, "Title": ""}
    org.rows["Contact"] = [
        {**base, "Id": contact, "AccountId": account, "IsPersonAccount": True},
        {**base, "Id": ident("003", 2), "AccountId": account, "IsPersonAccount": False},
    ]
    org.rows["Account"] = [{"Id": account, "IsDeleted": False}]
    return contact, ident("003", 2), account


def test_a_person_account_is_written_through_its_account(org, opened, persons):
    person, plain, _ = persons
    batch = [Write("Contact", person, {"Score__c": 7}), Write("Contact", plain, {"Score__c": 8})]
    found = opened().write(batch)
    assert [(o.id, o.result) for o in found] == [
        (person, Result.APPLIED),
        (plain, Result.APPLIED),
    ]
    assert org.rows["Account"][0]["Score__pc"] == 7
    assert "Score__c" not in org.rows["Contact"][0]
    assert org.rows["Contact"][1]["Score__c"] == 8
