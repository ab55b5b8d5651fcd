"""Pages of the service: they only read, and show people to nobody without the token."""

from __future__ import annotations

import hashlib

import pytest
import requests

from connector.errors import UsageError
from connector.serve.house import token_of
from tests.serve.conftest import TOKEN

AUTH = {"headers": {"Authorization": f"Bearer {TOKEN}"}}
PEOPLE = ("/", "/status", "/report", "/explain/l0001")


def contents(service):
    """A digest of every row of every table."""
    found = hashlib.sha256()
    with service.house.store.read() as tx:
        tables = tx.exec_driver_sql(
            "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1"
        )
        for (name,) in tables.fetchall():
            rows = tx.exec_driver_sql(f'SELECT * FROM "{name}"').fetchall()
            found.update(repr(sorted(map(repr, rows))).encode())
    return found.hexdigest()


def test_whatever_is_asked_by_get_changes_nothing_and_nothing_else_is_allowed(serving):
    service = serving()
    before = contents(service)
    for path in (*PEOPLE, "/livez", "/readyz", "/metrics"):
        assert service.get(path, **AUTH).status_code == 200, path
        for method in ("POST", "PUT", "DELETE"):
            done = requests.request(method, service.address + path, timeout=10, **AUTH)
            assert done.status_code == 405, (method, path)
    assert service.get("/hooks/hs").status_code == 405
    assert contents(service) == before


def test_people_are_shown_to_whoever_has_the_token_and_to_nobody_else(serving):
    service = serving()
    for path in PEOPLE:
        for wrong in ({}, {"auth": ("me", "wrong")}, {"headers": {"Authorization": "Bearer x"}}):
            done = service.get(path, **wrong)
            assert (done.status_code, "l0001" in done.text) == (401, False), path
        assert service.get(path, auth=("anybody", TOKEN)).status_code == 200
    assert "crm/lead/l0001" in service.get("/explain/l0001", **AUTH).text
    assert service.get("/explain/nobody", **AUTH).status_code == 404


def test_without_a_token_the_report_is_open_on_this_machine_and_people_are_not(serving):
    service = serving(token=None)
    assert service.get("/report").status_code == 200
    assert service.get("/explain/l0001").status_code == 403


def test_every_answer_forbids_scripts_and_a_name_that_is_not_ours_is_refused(serving):
    service = serving()
    for path in (*PEOPLE, "/metrics", "/nowhere"):
        policy = service.get(path, **AUTH).headers["content-security-policy"]
        assert policy.startswith("default-src 'none'"), path
    assert service.get("/livez", headers={"Host": "evil.example"}).status_code == 400


def test_metrics_count_and_name_nobody(serving):
    text = serving().get("/metrics").text
    assert "leadloop_last_success_timestamp_seconds" in text
    assert 'leadloop_people{state="' in text
    assert "l0001" not in text


def test_it_is_ready_until_it_closes(serving):
    service = serving(people=0)
    assert service.get("/readyz").text == "ok\n"
    service.house.closing = True
    assert service.get("/readyz").status_code == 503
    assert service.get("/livez").status_code == 200


def test_others_may_reach_pages_only_behind_a_token(serving):
    loaded = serving(people=0).house.loaded
    assert token_of(loaded, "127.0.0.1") is None
    for host in ("0.0.0.0", "10.0.0.7", "leads.example"):
        with pytest.raises(UsageError, match="ask for no token"):
            token_of(loaded, host)
