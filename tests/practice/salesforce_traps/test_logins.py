"""Log-ins: textbook clients that come to harm by them, by the numbers of the known traps."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import SalesforceAuthenticationFailed, SalesforceExpiredSession

from connector.practice.server import PracticeServer
from tests.practice.conftest import CLIENT, SECRET
from tests.practice.test_clients import ToPractice

QUIET = {"Sforce-Auto-Assign": "FALSE"}
BARRED = "This session is not valid for use with the REST API"


@pytest.fixture
def client(salesforce):
    """simple-salesforce as its first page shows it: it logs in again by itself."""
    with requests.Session() as session:
        session.mount("https://", ToPractice(salesforce.url))
        yield Salesforce(
            consumer_key=CLIENT, consumer_secret=SECRET, domain="acme.my", session=session,
            version="62.0",
        )  # fmt: skip


def test_trap_01_the_retry_after_a_refresh_forgets_the_header_and_the_owner_is_overwritten(
    salesforce, client
):
    row = {"LastName": "U", "IsActive": True}
    ours, rule = salesforce.load(
        User=[{**row, "Username": name, "Email": f"{name}@acme.example"} for name in "ab"]
    )["User"]
    salesforce.crm.steer("rules", {"assignment": {"Lead": rule}})
    (lead,) = salesforce.leads(1, OwnerId=ours)
    record = {"attributes": {"type": "Lead"}, "id": lead, "Title": "CEO"}
    body = {"allOrNone": False, "records": [record]}
    salesforce.crm.steer("session", {})
    client.restful("composite/sobjects", method="PATCH", json=body, headers=QUIET)
    assert salesforce.crm.org.find(lead)["OwnerId"] == rule


def test_trap_02_a_session_that_is_never_valid_sends_the_client_round_for_ever(salesforce, client):
    (lead,) = salesforce.leads(1)
    salesforce.crm.steer("session", {"barred": "Session expired or invalid"})
    before = salesforce.crm.logins.issued
    no_more = {"error": "invalid_grant", "error_description": "login rate exceeded"}
    salesforce.fail("POST */oauth2/token", after=60, times=None, status=400, body=no_more)
    with pytest.raises(SalesforceAuthenticationFailed):  # else it ends with Python's own stack
        client.Lead.update(lead, {"Title": "CEO"})
    assert salesforce.crm.logins.issued - before == 60


def test_trap_03_a_policy_that_no_session_meets_is_met_with_log_in_after_log_in(salesforce, client):
    salesforce.crm.steer("session", {"barred": BARRED})
    before = salesforce.crm.logins.issued
    with pytest.raises(SalesforceExpiredSession):
        client.query("SELECT Id FROM Lead")
    assert salesforce.crm.logins.issued - before > 1


def test_trap_04_a_401_in_html_ends_in_an_error_of_the_json_reader(salesforce, client):
    salesforce.fail("GET */query*", status=401, html=True)
    with pytest.raises(requests.exceptions.JSONDecodeError):
        client.query("SELECT Id FROM Lead")


def test_trap_05_eight_threads_that_meet_one_expiry_log_in_eight_times(salesforce, client):
    salesforce.leads(1)
    salesforce.crm.steer("session", {})
    salesforce.fail("POST */oauth2/token", delay=0.3, times=None)
    before = salesforce.crm.logins.issued
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(client.query, ["SELECT Id FROM Lead"] * 8))
    assert salesforce.crm.logins.issued - before == 8


def test_trap_06_a_client_that_logs_in_again_keeps_calling_the_instance_the_org_left(
    salesforce, client
):
    salesforce.crm.steer("move", {"to": "https://new.my.salesforce.com"})
    with pytest.raises(SalesforceExpiredSession):
        client.query("SELECT Id FROM Lead")
    headers = {
        "Authorization": f"Bearer {client.session_id}",
        "X-Orig-Host": "new.my.salesforce.com",
    }
    assert salesforce.call("GET", f"{salesforce.data}/limits", headers=headers).status_code == 200


def test_trap_06_ours_follows_the_org_to_where_it_is_now(salesforce, ours, calls):
    ids = salesforce.leads(3)
    with PracticeServer(salesforce.crm) as there:
        ours.rows(names=("Id",))
        salesforce.crm.steer("move", {"to": there.address})
        calls.clear()
        assert [row["Id"] for row in ours.rows(names=("Id",))] == ids
        asked = [request for said, request in calls if "/services/data" in said]
    host = there.address.partition("//")[2]
    assert asked[0].headers["host"] != host
    assert {request.headers["host"] for request in asked[1:]} == {host}
    assert len([said for said, _ in calls if "oauth2/token" in said]) == 1
