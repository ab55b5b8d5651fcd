"""A fault script makes calls fail in every way a CRM's do; the oracle tells whether they worked."""

from __future__ import annotations

import pytest
import requests
from pydantic import ValidationError

from connector.errors import UsageError
from connector.practice.fault_script import Fault, load_faults


def patch(salesforce, id_, **values):
    body = {"records": [{"attributes": {"type": "Lead"}, "id": id_, **values}]}
    return salesforce.call("PATCH", f"{salesforce.data}/composite/sobjects", body)


@pytest.mark.parametrize(
    ("fault", "status", "kind", "retry"),
    [
        ({"status": 401, "body": [{"errorCode": "INVALID_SESSION_ID"}]}, 401, "json", None),
        ({"status": 429, "headers": {"Retry-After": "7"}}, 429, "json", "7"),
        ({"status": 429}, 429, "json", None),
        ({"status": 500, "body": [{"errorCode": "UNKNOWN_EXCEPTION"}]}, 500, "json", None),
        ({"html": True}, 200, "html", None),
        ({"html": True, "status": 503}, 503, "html", None),
    ],
)
def test_a_call_is_answered_otherwise_and_not_done(salesforce, fault, status, kind, retry):
    (id_,) = salesforce.leads(1)
    salesforce.fail("PATCH */composite/sobjects", **fault)
    answer = patch(salesforce, id_, Title="CEO")
    assert answer.status_code == status
    assert kind in answer.headers["Content-Type"]
    assert answer.headers.get("Retry-After") == retry
    assert salesforce.effects() == []
    assert patch(salesforce, id_, Title="CEO").status_code == 200


@pytest.mark.parametrize(("drop", "done"), [("before", 0), ("after", 1), ("half", 1)])
def test_a_line_goes_dead_before_or_after_the_call_is_done(salesforce, drop, done):
    (id_,) = salesforce.leads(1)
    salesforce.fail("PATCH */composite/sobjects", drop=drop)
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        patch(salesforce, id_, Title="CEO")
    assert len(salesforce.effects()) == done


def test_an_answer_may_lie_about_a_call_that_was_done(salesforce):
    (id_,) = salesforce.leads(1)
    salesforce.fail("PATCH */composite/sobjects", status=503, html=True, applied=True)
    assert patch(salesforce, id_, Title="CEO").status_code == 503
    assert salesforce.effects() == [("Lead", id_, "Title", "Boss", "CEO")]


def test_faults_begin_late_end_early_or_never(salesforce):
    salesforce.fail("GET */limits*", status=500, after=1, times=2)
    statuses = [salesforce.call("GET", f"{salesforce.data}/limits").status_code for _ in range(4)]
    assert statuses == [200, 500, 500, 200]
    salesforce.fail("GET */limits*", status=502, times=None)
    assert {salesforce.call("GET", f"{salesforce.data}/limits").status_code for _ in range(3)} == {
        502
    }
    salesforce.json("POST", "/__practice__/faults", {"faults": []})
    assert salesforce.call("GET", f"{salesforce.data}/limits").status_code == 200


def test_a_slow_answer_meets_a_time_out(salesforce):
    salesforce.fail("GET */limits*", delay=1)
    with pytest.raises(requests.Timeout):
        requests.get(f"{salesforce.url}{salesforce.data}/limits", timeout=0.2)


@pytest.mark.parametrize(
    "fault",
    [
        {},
        {"status": 500, "drop": "before"},
        {"status": 99},
        {"drop": "sideways"},
        {"delay": -1},
        {"times": 0, "status": 500},
    ],
)
def test_a_fault_that_says_nothing_or_too_much_is_refused(fault):
    with pytest.raises(ValidationError):
        Fault(match="*", **fault)


def test_a_script_is_read_with_all_its_mistakes(tmp_path):
    path = tmp_path / "faults.yaml"
    path.write_text(
        "version: 1\nfaults:\n  - {match: 'GET *', status: 503, html: true, times: 2}\n"
    )
    (fault,) = load_faults(path)
    assert (fault.status, fault.times) == (503, 2)
    path.write_text("version: 1\nfaults:\n  - {match: 'GET *', statuss: 503}\n")
    with pytest.raises(UsageError, match="statuss"):
        load_faults(path)


# --- the oracle, and steering ---------------------------------------------------------------------


def test_the_oracle_tells_every_effect_in_order_and_nothing_else(salesforce):
    (old,) = salesforce.leads(1)
    new = salesforce.json(
        "POST", f"{salesforce.data}/sobjects/Lead", {"LastName": "N", "Company": "C"}
    )["id"]
    salesforce.tick(5)
    patch(salesforce, old, Title="CEO", City="Paris")
    patch(salesforce, old, Title="CEO")
    salesforce.json("DELETE", f"{salesforce.data}/sobjects/Lead/{new}")
    log = salesforce.json("GET", "/__practice__/oracle")
    assert [(one["id"], one["field"], one["before"], one["after"]) for one in log] == [
        (new, "+", None, {"LastName": "N", "Company": "C"}),
        (old, "Title", "Boss", "CEO"),
        (old, "City", None, "Paris"),
        (new, "-", False, True),
    ]
    assert [one["at"] for one in log] == [salesforce.now - 5_000_000] + [salesforce.now] * 3
    assert {one["by"] for one in log} == {salesforce.admin}
    assert salesforce.json("GET", "/__practice__/oracle?since=3") == log[3:]


def test_hubspots_oracle_tells_clears_and_merges(hubspot):
    one, two = hubspot.contacts(2, jobtitle="Boss")
    hubspot.json("PATCH", f"{hubspot.objects}/contacts/{one}", {"properties": {"jobtitle": ""}})
    hubspot.json("PATCH", f"{hubspot.objects}/contacts/{one}", {"properties": {"jobtitle": ""}})
    hubspot.json(
        "POST",
        f"{hubspot.objects}/contacts/merge",
        {"primaryObjectId": one, "objectIdToMerge": two},
    )
    effects = hubspot.effects()
    assert effects[0] == ("contacts", one, "jobtitle", "Boss", None)
    assert [(id_, field) for _, id_, field, *_ in effects[1:3]] == [(one, "-"), (two, "-")]
    assert [field for _, _, field, *_ in effects[3:]] == ["+"]


def test_the_clock_stands_still_where_it_is_put(salesforce):
    assert (
        salesforce.json("POST", "/__practice__/clock", {"at": 1_700_000_000_000_000})["now"]
        == 1_700_000_000_000_000
    )
    answer = salesforce.call("GET", f"{salesforce.data}/limits")
    assert answer.headers["Date"] == "Tue, 14 Nov 2023 22:13:20 GMT"


@pytest.mark.parametrize(
    ("verb", "body"), [("nosuch", {}), ("rules", {"nosuch": 1}), ("clock", {})]
)
def test_steering_that_cannot_be_done_says_why(salesforce, hubspot, verb, body):
    for crm in (salesforce, hubspot):
        answer = crm.call("POST", f"/__practice__/{verb}", body)
        assert answer.status_code == 400
        assert answer.json()["error"]
