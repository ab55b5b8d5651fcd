"""Bulk API 2.0: textbook clients that come to harm in it, by the numbers of the known traps."""

from __future__ import annotations

import csv
import io
from contextlib import contextmanager

import pytest
import requests

from connector.adapters.base import Window
from connector.adapters.salesforce.adapter import SalesforceAdapter
from connector.adapters.salesforce.grants import ClientCredentials
from connector.domain.change import Result
from connector.domain.moment import HOUR
from connector.practice.server import PracticeServer
from tests.practice.conftest import CLIENT, SECRET
from tests.practice.salesforce_traps.conftest import Ours
from tests.practice.test_salesforce_bulk import ODD, Bulk, table

ENDED = [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]


@pytest.fixture
def bulk(salesforce):
    return Bulk(salesforce)


@pytest.fixture
def opened(salesforce, bookmark, waits):
    """Opens our adapter so that it takes a few records for many."""

    @contextmanager
    def opening():
        grant = ClientCredentials(lambda: CLIENT, lambda: SECRET)
        adapter = SalesforceAdapter(
            salesforce.url, grant, {}, lambda: salesforce.now, page=4, bulk_from=5, job_from=3,
            bookmark=bookmark,
        )  # fmt: skip
        try:
            yield Ours(salesforce, adapter)
        finally:
            adapter.close()

    return opening


@pytest.fixture
def ours(opened):
    with opened() as one:
        yield one


def asked(calls, what):
    return [said for said, _ in calls if what in said]


def made(calls, kind):
    """How many jobs of a kind were begun."""
    return sum(said.startswith("POST") and said.endswith(kind) for said, _ in calls)


def complete(bulk, soql="SELECT Id, SystemModstamp FROM Lead"):
    job = bulk.begin(soql)
    bulk.end(job)
    return job


def test_trap_16_a_cursor_from_half_of_an_unordered_result_skips_the_other_half(salesforce, bulk):
    for _ in range(10):
        salesforce.leads(1)
        salesforce.tick(1)
    kept = table(bulk.page(complete(bulk), maxRecords=5).content)
    cursor = max(row["SystemModstamp"] for row in kept)  # and here the machine goes down
    newer = salesforce.query(f"SELECT Id FROM Lead WHERE SystemModstamp > {cursor}")
    stored = {row["Id"] for row in kept} | {row["Id"] for row in newer}
    assert len(stored) < 10


def test_trap_16_ours_goes_on_with_the_same_job_and_has_each_row_once(salesforce, opened, calls):
    ids = salesforce.leads(40)
    salesforce.crm.steer("bulk", {"page": 10})
    window = Window(None, salesforce.now + HOUR)
    kept = []
    with opened() as first:
        for page in first.adapter.read("Lead", ["Id"], window, None):
            kept += [row["Id"] for row in page.rows]
            if len(kept) >= 20:
                break  # and here the machine goes down
    salesforce.crm.cursors.forget()
    with opened() as second:
        for rest in second.adapter.read("Lead", ["Id"], window, page.position):
            kept += [row["Id"] for row in rest.rows]
    assert sorted(kept) == ids
    assert made(calls, "/jobs/query") == 1


def test_trap_17_results_asked_for_at_the_newest_version_are_refused(salesforce, bulk):
    salesforce.leads(3)
    job = complete(bulk)
    newest = salesforce.json("GET", "/services/data")[-1]["url"]
    answer = salesforce.call("GET", f"{newest}/jobs/query/{job['id']}/results")
    assert answer.status_code == 409
    kept = table(answer.content) if answer.ok else []
    assert kept == []


def test_trap_17_ours_names_the_version_with_the_job(salesforce, ours, opened, bookmark, calls):
    ids = salesforce.leads(20)
    older = salesforce.json(
        "POST", "/services/data/v59.0/jobs/query",
        {"operation": "queryAll", "query": f"SELECT Id, IsDeleted, MasterRecordId FROM Lead WHERE Id > '{ids[3]}'"},
    )  # fmt: skip
    window = Window(None, salesforce.now + HOUR)
    place = f"bulk|v59.0/{older['id']}||0|{ids[3]}"  # as a release before this one left it
    rows = [row for page in ours.adapter.read("Lead", ["Id"], window, place) for row in page.rows]
    assert [row["Id"] for row in rows] == ids[4:]
    assert asked(calls, f"/data/v59.0/jobs/query/{older['id']}/results")


def test_trap_18_a_loop_that_runs_while_there_is_a_locator_asks_for_a_page_called_null(
    salesforce, bulk
):
    salesforce.leads(5)
    job, asked, locator, kept = complete(bulk), [], None, []
    while locator is None or locator:
        asked.append(locator)
        more = {"locator": locator} if locator else {}
        path = f"{bulk.jobs}/query/{job['id']}/results"
        answer = salesforce.call("GET", path, params={"maxRecords": 2, **more})
        if not answer.ok:
            break
        kept += table(answer.content)
        locator = answer.headers["Sforce-Locator"]
    assert len(kept) == 5
    assert asked[-1] == "null"
    assert answer.status_code == 400  # a load that had everything ends as a failed one


def test_trap_18_ours_stops_at_the_word_null(salesforce, ours, calls):
    ids = salesforce.leads(25)
    salesforce.crm.steer("bulk", {"page": 10})
    assert sorted(row["Id"] for row in ours.rows(names=("Id",))) == ids
    pages = [request for said, request in calls if said.endswith("/results")]
    assert len(pages) == len({request.query for request in pages}) >= 2
    assert not any("null" in request.query for request in pages)


def test_trap_19_a_csv_taken_apart_by_lines_makes_two_records_of_one(salesforce, bulk):
    salesforce.load(Lead=[{"LastName": ODD, "Company": "C"}])
    text = bulk.page(complete(bulk, "SELECT LastName FROM Lead")).content.decode()
    _, *lines = text.splitlines()
    assert len(lines) == 3
    assert ODD not in {line.strip('"') for line in lines}


def test_trap_19_ours_gives_the_text_as_it_is(salesforce, ours, calls):
    odd = [f"{n} {ODD}" for n in range(20)]
    salesforce.load(Lead=[{"LastName": text, "Company": "C"} for text in odd])
    assert sorted(row["LastName"] for row in ours.rows(names=("LastName",))) == sorted(odd)
    assert asked(calls, "/results")


def test_trap_20_a_null_sent_as_an_empty_cell_is_never_written(salesforce, bulk):
    (lead,) = salesforce.leads(1, City="Rome")
    sent = io.StringIO()
    writer = csv.DictWriter(sent, ["Id", "City"], lineterminator="\n")
    writer.writeheader()
    writer.writerow({"Id": lead, "City": None})
    status = bulk.end(bulk.send(sent.getvalue()), "ingest")
    assert (status["state"], status["numberRecordsFailed"]) == ("JobComplete", 0)
    assert salesforce.crm.org.find(lead)["City"] == "Rome"


def test_trap_20_ours_empties_what_is_null_and_leaves_what_is_not_named(salesforce, ours, calls):
    ids = salesforce.leads(3, City="Rome", Country="Italy")
    changes = [(ids[0], {"City": None}), (ids[1], {"Country": "Malta"}), (ids[2], {"City": "Pisa"})]
    assert [one.result for one in ours.write(*changes)] == [Result.APPLIED] * 3
    rows = salesforce.query("SELECT City, Country FROM Lead")
    assert [(row["City"], row["Country"]) for row in rows] == [
        (None, "Italy"), ("Rome", "Malta"), ("Pisa", "Italy"),
    ]  # fmt: skip
    assert asked(calls, "/jobs/ingest")


def test_trap_21_moments_compared_as_text_make_every_row_look_changed(salesforce, bulk):
    salesforce.leads(3)
    first = {row["Id"]: row["SystemModstamp"] for row in table(bulk.page(complete(bulk)).content)}
    again = salesforce.query("SELECT Id, SystemModstamp FROM Lead")
    changed = [row["Id"] for row in again if first[row["Id"]] != row["SystemModstamp"]]
    assert len(changed) == 3
    assert salesforce.effects() == []


def test_trap_21_ours_gives_a_row_the_same_values_by_either_way(salesforce, ours, opened):
    salesforce.leads(20, NumberOfEmployees=12, DoNotCall=True, AnnualRevenue=1000.0)
    names = ("Id", "SystemModstamp", "NumberOfEmployees", "DoNotCall", "AnnualRevenue", "City")
    by_bulk = {row["Id"]: row for row in ours.rows(names=names)}
    by_rest = ours.adapter.read_ids("Lead", list(names), list(by_bulk))
    assert len(by_rest) == 20
    for row in by_rest:
        assert {n: row[n] for n in names} == {n: by_bulk[row["Id"]][n] for n in names}


def test_trap_32_rows_of_a_csv_that_met_a_lock_are_not_written_by_waiting(salesforce, bulk):
    ids = salesforce.leads(4)
    salesforce.crm.steer("rules", {"locked": {ids[1]: 1}})
    status = bulk.end(bulk.send("Id,Title\n" + "".join(f"{one},CEO\n" for one in ids)), "ingest")
    assert status["state"] == "JobComplete"
    salesforce.tick(3600)
    assert salesforce.crm.org.find(ids[1])["Title"] == "Boss"


def test_trap_32_ours_tells_the_locked_row_of_a_job_to_be_tried_again(salesforce, ours):
    ids = salesforce.leads(4)
    salesforce.crm.steer("rules", {"locked": {ids[1]: 1}})
    outcomes = ours.write(*[(one, {"Title": "CEO"}) for one in ids])
    assert [one.result for one in outcomes] == [
        Result.APPLIED, Result.RETRY, Result.APPLIED, Result.APPLIED,
    ]  # fmt: skip
    assert outcomes[1].code == "UNABLE_TO_LOCK_ROW"


def test_trap_41_a_poll_that_is_dropped_aborts_a_job_that_is_half_done(salesforce, bulk):
    ids = salesforce.leads(4)
    job = bulk.send("Id,Title\n" + "".join(f"{one},CEO\n" for one in ids))
    salesforce.fail("GET */jobs/ingest/*", drop="after")
    path = f"{bulk.jobs}/ingest/{job['id']}"
    try:
        salesforce.json("GET", path)
    except requests.ConnectionError:  # as a textbook cleans up
        salesforce.json("PATCH", path, {"state": "Aborted"})
    titles = [salesforce.crm.org.find(one)["Title"] for one in ids]
    assert titles == ["CEO", "CEO", "Boss", "Boss"]


def test_trap_41_ours_asks_again_and_harvests_what_the_job_did(salesforce, ours, calls):
    ids = salesforce.leads(4)
    salesforce.fail("GET */jobs/ingest/*", drop="after", times=2)
    outcomes = ours.write(*[(one, {"Title": "CEO"}) for one in ids])
    assert [one.result for one in outcomes] == [Result.APPLIED] * 4
    assert not any(b"Aborted" in request.body for _, request in calls)
    assert made(calls, "/jobs/ingest") == 1


def test_trap_41_ours_finds_a_job_again_that_a_run_did_not_hear_the_end_of(
    salesforce, opened, calls
):
    ids = salesforce.leads(4)
    salesforce.crm.steer("bulk", {"polls": 1000, "seconds": 7200})
    with opened() as first:
        outcomes = first.write(*[(one, {"Title": "CEO"}) for one in ids])
    assert {one.result for one in outcomes} == {Result.UNKNOWN}
    salesforce.tick(7200)
    with opened() as second:
        rows = second.adapter.read_ids("Lead", ["Title"], ids)
    assert [row["Title"] for row in rows] == ["CEO"] * 4
    assert made(calls, "/jobs/ingest") == 1
    assert not any(b"Aborted" in request.body for _, request in calls)


def test_trap_42_a_complete_job_taken_for_success_loses_the_rows_that_failed(salesforce, bulk):
    ids = salesforce.leads(2)
    status = bulk.end(bulk.send(f"Id,Title\n{ids[0]},CEO\n{ids[1]},{'x' * 200}\n"), "ingest")
    believed = set(ids) if status["state"] == "JobComplete" else set()
    saved = {one for one in ids if salesforce.crm.org.find(one)["Title"] == "CEO"}
    assert believed - saved == {ids[1]}


def test_trap_42_ours_tells_each_row_of_a_complete_job_by_its_id(salesforce, ours):
    ids = salesforce.leads(6)
    rule = {"object": "Lead", "field": "City", "equals": "Nowhere", "message": "Say where"}
    salesforce.crm.steer("rules", {"validation": [rule]})
    towns = ["Rome", "Nowhere", "Pisa", "Nowhere", "Bari", "Lucca"]
    outcomes = ours.write(*[(one, {"City": town}) for one, town in zip(ids, towns, strict=True)])
    assert [one.id for one in outcomes] == ids
    assert [one.result is Result.APPLIED for one in outcomes] == [
        town != "Nowhere" for town in towns
    ]
    assert outcomes[1].code == "FIELD_CUSTOM_VALIDATION_EXCEPTION"


def test_trap_42_a_failed_job_taken_for_nothing_done_writes_its_first_rows_twice(salesforce, bulk):
    ids = salesforce.leads(4)
    rows = "Id,Title\n" + "".join(f"{one},CEO\n" for one in ids)
    salesforce.crm.steer("bulk", {"fail": "InternalServerError : retried too often", "after": 2})
    assert bulk.end(bulk.send(rows), "ingest")["state"] == "Failed"
    salesforce.tick(60)
    written = {one for one in ids if salesforce.crm.org.find(one)["Title"] == "CEO"}
    stamps = {one: salesforce.crm.org.find(one)["SystemModstamp"] for one in written}
    bulk.end(bulk.send(rows), "ingest")
    again = {one for one in written if salesforce.crm.org.find(one)["SystemModstamp"] > stamps[one]}
    assert again == set(ids[:2])


def test_trap_42_ours_tells_what_a_failed_job_did_and_never_tried(salesforce, ours):
    ids = salesforce.leads(4)
    salesforce.crm.steer("bulk", {"fail": "InternalServerError : retried too often", "after": 2})
    outcomes = ours.write(*[(one, {"Title": "CEO"}) for one in ids])
    assert [one.result for one in outcomes] == [
        Result.APPLIED, Result.APPLIED, Result.RETRY, Result.RETRY,
    ]  # fmt: skip
    assert {effect[1] for effect in salesforce.effects()} == set(ids[:2])


# --- what Bulk does not serve ---------------------------------------------------------------------


def test_ours_reads_by_rest_what_bulk_refuses(salesforce, ours, calls):
    (lead,) = salesforce.leads(1)
    relation = {"RelationId": lead, "RelationType": "ToAddress"}
    rows = [{**relation, "EmailMessageId": "@EmailMessage:0"}] * 30
    ids = salesforce.load(EmailMessage=[{"Status": "3"}], EmailMessageRelation=rows)
    found = ours.rows(source="EmailMessageRelation", names=("Id", "RelationId"))
    assert [row["Id"] for row in found] == ids["EmailMessageRelation"]
    (asked,) = [request for said, request in calls if said.endswith("/jobs/query")]
    assert b"EmailMessageRelation" in asked.body


def test_ours_goes_on_by_rest_when_the_days_jobs_are_used_up(salesforce, ours, calls):
    ids = salesforce.leads(30)
    salesforce.crm.steer("bulk", {"queries": 0})
    assert [row["Id"] for row in ours.rows(names=("Id",))] == ids
    changes = [(one, {"Title": "CEO"}) for one in ids[:5]]
    salesforce.crm.steer("bulk", {"batches": 0})
    assert {one.result for one in ours.write(*changes)} == {Result.APPLIED}
    assert {effect[1] for effect in salesforce.effects()} == set(ids[:5])


def test_ours_finds_its_job_again_where_the_org_moved_to(salesforce, ours):
    ids = salesforce.leads(30)
    with PracticeServer(salesforce.crm) as there:
        salesforce.fail("POST */jobs/query", status=401, body=ENDED)
        salesforce.crm.logins.home = there.address  # and every session stays as it is
        assert sorted(row["Id"] for row in ours.rows(names=("Id",))) == ids


def test_ours_asks_a_query_again_whose_job_failed_and_a_third_time_by_rest(salesforce, ours, calls):
    ids = salesforce.leads(30)
    salesforce.crm.steer("bulk", {"fail": "QUERY_TIMEOUT: took too long"})
    assert sorted(row["Id"] for row in ours.rows(names=("Id",))) == ids
    assert made(calls, "/jobs/query") == 2
