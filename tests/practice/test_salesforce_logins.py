"""Refresh tokens of the practice org: each is good once, and its answer names the next."""

from __future__ import annotations

from tests.practice.conftest import CLIENT, SECRET


def _refresh(salesforce, token):
    form = {"grant_type": "refresh_token", "refresh_token": token}
    form |= {"client_id": CLIENT, "client_secret": SECRET}
    return salesforce.http.post(f"{salesforce.url}/services/oauth2/token", data=form, timeout=10)


def test_a_refresh_token_gives_a_session_and_the_token_that_replaces_it(salesforce):
    first = salesforce.crm.steer("refresher", {"client": CLIENT})["refresh_token"]
    answer = _refresh(salesforce, first).json()
    salesforce.http.headers["Authorization"] = f"Bearer {answer['access_token']}"
    assert salesforce.call("GET", f"{salesforce.data}/limits").status_code == 200
    assert answer["refresh_token"] != first
    assert _refresh(salesforce, answer["refresh_token"]).status_code == 200


def test_a_client_that_keeps_its_first_refresh_token_is_locked_out(salesforce):
    first = salesforce.crm.steer("refresher", {"client": CLIENT})["refresh_token"]
    assert _refresh(salesforce, first).ok
    again = _refresh(salesforce, first)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
