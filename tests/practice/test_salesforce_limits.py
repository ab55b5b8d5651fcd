"""What the practice org lets be called, and for how long it keeps what it found."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connector.practice.salesforce.moments import moment_text

DAY_S = 24 * 3600
LEADS = {"q": "SELECT Id FROM Lead"}


def asked(salesforce, path="sobjects"):
    return salesforce.call("GET", f"{salesforce.data}/{path}")


def test_the_two_limits_share_a_code_and_differ_in_their_words(salesforce):
    salesforce.crm.steer("quota", {"running": {"count": 25, "seconds": 40}})
    busy = asked(salesforce)
    salesforce.tick(41)
    assert asked(salesforce).status_code == 200
    salesforce.crm.steer("quota", {"max": 10, "used": 10})
    spent = asked(salesforce)
    assert [one.status_code for one in (busy, spent)] == [403, 403]
    (first,), (second,) = busy.json(), spent.json()
    assert first["errorCode"] == second["errorCode"] == "REQUEST_LIMIT_EXCEEDED"
    assert first["message"].startswith("ConcurrentRequests")
    assert second["message"].startswith("TotalRequests")


def test_short_calls_are_never_too_many_at_once(salesforce):
    salesforce.crm.steer("quota", {"running": {"count": 24, "seconds": 40}})
    assert {asked(salesforce).status_code for _ in range(30)} == {200}


def test_the_day_is_a_rolling_one(salesforce):
    salesforce.crm.steer("quota", {"max": 10, "used": 8})
    salesforce.tick(12 * 3600)
    assert [asked(salesforce).status_code for _ in range(3)] == [200, 200, 403]
    salesforce.tick(12 * 3600)
    answer = asked(salesforce)
    assert answer.headers["Sforce-Limit-Info"] == "api-usage=3/10"


def test_every_answer_tells_what_was_used_and_refusals_too(salesforce):
    salesforce.crm.steer("quota", {"max": 100, "app": {"name": "leadloop", "max": 50}})
    paths = ("sobjects", "nothing", "query?q=SELECT", "sobjects/Lead/00Q000000000000")
    answers = [asked(salesforce, path) for path in paths]
    assert [one.status_code for one in answers] == [200, 404, 400, 404]
    used = [one.headers["Sforce-Limit-Info"].partition("/")[0] for one in answers]
    first = int(used[0].partition("=")[2])
    assert used == [f"api-usage={first + n}" for n in range(4)]
    assert answers[0].headers["Sforce-Limit-Info"].endswith(f"={first}/50(appName=leadloop)")
    salesforce.crm.steer("session", {})
    ended = asked(salesforce)
    assert (ended.status_code, "Sforce-Limit-Info" in ended.headers) == (401, True)


def test_a_locator_is_good_for_two_days(salesforce):
    salesforce.leads(6)
    salesforce.crm.steer("page", {"size": 2})
    page = salesforce.json("GET", f"{salesforce.data}/query", params=LEADS)
    salesforce.tick(2 * DAY_S)
    more = salesforce.json("GET", page["nextRecordsUrl"])
    assert more["nextRecordsUrl"].rpartition("-")[0] == page["nextRecordsUrl"].rpartition("-")[0]
    salesforce.tick(1)
    lost = salesforce.call("GET", more["nextRecordsUrl"])
    assert lost.json()[0]["errorCode"] == "INVALID_QUERY_LOCATOR"


def test_what_a_query_found_is_fixed_at_its_first_page(salesforce):
    ids = salesforce.leads(3)
    salesforce.crm.steer("page", {"size": 2})
    page = salesforce.json("GET", f"{salesforce.data}/query", params=LEADS)
    salesforce.leads(5)
    rest = salesforce.json("GET", page["nextRecordsUrl"])
    assert (rest["totalSize"], rest["done"]) == (3, True)
    assert [row["Id"] for row in page["records"] + rest["records"]] == ids


def span(salesforce, back=3600, ahead=120):
    ends = [
        datetime.fromtimestamp(salesforce.now / 1e6 + by, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        for by in (-back, ahead)
    ]
    return f"sobjects/Lead/updated?start={ends[0]}&end={ends[1]}"


def test_a_row_that_a_slow_transaction_adds_is_stamped_early_and_stands_among_the_older(salesforce):
    began = salesforce.now
    row = {"object": "Lead", "values": {"LastName": "Late", "Company": "C"}, "seconds": 300}
    late = salesforce.crm.steer("late", row)["id"]
    salesforce.tick(60)
    (soon,) = salesforce.leads(1)
    assert [row["Id"] for row in salesforce.query(LEADS["q"])] == [soon]
    salesforce.tick(300)
    rows = salesforce.query("SELECT Id, CreatedDate FROM Lead ORDER BY Id")
    assert [row["Id"] for row in rows] == [late, soon]
    assert rows[0]["CreatedDate"] == moment_text(began)


def test_a_transaction_elsewhere_holds_the_date_covered_back(salesforce):
    began = salesforce.now
    salesforce.crm.steer("late", {"seconds": 3 * 3600})
    salesforce.tick(2 * 3600)
    answer = salesforce.json("GET", f"{salesforce.data}/{span(salesforce)}")
    assert answer["latestDateCovered"] == moment_text(began)
    salesforce.tick(2 * 3600)
    answer = salesforce.json("GET", f"{salesforce.data}/{span(salesforce)}")
    assert answer["latestDateCovered"] == moment_text(salesforce.now)


def test_a_span_with_too_many_ids_is_refused(salesforce):
    salesforce.leads(4)
    salesforce.crm.steer("page", {"changes": 3})
    answer = salesforce.call("GET", f"{salesforce.data}/{span(salesforce)}")
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "EXCEEDED_ID_LIMIT")


@pytest.mark.parametrize("length", [4_001, 100_001])
def test_a_text_of_a_query_may_be_only_so_long(salesforce, length):
    soql = f"SELECT Id FROM Lead WHERE LastName = '{'x' * length}'"
    job = {"operation": "query", "query": soql}
    answer = salesforce.call("POST", f"{salesforce.data}/jobs/query", job)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "MALFORMED_QUERY")
