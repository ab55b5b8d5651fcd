"""Traps of log-ins and refusals: whom to ask again, when to stop, which org it is, what to say."""

from __future__ import annotations

import logging
import stat
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import orjson
import pytest
import requests

from connector.adapters.base import FieldStep, NewTask
from connector.domain.change import Result
from connector.domain.moment import DAY, HOUR
from connector.domain.outward import FieldType
from connector.errors import LeadloopError, LoginError, UsageError
from connector.practice.salesforce.moments import moment_text
from connector.transport.http import Transport
from tests.practice.conftest import CLIENT, SECRET

LEADS = "SELECT Id FROM Lead"
QUERY = "GET */query*"
UNFIT = [{"errorCode": "INVALID_SESSION_ID",
          "message": "This session is not valid for use with the REST API"}]  # fmt: skip
ENDED = [{"errorCode": "INVALID_SESSION_ID", "message": "Session expired or invalid"}]


def insistent(salesforce, times=50):
    """The textbook client: a 401 means log in and ask again."""
    for tried in range(times):
        answer = salesforce.call("GET", f"{salesforce.data}/query", params={"q": LEADS})
        if answer.status_code != 401:
            return tried
        salesforce.login()
    return times


# --- 401 in all its meanings ---------------------------------------------------------------------


def test_trap_02_a_client_that_logs_in_at_each_401_never_ends(salesforce):
    salesforce.fail(QUERY, status=401, body=ENDED, times=None)
    before = salesforce.crm.logins.issued
    assert insistent(salesforce) == 50
    assert salesforce.crm.logins.issued - before == 50


def test_trap_02_ours_logs_in_once_more_and_stops(salesforce, ours, waits, calls):
    salesforce.fail(QUERY, status=401, body=ENDED, times=None)
    before = salesforce.crm.logins.issued
    with pytest.raises(LoginError) as caught:
        ours.adapter.check()
    assert salesforce.crm.logins.issued - before <= 2
    assert len([said for said, _ in calls if "/query" in said]) < 5
    assert caught.value.hint
    assert waits == []


def test_trap_03_a_session_unfit_for_rest_stays_so_however_often_one_logs_in(salesforce):
    salesforce.fail(QUERY, status=401, body=UNFIT, times=None)
    before = salesforce.crm.logins.issued
    assert insistent(salesforce) == 50
    assert salesforce.crm.logins.issued - before == 50


def test_trap_03_ours_says_what_to_lift_and_logs_in_no_more(salesforce, ours, waits, calls):
    salesforce.fail(QUERY, status=401, body=UNFIT, times=None)
    before = salesforce.crm.logins.issued
    with pytest.raises(LoginError, match="REST API") as caught:
        ours.adapter.check()
    assert salesforce.crm.logins.issued - before == 1
    assert len([said for said, _ in calls if "/query" in said]) == 1
    assert "high-assurance" in caught.value.hint
    assert waits == []


def test_trap_04_a_401_of_html_breaks_whoever_reads_json(salesforce):
    salesforce.fail(QUERY, status=401, html=True)
    answer = salesforce.call("GET", f"{salesforce.data}/query", params={"q": LEADS})
    with pytest.raises(requests.JSONDecodeError):
        answer.json()[0]["errorCode"]


def test_trap_04_ours_is_an_error_of_its_own_with_a_next_step(salesforce, ours):
    salesforce.fail(QUERY, status=401, html=True, times=None)
    with pytest.raises(LoginError) as caught:
        ours.adapter.check()
    assert caught.value.hint
    assert "<html" not in str(caught.value)


def test_trap_05_each_of_eight_threads_logs_in_for_itself(salesforce):
    form = {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": SECRET}
    headers = dict(salesforce.http.headers)
    salesforce.crm.steer("session", {})
    before = salesforce.crm.logins.issued

    def ask(_):
        url = f"{salesforce.url}{salesforce.data}/query"
        if requests.get(url, params={"q": LEADS}, headers=headers, timeout=10).status_code == 401:
            requests.post(f"{salesforce.url}/services/oauth2/token", data=form, timeout=10)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, range(8)))
    assert salesforce.crm.logins.issued - before == 8


def test_trap_05_ours_logs_in_once_for_eight_threads(salesforce, ours):
    salesforce.leads(5)
    assert len(ours.rows()) == 5
    before = salesforce.crm.logins.issued
    salesforce.crm.steer("session", {})
    salesforce.fail(QUERY, delay=0.3, times=8)  # all eight are under way before one is refused
    with ThreadPoolExecutor(8) as pool:
        counts = list(pool.map(lambda _: len(ours.rows()), range(8)))
    assert counts == [5] * 8
    assert salesforce.crm.logins.issued - before == 1


# --- who never answers ---------------------------------------------------------------------------


def test_trap_08_a_client_without_a_time_out_waits_as_long_as_it_takes(salesforce):
    salesforce.fail("GET */sobjects*", delay=0.6)
    begun = time.monotonic()
    salesforce.http.get(f"{salesforce.url}{salesforce.data}/sobjects/Lead/describe", timeout=None)
    assert time.monotonic() - begun >= 0.6


HANGS = {
    "log-in": ("POST */oauth2/token", lambda ours: ours.adapter.check()),
    "describe": ("GET */describe", lambda ours: ours.adapter.describe("Lead")),
    "query": (QUERY, lambda ours: ours.rows()),
    "task": ("POST */sobjects/Task", lambda ours: ours.adapter.create_task(task(ours))),
    "deploy": ("POST */deployRequest", lambda ours: ours.adapter.create_fields([FIELD])),
}
FIELD = FieldStep("Lead", "Leadloop_New__c", FieldType.NUMBER, "New", 0, "create")


def task(ours):
    (lead,) = ours.salesforce.leads(1)
    admin = ours.salesforce.admin
    return NewTask("m-1", "Lead", lead, admin, "Call", "", ours.salesforce.now + DAY)


@pytest.fixture
def impatient(monkeypatch, waits):
    """Two tenths of a second are as long as anybody waits for an answer to begin."""
    monkeypatch.setitem(Transport.__init__.__kwdefaults__, "read_s", 0.2)


@pytest.mark.parametrize("what", HANGS)
def test_trap_08_ours_gives_up_on_whoever_never_answers(salesforce, impatient, opening, what):
    match, does = HANGS[what]
    salesforce.fail(match, delay=2, times=None)
    with opening() as ours:
        begun = time.monotonic()
        with pytest.raises(LeadloopError):
            does(ours)
        assert time.monotonic() - begun < 2


def test_trap_08_ours_does_not_know_what_became_of_a_write(salesforce, impatient, opening):
    (lead,) = salesforce.leads(1)
    salesforce.fail("PATCH */composite/sobjects", delay=2)
    with opening() as ours:
        (outcome,) = ours.write((lead, {"Title": "CEO"}))
    assert outcome.result is Result.UNKNOWN


# --- logs-in that are no more, and another org ---------------------------------------------------


@pytest.mark.parametrize("version", ["59.0", "65.0"])
def test_trap_58_the_log_in_of_the_first_tutorial_is_switched_off(salesforce, version):
    body = "<env:Envelope><env:Body><n1:login><n1:username>a</n1:username></n1:login></env:Body></env:Envelope>"
    path = f"{salesforce.url}/services/Soap/u/{version}"
    answer = requests.post(path, data=body, headers={"SOAPAction": "login"}, timeout=10)
    assert answer.status_code == 500
    assert "<faultcode>sf:INVALID_OPERATION</faultcode>" in answer.text


def test_trap_58_ours_refuses_it_before_anything_is_sent_and_says_what_to_do(opening, calls):
    auth = {"login": "ada@acme.example", "password": "${SF_PASSWORD}"}
    with pytest.raises(UsageError, match="summer 2027") as caught, opening(auth=auth):
        pass
    assert "external client app" in caught.value.hint
    assert calls == []


@pytest.fixture
def sf(salesforce, tmp_path, monkeypatch):
    """An sf CLI that hides the token in `org display`, as it does since May 2026."""
    folder = tmp_path / "bin"
    folder.mkdir()
    token = salesforce.http.headers["Authorization"].removeprefix("Bearer ")
    org = next(iter(salesforce.crm.org.tables["Organization"]))
    shown = {"accessToken": "[REDACTED] use sf org auth show-access-token", "id": org,
             "instanceUrl": salesforce.url, "userId": salesforce.admin}  # fmt: skip
    said = {"org display": shown, "org auth show-access-token": {"accessToken": token}}
    cases = "\n".join(
        f"  \"{words}\"*) echo '{orjson.dumps({'result': result}).decode()}' ;;"
        for words, result in said.items()
    )
    program = folder / "sf"
    program.write_text(f'#!/bin/sh\ncase "$*" in\n{cases}\n  *) exit 1 ;;\nesac\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_trap_59_the_token_that_org_display_shows_is_none(salesforce, sf):
    asked = ["sf", "org", "display", "--target-org", "dev", "--json"]
    shown = orjson.loads(subprocess.run(asked, capture_output=True, check=True).stdout)
    headers = {"Authorization": f"Bearer {shown['result']['accessToken']}"}
    path = f"{salesforce.data}/sobjects"
    assert salesforce.call("GET", path, headers=headers).status_code == 401


def test_trap_59_ours_asks_by_the_newer_command(salesforce, sf, opening):
    salesforce.leads(3)
    with opening(auth={"sf_cli": "dev"}) as ours:
        assert len(ours.rows()) == 3


def test_trap_60_another_orgs_token_writes_there_without_a_word(salesforce):
    (lead,) = salesforce.leads(1)
    salesforce.crm.steer("anew", {})
    salesforce.login()
    assert salesforce.write({"id": lead, "Title": "CEO"})[0]["success"]


def test_trap_60_ours_stops_at_another_org(opened):
    work = opened("salesforce")
    work.hot("eve")
    work.go()
    work.crm.steer("anew", {})
    work.written()
    work.hot("bob")
    with pytest.raises(UsageError, match="was filled from") as caught:
        work.go()
    assert "store" in caught.value.hint
    assert work.written() == []


def test_trap_61_a_cursor_never_sees_what_a_refreshed_sandbox_set_back(salesforce):
    (lead,) = salesforce.leads(1)
    old = moment_text(salesforce.now)
    salesforce.tick(60)
    salesforce.write({"id": lead, "Title": "CEO"})
    cursor = moment_text(salesforce.now).replace(".000+0000", "Z")
    mine = salesforce.query("SELECT Id, Title FROM Lead")
    salesforce.crm.steer("anew", {"reset": {lead: {"Title": "Boss", "SystemModstamp": old}}})
    salesforce.login()
    assert salesforce.query(f"{LEADS} WHERE SystemModstamp >= {cursor}") == []
    assert mine[0]["Title"] == "CEO"
    assert salesforce.crm.org.find(lead)["Title"] == "Boss"


def refreshed(work):
    old = moment_text(work.now - 30 * DAY)
    return {work.ids["eve"]: {"Title": "Intern", "SystemModstamp": old, "LastModifiedDate": old}}


def test_trap_61_ours_takes_a_refreshed_sandbox_for_the_other_org_it_is(opened):
    work = opened("salesforce")
    work.hot("eve")
    work.go()
    work.written()
    work.crm.steer("anew", {"reset": refreshed(work)})
    work.pass_time(HOUR)
    with pytest.raises(UsageError, match="was filled from"):
        work.run()
    assert work.written() == []


def test_trap_61_ours_finds_at_night_what_a_restored_backup_set_back(opened):
    work = opened("salesforce")
    work.person("eve")
    work.go()
    for id_, values in refreshed(work).items():
        work.crm.org.find(id_).update(values)
    work.pass_time(DAY + HOUR)
    work.run()
    ((doc,),) = work.rows(f"SELECT doc FROM record WHERE id = '{work.ids['eve']}'")
    assert '"title":"Intern"' in doc


# --- what is said --------------------------------------------------------------------------------


def test_trap_62_an_error_of_a_textbook_client_names_the_person(salesforce, caplog):
    soql = "SELECT Id, NoSuch__c FROM Lead WHERE LastName = 'Okonkwo'"
    answer = salesforce.call("GET", f"{salesforce.data}/query", params={"q": soql})
    with pytest.raises(requests.HTTPError, match="Okonkwo"):
        answer.raise_for_status()
    with caplog.at_level(logging.DEBUG, logger="urllib3"):  # which other libraries quieten
        salesforce.call("GET", f"{salesforce.data}/query", params={"q": soql})
    assert "Okonkwo" in caplog.text


QUOTING = [{"errorCode": "X", "message": "Okonkwo"}]
REFUSALS = ({"status": 400, "body": QUOTING}, {"status": 503, "html": True},
            {"status": 401, "body": ENDED})  # fmt: skip


def test_trap_62_ours_logs_and_raises_neither_people_nor_tokens(
    salesforce, ours, waits, caplog, capsys
):
    (lead,) = salesforce.leads(1, LastName="Okonkwo", Email="ada@mills.example")
    names, said = ["Id", "LastName", "Email"], []
    with caplog.at_level(logging.DEBUG):
        assert len(ours.rows(names=names)) == 1
        good, bad = ours.write((lead, {"Title": "Okonkwo"}), (lead, {"Country": "Okonkwo" * 20}))
        for how in REFUSALS:
            salesforce.fail(QUERY, times=None, **how)
            with pytest.raises(LeadloopError) as caught:
                ours.adapter.read_ids("Lead", names, [lead])
            said += [str(caught.value), caught.value.hint]
            salesforce.crm.faults.clear()
    assert (good.result, bad.result) == (Result.APPLIED, Result.REFUSED)
    told = " ".join([caplog.text, *capsys.readouterr(), *said, repr(ours.adapter)])
    for secret in ("Okonkwo", "mills.example", SECRET, "!practice."):
        assert secret not in told
