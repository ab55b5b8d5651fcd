"""Bulk API 2.0: textbook clients that come to harm in it, by the numbers of the known traps."""

from __future__ import annotations

import csv
import io

import pytest
import requests

from tests.practice.test_salesforce_bulk import ODD, Bulk, table


@pytest.fixture
def bulk(salesforce):
    return Bulk(salesforce)


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


def test_trap_17_results_asked_for_at_the_newest_version_are_refused(salesforce, bulk):
    salesforce.leads(3)
    job = complete(bulk)
    newest = salesforce.json("GET", "/services/data")[-1]["url"]
    answer = salesforce.call("GET", f"{newest}/jobs/query/{job['id']}/results")
    assert answer.status_code == 409
    kept = table(answer.content) if answer.ok else []
    assert kept == []


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


def test_trap_19_a_csv_taken_apart_by_lines_makes_two_records_of_one(salesforce, bulk):
    salesforce.load(Lead=[{"LastName": ODD, "Company": "C"}])
    text = bulk.page(complete(bulk, "SELECT LastName FROM Lead")).content.decode()
    _, *lines = text.splitlines()
    assert len(lines) == 3
    assert ODD not in {line.strip('"') for line in lines}


def test_trap_20_a_null_sent_as_an_empty_cell_is_never_written(salesforce, bulk):
    (lead,) = salesforce.leads(1, City="Rome")
    sent = io.StringIO()
    writer = csv.DictWriter(sent, ["Id", "City"], lineterminator="\n")
    writer.writeheader()
    writer.writerow({"Id": lead, "City": None})
    status = bulk.end(bulk.send(sent.getvalue()), "ingest")
    assert (status["state"], status["numberRecordsFailed"]) == ("JobComplete", 0)
    assert salesforce.crm.org.find(lead)["City"] == "Rome"


def test_trap_21_moments_compared_as_text_make_every_row_look_changed(salesforce, bulk):
    salesforce.leads(3)
    first = {row["Id"]: row["SystemModstamp"] for row in table(bulk.page(complete(bulk)).content)}
    again = salesforce.query("SELECT Id, SystemModstamp FROM Lead")
    changed = [row["Id"] for row in again if first[row["Id"]] != row["SystemModstamp"]]
    assert len(changed) == 3
    assert salesforce.effects() == []


def test_trap_32_rows_of_a_csv_that_met_a_lock_are_not_written_by_waiting(salesforce, bulk):
    ids = salesforce.leads(4)
    salesforce.crm.steer("rules", {"locked": {ids[1]: 1}})
    status = bulk.end(bulk.send("Id,Title\n" + "".join(f"{one},CEO\n" for one in ids)), "ingest")
    assert status["state"] == "JobComplete"
    salesforce.tick(3600)
    assert salesforce.crm.org.find(ids[1])["Title"] == "Boss"


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


def test_trap_42_a_complete_job_taken_for_success_loses_the_rows_that_failed(salesforce, bulk):
    ids = salesforce.leads(2)
    status = bulk.end(bulk.send(f"Id,Title\n{ids[0]},CEO\n{ids[1]},{'x' * 200}\n"), "ingest")
    believed = set(ids) if status["state"] == "JobComplete" else set()
    saved = {one for one in ids if salesforce.crm.org.find(one)["Title"] == "CEO"}
    assert believed - saved == {ids[1]}


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
