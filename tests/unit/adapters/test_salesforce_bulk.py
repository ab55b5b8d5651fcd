"""Reading much by Bulk: the same rows as by REST, found again after a crash, whole or not at all."""

from __future__ import annotations

import tempfile
import tracemalloc
from functools import partial

import pytest

from connector.adapters.base import Window
from connector.adapters.keeping import Forgetful
from connector.adapters.salesforce.adapter import SalesforceAdapter
from connector.adapters.salesforce.bulk import BulkQueries, Place
from connector.adapters.salesforce.grants import ClientCredentials
from connector.adapters.salesforce.shape import flat_rows, shape_of
from connector.domain.moment import HOUR
from connector.errors import TryLaterError
from tests.unit.adapters.salesforce_bulk import Bulk
from tests.unit.adapters.salesforce_org import HOST, NOW, SECRET, ident

UNTIL = int(NOW.timestamp()) * 1_000_000 + HOUR
NAMES = ["Id", "title", "SystemModstamp", "IsConverted", "Score__c", "Count__c", "Account.Name"]
PLAIN = ["Id", "Title"]


@pytest.fixture
def bulk(org):
    return Bulk(org)


@pytest.fixture
def opened(org):
    made = []

    def open_(bookmark=None, bulk_from=40):
        grant = ClientCredentials(lambda: "client", lambda: SECRET)
        made.append(
            SalesforceAdapter(
                HOST, grant, {}, lambda: 0, page=10, bookmark=bookmark, bulk_from=bulk_from
            )
        )
        return made[-1]

    yield open_
    for crm in made:
        crm.close()


def leads(org, count):
    for n in range(count):
        org.lead(
            n,
            IsConverted=n % 2 == 0,
            Score__c=n + 0.5 if n % 3 else None,
            Count__c=n,
            Account={"Name": f'The "{n}",\nmill\u2028& Söhne 🦊'} if n % 5 else None,
        )


def read(crm, names=NAMES, after=None, since=None):
    return list(crm.read("Lead", names, Window(since, UNTIL), after))


def rows(pages):
    found = {}
    for page in pages:
        for row in page.rows:
            found[row["Id"]] = {k: v for k, v in row.items() if k in {*NAMES, "Title"}}
    return found


def test_what_bulk_gives_is_what_rest_gives_to_the_byte(org, bulk, opened):
    leads(org, 2500)
    by_rest = rows(read(opened(bulk_from=10**9)))
    by_bulk = rows(read(opened()))
    assert by_bulk == by_rest
    assert len(by_bulk) == 2500
    assert bulk.seen.count("POST query") == 1


def test_a_few_rows_cost_no_job(org, bulk, opened):
    leads(org, 45)
    assert len(rows(read(opened(), PLAIN))) == 45
    assert bulk.seen == []


def test_how_much_there_is_comes_with_the_first_page(org, bulk, opened):
    leads(org, 200)
    assert len(rows(read(opened(), PLAIN))) == 200
    asked = [soql for verb, soql in org.asked if verb == "queryAll"]
    assert ["LIMIT" in soql for soql in asked] == [False, True, True]
    assert not any("COUNT" in soql for soql in asked)


def test_much_that_is_new_is_read_by_a_job_after_its_first_page(org, bulk, opened):
    leads(org, 200)
    assert len(rows(read(opened(), PLAIN, since=0))) == 200
    assert sum(verb == "queryAll" for verb, _ in org.asked) == 1
    assert bulk.seen.count("POST query") == 1


def test_what_is_too_much_to_be_told_is_read_page_by_page_and_then_by_a_job(org, bulk, opened):
    leads(org, 200)
    given_up = [{"errorCode": "QUERY_TIMEOUT", "message": "too long"}]
    org.fail("queryAll?", 400, given_up, times=5)
    assert len(rows(read(opened(), PLAIN))) == 200
    assert bulk.seen.count("POST query") == 1


def test_rows_read_before_the_job_are_not_read_again(org, bulk, opened):
    leads(org, 200)
    pages = read(opened(), PLAIN)
    assert sum(len(page.rows) for page in pages) == 200


def test_a_page_of_results_is_in_id_order_and_says_what_is_deleted_and_into_what(org, bulk, opened):
    leads(org, 100)
    org.rows["Lead"][50] |= {"IsDeleted": True, "MasterRecordId": ident("00Q", 3)}
    pages = read(opened(), PLAIN)
    for page in pages:
        assert [row["Id"] for row in page.rows] == sorted(row["Id"] for row in page.rows)
    gone = {k: v for page in pages for k, v in page.gone.items()}
    assert gone == {ident("00Q", 50): ident("00Q", 3)}


def test_a_run_that_dies_anywhere_goes_on_with_the_same_job(org, bulk, opened):
    leads(org, 5000)
    bookmark = Forgetful()
    whole = read(opened(Forgetful()), PLAIN)
    for stop in range(4, len(whole), 2):
        before, pages = {}, opened(bookmark).read("Lead", PLAIN, Window(None, UNTIL), None)
        for _ in range(stop):
            page = next(pages)
            before |= rows([page])
        pages.close()
        after = rows(read(opened(bookmark), PLAIN, after=page.position))
        assert len({**before, **after}) == 5000
        assert not set(before) & set(after)
    assert bulk.seen.count("POST query") == 2


def test_a_job_begun_before_a_crash_is_waited_for_and_not_begun_again(org, bulk, opened, waits):
    leads(org, 200)
    bookmark = Forgetful()
    bulk.polls = 100
    with pytest.raises(TryLaterError, match="goes on from there"):
        read(opened(bookmark), PLAIN)
    assert max(waits) == 30
    assert not any("PATCH" in one or "DELETE" in one for one in bulk.seen)
    bulk.jobs["750000000000000000"]["polls"] = 1
    assert len(rows(read(opened(bookmark), PLAIN))) == 200
    assert bulk.seen.count("POST query") == 1


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, "INVALIDENTITY"), (400, "API_ERROR"), (403, "FUNCTIONALITY_NOT_ENABLED"), (404, "X")],
)
def test_where_bulk_refuses_rest_reads_it_all(org, bulk, opened, status, code):
    leads(org, 200)
    org.fail("jobs/query", status, [{"errorCode": code, "message": "no"}])
    assert len(rows(read(opened(), PLAIN))) == 200
    assert bulk.seen == []


def test_a_job_that_fails_twice_is_given_up_for_rest(org, bulk, opened):
    leads(org, 200)
    begun = bulk._begun

    def failing(kind, asked):
        answer = begun(kind, asked)
        list(bulk.jobs.values())[-1]["ends"] = "Failed"
        return answer

    bulk._begun = failing
    assert len(rows(read(opened(), PLAIN))) == 200
    assert bulk.seen.count("POST query") == 2


def test_results_that_are_gone_are_asked_for_anew(org, bulk, opened):
    leads(org, 3000)
    bookmark = Forgetful()
    pages = opened(bookmark).read("Lead", PLAIN, Window(None, UNTIL), None)
    positions = [next(pages).position for _ in range(5)]
    bulk.jobs.clear()
    found = rows(read(opened(bookmark), PLAIN, after=positions[-1]))
    assert len(found) == 3000 - 30


@pytest.mark.parametrize("cut", ["a row", "half a row", "all"])
def test_an_answer_cut_short_is_never_taken_for_whole(org, bulk, opened, cut):
    leads(org, 200)
    results = bulk._results
    short = [True] * 3

    def cutting(job, query):
        status, headers, text = results(job, query)
        if short and short.pop():
            lines = text.split("\n")
            kept = {"a row": lines[:-2], "half a row": lines[:-2], "all": []}[cut]
            text = "\n".join([*kept, '"00Q0'] if cut == "half a row" else kept)
        return status, headers, text

    bulk._results = cutting
    bookmark, found, after = Forgetful(), {}, None
    for _ in range(4):
        pages = opened(bookmark).read("Lead", PLAIN, Window(None, UNTIL), after)
        try:
            for page in pages:
                found |= rows([page])
                after = page.position
        except TryLaterError:
            continue
        break
    assert len(found) == 200
    assert all(row["Title"].startswith("title") for row in found.values())


def test_the_version_that_began_a_job_reads_it(org, bulk, opened):
    leads(org, 200)
    read(opened(), PLAIN)
    asked = [c.request.url for c in org.mock.calls if "jobs/query/" in c.request.url]
    assert all("/services/data/v62.0/jobs/query/" in url for url in asked)
    assert "v62.0/" in read(opened(), PLAIN)[-1].position


def test_ten_times_the_rows_take_no_more_memory(org, opened):
    crm = opened()
    columns = ("Id", "IsDeleted", "MasterRecordId", "Title", "SystemModstamp", "Score__c")
    shape = shape_of(crm._objects, "Lead", columns)
    line = '"00Q{:012}AAA","false","","{}","2026-05-01T11:00:00.000Z","71.5"\n'
    peaks = []
    for count in (3_000, 30_000):
        with tempfile.TemporaryFile() as file:
            file.write((",".join(f'"{c}"' for c in shape.columns) + "\n").encode())
            for n in range(count):
                file.write(line.format(n, "x" * 100).encode())
            pages = BulkQueries(crm.session, Forgetful(), 1000)._rows(
                file, Place("v62.0/1", "", 0, ""), count, partial(flat_rows, crm._objects, shape)
            )
            tracemalloc.start()
            assert sum(len(some) for some, _ in pages) == count
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]
