"""Bulk API 2.0 of the practice org, by plain calls: what its documents say, and how it goes wrong."""

from __future__ import annotations

import csv
import gzip
import io
from datetime import datetime

import pytest

from connector.domain.moment import DAY

ODD = 'a "b", c\r\nd\té \U0001f600 \u2028 \x00 e'


class Bulk:
    """A few lines of requests that speak Bulk API 2.0."""

    def __init__(self, salesforce) -> None:
        self.sf, self.jobs = salesforce, f"{salesforce.data}/jobs"

    def begin(self, soql: str, operation: str = "query", **more):
        return self.sf.json(
            "POST", f"{self.jobs}/query", {"operation": operation, "query": soql, **more}
        )

    def refused(self, soql: str):
        answer = self.sf.call("POST", f"{self.jobs}/query", {"operation": "query", "query": soql})
        return answer.status_code, answer.json()[0]["errorCode"]

    def end(self, job, kind: str = "query"):
        for _ in range(5):
            status = self.sf.json("GET", f"{self.jobs}/{kind}/{job['id']}")
            if status["state"] in {"JobComplete", "Failed", "Aborted"}:
                return status
        raise AssertionError("the job never ends")

    def page(self, job, **asked):
        answer = self.sf.call("GET", f"{self.jobs}/query/{job['id']}/results", params=asked)
        assert answer.status_code == 200, answer.text
        return answer

    def rows(self, soql: str, operation: str = "query", **more):
        job = self.begin(soql, operation, **more)
        assert self.end(job)["state"] == "JobComplete"
        return table(self.page(job).content)

    def send(self, text: str, operation: str = "update", **more):
        body = {"object": "Lead", "operation": operation, "contentType": "CSV", **more}
        job = self.sf.json("POST", f"{self.jobs}/ingest", body)
        self.put(job, text)
        self.sf.json("PATCH", f"{self.jobs}/ingest/{job['id']}", {"state": "UploadComplete"})
        return job

    def put(self, job, text: str):
        where = f"{self.sf.url}/{job['contentUrl']}"
        return self.sf.http.put(
            where, data=text.encode(), headers={"Content-Type": "text/csv"}, timeout=10
        )

    def results(self, job, which: str):
        return self.sf.call("GET", f"{self.jobs}/ingest/{job['id']}/{which}")


def table(content: bytes, delimiter: str = ","):
    return list(csv.DictReader(io.StringIO(content.decode(), newline=""), delimiter=delimiter))


@pytest.fixture
def bulk(salesforce):
    return Bulk(salesforce)


# --- queries --------------------------------------------------------------------------------------


def test_a_query_job_tells_of_itself_until_it_is_complete(salesforce, bulk):
    salesforce.leads(3)
    job = bulk.begin("SELECT Id FROM Lead")
    assert job["id"].startswith("750")
    assert (job["state"], job["object"], job["apiVersion"]) == ("UploadComplete", "Lead", 62.0)
    path = f"{bulk.jobs}/query/{job['id']}"
    states = [salesforce.json("GET", path)["state"] for _ in range(3)]
    assert states == ["InProgress", "InProgress", "JobComplete"]
    status = salesforce.json("GET", path)
    assert (status["numberRecordsProcessed"], status["jobType"]) == (3, "V2Query")
    assert salesforce.json("GET", f"{bulk.jobs}/query")["records"][0]["id"] == job["id"]


def test_a_job_that_nobody_asks_for_ends_by_itself(salesforce, bulk):
    salesforce.leads(3)
    job = bulk.begin("SELECT Id FROM Lead")
    salesforce.tick(61)
    assert len(table(bulk.page(job).content)) == 3


def test_pages_have_a_header_each_and_the_last_ones_locator_is_the_word_null(salesforce, bulk):
    ids = salesforce.leads(5)
    job = bulk.begin("SELECT Id FROM Lead")
    bulk.end(job)
    first = bulk.page(job, maxRecords=2)
    second = bulk.page(job, maxRecords=2, locator=first.headers["Sforce-Locator"])
    last = bulk.page(job, maxRecords=2, locator=second.headers["Sforce-Locator"])
    counts = [one.headers["Sforce-NumberOfRecords"] for one in (first, second, last)]
    assert counts == ["2", "2", "1"]
    assert last.headers["Sforce-Locator"] == "null"
    read = [row["Id"] for one in (first, second, last) for row in table(one.content)]
    assert sorted(read) == ids
    assert read != ids
    again = bulk.page(job, maxRecords=2, locator=first.headers["Sforce-Locator"])
    assert again.content == second.content
    bad = salesforce.call("GET", f"{bulk.jobs}/query/{job['id']}/results?locator=null")
    assert bad.status_code == 400


def test_a_query_that_names_an_order_keeps_it_and_is_not_chunked(salesforce, bulk):
    ids = salesforce.leads(20)
    job = bulk.begin("SELECT Id FROM Lead ORDER BY LastName")
    assert bulk.end(job)["isPkChunkingSupported"] is False
    names = sorted(range(20), key=lambda n: f"l{n}")
    assert [row["Id"] for row in table(bulk.page(job).content)] == [ids[n] for n in names]


def test_results_are_quoted_and_spell_moments_otherwise_than_rest(salesforce, bulk):
    salesforce.load(Lead=[{"LastName": ODD, "Company": "C", "NumberOfEmployees": 12}])
    soql = "SELECT LastName, City, IsConverted, NumberOfEmployees, CreatedDate FROM Lead"
    job = bulk.begin(soql, columnDelimiter="SEMICOLON", lineEnding="CRLF")
    bulk.end(job)
    content = bulk.page(job).content
    head = b'"LastName";"City";"IsConverted";"NumberOfEmployees";"CreatedDate"\r\n'
    assert content.startswith(head)
    (row,) = table(content, ";")
    (rest,) = salesforce.query(soql)
    assert row["LastName"] == ODD == rest["LastName"]
    assert (row["City"], row["IsConverted"], row["NumberOfEmployees"]) == ("", "false", "12")
    assert (rest["CreatedDate"][-5:], row["CreatedDate"][-1]) == ("+0000", "Z")
    assert datetime.fromisoformat(row["CreatedDate"]) == datetime.fromisoformat(rest["CreatedDate"])


def test_results_are_compressed_for_those_who_take_that(salesforce, bulk):
    salesforce.leads(500)
    job = bulk.begin("SELECT Id, LastName FROM Lead")
    bulk.end(job)
    path = f"{salesforce.url}{bulk.jobs}/query/{job['id']}/results"
    raw = salesforce.http.get(path, stream=True, timeout=10)
    packed = raw.raw.read(decode_content=False)
    plain = salesforce.http.get(path, headers={"Accept-Encoding": "identity"}, timeout=10).content
    assert raw.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed) == plain
    assert len(packed) < len(plain) / 2


def test_results_want_the_version_that_the_job_was_made_with(salesforce, bulk):
    job = bulk.begin("SELECT Id FROM Lead")
    bulk.end(job)
    newer = f"/services/data/v63.0/jobs/query/{job['id']}"
    assert salesforce.call("GET", newer).status_code == 200
    assert salesforce.call("GET", f"{newer}/results").status_code == 409
    assert bulk.page(job).headers["Sforce-NumberOfRecords"] == "0"


def test_results_of_a_job_that_is_not_complete_are_refused(salesforce, bulk):
    job = bulk.begin("SELECT Id FROM Lead")
    path = f"{bulk.jobs}/query/{job['id']}"
    early = salesforce.call("GET", f"{path}/results")
    assert (early.status_code, early.json()[0]["errorCode"]) == (400, "INVALIDJOBSTATE")
    assert salesforce.json("PATCH", path, {"state": "Aborted"})["state"] == "Aborted"
    assert salesforce.call("GET", f"{path}/results").status_code == 400
    again = salesforce.call("PATCH", path, {"state": "Aborted"}).json()[0]
    assert again["message"] == "Aborting already Completed Job not allowed"
    assert salesforce.call("DELETE", path).status_code == 204
    assert salesforce.call("GET", path).status_code == 404


def test_a_week_later_the_job_is_gone_with_its_results(salesforce, bulk):
    job = bulk.begin("SELECT Id FROM Lead")
    bulk.end(job)
    salesforce.tick(7 * DAY / 1e6)
    assert bulk.page(job).status_code == 200
    salesforce.tick(1)
    assert salesforce.call("GET", f"{bulk.jobs}/query/{job['id']}/results").status_code == 404


def test_a_failed_query_says_why_and_has_no_results(salesforce, bulk):
    salesforce.leads(2)
    salesforce.crm.steer("bulk", {"fail": "QUERY_TIMEOUT: Your query request was running too long"})
    job = bulk.begin("SELECT Id FROM Lead")
    status = bulk.end(job)
    assert (status["state"], status["numberRecordsProcessed"]) == ("Failed", 0)
    assert status["errorMessage"].startswith("QUERY_TIMEOUT")
    assert salesforce.call("GET", f"{bulk.jobs}/query/{job['id']}/results").status_code == 400
    assert len(bulk.rows("SELECT Id FROM Lead")) == 2


@pytest.mark.parametrize(
    ("soql", "code"),
    [
        ("SELECT Id, (SELECT Id FROM Tasks) FROM Lead", "API_ERROR"),
        ("SELECT COUNT() FROM Lead", "API_ERROR"),
        ("SELECT Id FROM Lead LIMIT 5 OFFSET 5", "API_ERROR"),
        ("SELECT Id, Nothing FROM Lead", "INVALID_FIELD"),
        ("SELECT Id FROM Nothing", "INVALID_TYPE"),
        ("SELECT Id FRM Lead", "MALFORMED_QUERY"),
        ("SELECT Id FROM Task", "INVALIDENTITY"),
    ],
)
def test_what_bulk_does_not_answer_is_refused_before_there_is_a_job(salesforce, bulk, soql, code):
    salesforce.crm.steer("bulk", {"refused": ["Task"]})
    assert bulk.refused(soql) == (400, code)
    assert salesforce.json("GET", f"{bulk.jobs}/query")["records"] == []


def test_the_day_has_so_many_query_jobs(salesforce, bulk):
    salesforce.crm.steer("bulk", {"queries": 1})
    bulk.begin("SELECT Id FROM Lead")
    assert salesforce.json("GET", f"{salesforce.data}/limits")["DailyBulkV2QueryJobs"] == {
        "Max": 1,
        "Remaining": 0,
    }
    assert bulk.refused("SELECT Id FROM Lead") == (400, "LIMIT_EXCEEDED")


def test_query_all_takes_what_is_deleted_too_and_rows_stand_as_when_the_job_ran(salesforce, bulk):
    ids = salesforce.leads(2)
    salesforce.crm.steer("delete", {"id": ids[0]})
    assert len(bulk.rows("SELECT Id FROM Lead")) == 1
    job = bulk.begin("SELECT Id, Title FROM Lead", "queryAll")
    bulk.end(job)
    salesforce.write({"id": ids[1], "Title": "Later"})
    rows = table(bulk.page(job).content)
    assert {row["Id"] for row in rows} == set(ids)
    assert {row["Title"] for row in rows} == {"Boss"}


# --- ingest ---------------------------------------------------------------------------------------


def test_an_empty_cell_leaves_a_field_alone_and_two_letters_empty_it(salesforce, bulk):
    ids = salesforce.leads(2, City="Rome")
    job = bulk.send(f"Id,Title,City\n{ids[0]},CEO,\n{ids[1]},,#N/A\n")
    status = bulk.end(job, "ingest")
    assert (status["state"], status["numberRecordsProcessed"]) == ("JobComplete", 2)
    rows = salesforce.query("SELECT Title, City FROM Lead")
    assert [(row["Title"], row["City"]) for row in rows] == [("CEO", "Rome"), ("Boss", None)]


def test_results_name_each_row_by_its_id_and_not_by_its_place(salesforce, bulk):
    ids = salesforce.leads(40)
    salesforce.crm.steer("rules", {"locked": {ids[7]: 1}})
    lines = [f"{one},{'x' * 200 if n == 9 else 'CEO'}" for n, one in enumerate(ids)]
    job = bulk.send("Id,Title\n" + "\n".join(lines) + "\n")
    status = bulk.end(job, "ingest")
    assert (status["state"], status["numberRecordsFailed"]) == ("JobComplete", 2)
    done = table(bulk.results(job, "successfulResults").content)
    assert set(done[0]) == {"sf__Id", "sf__Created", "Id", "Title"}
    assert {row["sf__Created"] for row in done} == {"false"}
    assert [row["Id"] for row in done] != [one for one in ids if one not in {ids[7], ids[9]}]
    assert {row["Id"] for row in done} == set(ids) - {ids[7], ids[9]}
    why = {row["Id"]: row["sf__Error"] for row in table(bulk.results(job, "failedResults").content)}
    assert why[ids[7]] == (
        "UNABLE_TO_LOCK_ROW:unable to obtain exclusive access to this record or 1 records: "
        f"{ids[7]}:--"
    )
    assert why[ids[9]].startswith("STRING_TOO_LONG:")
    assert why[ids[9]].endswith(":Title --")
    assert table(bulk.results(job, "unprocessedrecords").content) == []


def test_a_job_in_which_every_row_failed_is_complete_all_the_same(salesforce, bulk):
    ids = salesforce.leads(2)
    job = bulk.send(f"Id,Title\n{ids[0]},{'x' * 200}\n{ids[1]},{'x' * 200}\n")
    status = bulk.end(job, "ingest")
    assert (status["state"], status["numberRecordsFailed"]) == ("JobComplete", 2)
    assert salesforce.effects() == []


def test_a_job_may_fail_after_some_rows_and_tells_which_it_never_tried(salesforce, bulk):
    ids = salesforce.leads(5)
    salesforce.crm.steer("bulk", {"fail": "InternalServerError : retried too often", "after": 2})
    job = bulk.send("Id,Title\n" + "".join(f"{one},CEO\n" for one in ids))
    status = bulk.end(job, "ingest")
    assert (status["state"], status["numberRecordsProcessed"]) == ("Failed", 2)
    assert status["errorMessage"].startswith("InternalServerError")
    left = table(bulk.results(job, "unprocessedRecords").content)
    assert {row["Id"] for row in left} == set(ids[2:])
    assert {effect[1] for effect in salesforce.effects()} == set(ids[:2])


def test_a_job_aborted_while_it_runs_is_half_done(salesforce, bulk):
    ids = salesforce.leads(4)
    job = bulk.send("Id,Title\n" + "".join(f"{one},CEO\n" for one in ids))
    path = f"{bulk.jobs}/ingest/{job['id']}"
    assert salesforce.json("GET", path)["state"] == "InProgress"
    salesforce.json("PATCH", path, {"state": "Aborted"})
    assert {effect[1] for effect in salesforce.effects()} == set(ids[:2])
    assert len(table(bulk.results(job, "unprocessedrecords").content)) == 2
    assert len(table(bulk.results(job, "successfulResults").content)) == 2


def test_a_job_has_no_results_before_it_ends_and_takes_data_once(salesforce, bulk):
    (id_,) = salesforce.leads(1)
    text = f"Id,Title\n{id_},CEO\n"
    body = {"object": "Lead", "operation": "update", "contentType": "CSV"}
    job = salesforce.json("POST", f"{bulk.jobs}/ingest", body)
    assert (job["state"], job["contentUrl"]) == (
        "Open",
        f"services/data/v62.0/jobs/ingest/{job['id']}/batches",
    )
    assert bulk.put(job, text).status_code == 201
    assert bulk.put(job, text).json()[0]["errorCode"] == "INVALIDBATCH"
    assert bulk.results(job, "failedResults").status_code == 204
    salesforce.json("PATCH", f"{bulk.jobs}/ingest/{job['id']}", {"state": "UploadComplete"})
    assert bulk.put(job, text).json()[0]["errorCode"] == "INVALIDJOBSTATE"
    assert bulk.end(job, "ingest")["numberRecordsProcessed"] == 1


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Id,Titel\n{id},CEO\n", "InvalidBatch : Field name not found : Titel"),
        ("Id;Title\n{id};CEO\n", "InvalidBatch : Field name not found : Id;Title"),
        ("Id,Title\r\n{id},CEO\r\n", "ClientInputError : LineEnding is invalid on user data."),
        ("Id,Title\n{id},CEO,more\n", "InvalidBatch : The number of columns"),
        ('Id,Title\n{id},"CEO\n', "unexpected end of data"),
    ],
)
def test_a_file_that_cannot_be_read_fails_the_job_whole(salesforce, bulk, text, why):
    (id_,) = salesforce.leads(1)
    status = bulk.end(bulk.send(text.format(id=id_)), "ingest")
    assert status["state"] == "Failed"
    assert status["errorMessage"].startswith(why)
    assert salesforce.effects() == []


def test_what_is_sent_quoted_comes_back_as_it_was(salesforce, bulk):
    (id_,) = salesforce.leads(1)
    text = 'a "b", c\nd é \U0001f600 \u2028 e'
    spelled = text.replace('"', '""')
    bulk.end(bulk.send(f'Id,Title\n{id_},"{spelled}"\n'), "ingest")
    assert bulk.rows("SELECT Title FROM Lead")[0]["Title"] == text


def test_assignment_rules_run_in_bulk_only_for_those_who_name_one(salesforce, bulk):
    (lead,) = salesforce.leads(1)
    other = {"Username": "u", "LastName": "U", "Email": "u@acme.example", "IsActive": True}
    (rule,) = salesforce.load(User=[other])["User"]
    salesforce.crm.steer("rules", {"assignment": {"Lead": rule}})
    bulk.end(bulk.send(f"Id,City\n{lead},Rome\n"), "ingest")
    assert salesforce.crm.org.find(lead)["OwnerId"] == salesforce.admin
    named = bulk.send(f"Id,City\n{lead},Paris\n", assignmentRuleId="01Q000000000001")
    bulk.end(named, "ingest")
    assert salesforce.crm.org.find(lead)["OwnerId"] == rule


def test_rows_are_added_deleted_and_refused_by_operation(salesforce, bulk):
    job = bulk.send("LastName,Company,DoNotCall\nA,C,true\nB,,yes\n", "insert")
    assert bulk.end(job, "ingest")["numberRecordsFailed"] == 1
    (made,) = table(bulk.results(job, "successfulResults").content)
    assert (made["sf__Created"], made["sf__Id"][:3]) == ("true", "00Q")
    (row,) = salesforce.query("SELECT Id, DoNotCall FROM Lead")
    assert (row["Id"], row["DoNotCall"]) == (made["sf__Id"], True)
    gone = bulk.send(f"Id\n{row['Id'][:15]}\n", "delete")
    bulk.end(gone, "ingest")
    assert table(bulk.results(gone, "successfulResults").content)[0]["sf__Id"] == row["Id"]
    assert salesforce.query("SELECT Id FROM Lead") == []
    bad = {"object": "Nothing", "operation": "update", "contentType": "CSV"}
    assert salesforce.call("POST", f"{bulk.jobs}/ingest", bad).status_code == 400
