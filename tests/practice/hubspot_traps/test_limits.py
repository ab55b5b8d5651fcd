"""Traps of rates, refusals and log-ins: when to wait, when to stop, and whom to tell."""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from connector.domain.change import Result
from connector.domain.moment import HOUR, SECOND
from connector.errors import LoginError, QuotaError, RemoteError, TryLaterError
from connector.store.database import open_store
from connector.store.running.budgets import StoreBudget
from connector.transport.budget import metered
from tests.practice.conftest import CLIENT, SECRET, TOKEN


def stubborn(hubspot, path, times=20, pause=0.25):
    """The textbook retry: a short pause after every refusal, whatever it said."""
    statuses = []
    for _ in range(times):
        statuses.append(hubspot.call("GET", path).status_code)
        if statuses[-1] == 200:
            break
        hubspot.tick(pause)
    return statuses


def test_trap_19_an_unknown_property_fails_every_row(hubspot):
    ids = hubspot.contacts(2)
    body = {"inputs": [{"id": one, "properties": {"leadloop_score": "5"}} for one in ids]}
    answer = hubspot.call("POST", f"{hubspot.objects}/contacts/batch/update", body)
    assert answer.json()["errors"][0]["code"] == "PROPERTY_DOESNT_EXIST"
    assert hubspot.effects() == []


def test_trap_25_short_pauses_only_use_up_calls(hubspot):
    hubspot.crm.steer("limits", {"burst": 1})
    path = f"{hubspot.objects}/contacts"
    assert hubspot.call("GET", path).status_code == 200
    assert set(stubborn(hubspot, path)) == {429}


def test_trap_25_the_day_is_over_however_often_one_asks(hubspot):
    hubspot.crm.steer("limits", {"daily": 0})
    assert set(stubborn(hubspot, f"{hubspot.objects}/contacts", pause=60)) == {429}


@pytest.mark.parametrize("told", [False, True], ids=["untold", "told"])
def test_trap_25_ours_waits_the_ten_seconds(hubspot, ours, waits, told):
    hubspot.contacts(1)
    body = {"status": "error", "policyName": "TEN_SECONDLY_ROLLING", "errorType": "RATE_LIMIT"}
    headers = {"Retry-After": "10"} if told else {}
    hubspot.fail("GET */contacts?*", status=429, body=body, headers=headers)
    rows = ours.rows()
    assert len(rows) == 1
    assert 9 <= sum(waits) <= 60


def test_trap_25_ours_stops_for_the_day(hubspot, ours, waits):
    hubspot.contacts(1)
    hubspot.crm.steer("limits", {"daily": 0})
    with pytest.raises(QuotaError) as caught:
        ours.rows()
    assert caught.value.exit_code == 75
    assert sum(waits) < 60


def test_trap_28_a_move_that_says_an_hour_is_not_over_in_seconds(hubspot):
    hubspot.fail("GET */contacts*", status=477, headers={"Retry-After": "3600"}, times=20)
    assert set(stubborn(hubspot, f"{hubspot.objects}/contacts")) == {477}


def test_trap_28_ours_parks_the_run_for_a_move(hubspot, ours, waits):
    hubspot.fail("GET */contacts*", status=477, headers={"Retry-After": "3600"}, times=20)
    with pytest.raises(TryLaterError):
        ours.rows()
    assert sum(waits) < 600


@pytest.mark.parametrize("status", [423, 502, 503, 504, 521])
def test_trap_28_one_hiccup_ends_a_textbook_pull(hubspot, status):
    hubspot.contacts(1)
    hubspot.fail("GET */contacts*", status=status)
    answer = hubspot.call("GET", f"{hubspot.objects}/contacts")
    with pytest.raises(requests.HTTPError):
        answer.raise_for_status()


@pytest.mark.parametrize("status", [423, 502, 503, 504, 521])
def test_trap_28_ours_tries_again(hubspot, ours, waits, status):
    hubspot.contacts(1)
    hubspot.fail("GET */contacts?*", status=status)
    assert len(ours.rows()) == 1
    if status == 423:
        assert sum(waits) >= 2


def test_trap_31_each_thread_refreshes_for_itself(hubspot):
    given = {"client": CLIENT, "secret": SECRET, "refresh": "r"}
    hubspot.crm.steer("app", given)
    form = {"grant_type": "refresh_token", "client_id": CLIENT, "client_secret": SECRET,
            "refresh_token": "r"}  # fmt: skip
    url = f"{hubspot.url}/oauth/2026-09/token"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: requests.post(url, data=form, timeout=10).json(), range(8)))
    assert hubspot.crm.logins.issued == 8


def test_trap_31_ours_refreshes_once_for_eight_threads(hubspot, opening, tmp_path):
    hubspot.contacts(5)
    hubspot.crm.steer("app", {"client": CLIENT, "secret": SECRET, "refresh": "r"})
    for name, text in (("s", SECRET), ("r", "r")):
        (tmp_path / name).write_text(text)
    auth = {"client_id": CLIENT, "client_secret": {"file": str(tmp_path / "s")},
            "refresh_token": {"file": str(tmp_path / "r")}}  # fmt: skip
    with opening(auth=auth) as ours, ThreadPoolExecutor(8) as pool:
        counts = list(pool.map(lambda _: len(ours.rows()), range(8)))
    assert counts == [5] * 8
    assert hubspot.crm.logins.issued == 1


def test_trap_32_a_refused_token_is_refused_again(hubspot):
    hubspot.crm.logins.tokens.clear()
    assert stubborn(hubspot, f"{hubspot.objects}/contacts", times=5) == [401] * 5


@pytest.mark.parametrize("status", [401, 530])
def test_trap_32_ours_does_not_try_a_refused_token_again(hubspot, ours, calls, waits, status):
    if status == 401:
        hubspot.crm.logins.tokens.clear()
    else:
        hubspot.fail("*", status=530, times=50)
    with pytest.raises(LoginError) as caught:
        ours.rows()
    assert caught.value.hint
    assert waits == []


def test_trap_32_a_missing_scope_stays_missing(hubspot):
    hubspot.crm.steer("token", {"token": "t0ken", "lacks": ["crm.objects.contacts.read"]})
    assert stubborn(hubspot, f"{hubspot.objects}/contacts", times=5) == [403] * 5


def test_trap_32_ours_names_the_scope(hubspot, ours, waits):
    hubspot.crm.steer("token", {"token": "t0ken", "lacks": ["crm.objects.contacts.read"]})
    with pytest.raises((LoginError, RemoteError)) as caught:
        ours.rows()
    assert "crm.objects.contacts.read" in f"{caught.value} {caught.value.hint}"
    assert waits == []


def test_trap_40_a_quota_reset_taken_from_utc_is_half_a_day_off(hubspot):
    (usage,) = hubspot.json("GET", "/account-info/2026-09/api-usage/daily/private-apps")["results"]
    assert usage["resetsAt"].endswith("T00:00:00+13:00")
    offset = hubspot.json("GET", "/account-info/2026-09/details")["utcOffset"]
    assert offset == "+13:00"


def test_trap_40_ours_asks_again_and_finds_that_the_portals_day_is_over(hubspot, opening, tmp_path):
    """It computes no midnight: an hour after it was told, one call asks whether the day is new."""
    hubspot.contacts(1)
    hubspot.crm.steer("limits", {"daily": 1000})
    store = open_store(f"sqlite:///{tmp_path}/s.db")

    def run():
        asked = hubspot.crm.limits.used
        budget = StoreBudget(store, "hs", reserve=0.2, clock=lambda: hubspot.now)
        try:
            with metered(budget), opening() as ours:
                return len(ours.rows())
        except QuotaError:
            return hubspot.crm.limits.used - asked

    assert run() == 1
    hubspot.crm.limits.used = 900  # the day is full, as this portal counts its days
    midnight = hubspot.crm.limits.resets_at().timestamp() - hubspot.now / SECOND
    assert 0 < midnight < 24 * 3600
    assert run() == 1, "one call hears of it"
    assert run() == 0, "and none is spent on hearing it again"
    hubspot.tick(3601)
    assert run() == 1, "nor more than one in an hour"
    hubspot.tick(midnight)
    assert run() == 1
    assert hubspot.crm.limits.used < 20
    store.close()


def test_trap_50_a_client_that_logs_bodies_logs_people(hubspot, caplog):
    hubspot.contacts(1)
    with caplog.at_level(logging.DEBUG):
        answer = hubspot.call("GET", f"{hubspot.objects}/contacts")
        logging.getLogger("naive").debug("response body: %s", answer.text)
    assert "c0@mills.example" in caplog.text


def test_trap_50_ours_logs_neither_addresses_nor_tokens(hubspot, ours, caplog, capsys):
    (id_,) = hubspot.contacts(1)
    with caplog.at_level(logging.DEBUG):
        ours.rows(names=("id", "email"))
        ours.rows(hubspot.now - HOUR, names=("id", "email"))
        (outcome,) = ours.write(**{id_: "Boss"})
        hubspot.crm.logins.tokens.clear()
        with pytest.raises(LoginError) as caught:
            ours.rows()
    assert outcome.result is Result.APPLIED
    said = caplog.text + "".join(capsys.readouterr()) + str(caught.value) + repr(ours.adapter)
    assert "mills.example" not in said
    assert "t0ken" not in said


def test_trap_51_another_portals_token_writes_there_without_a_word(hubspot):
    ids = hubspot.contacts(1)
    hubspot.crm.portal.id = 999
    path = f"{hubspot.objects}/contacts/{ids[0]}"
    assert hubspot.call("PATCH", path, {"properties": {"jobtitle": "A"}}).ok


def test_trap_51_ours_stops_at_another_portal(opened):
    work = opened("hubspot")
    work.hot("eve")
    work.go()
    work.crm.portal.id = 999
    work.written()
    work.hot("bob")
    with pytest.raises(Exception, match=r"999|portal|organisation"):
        work.go()
    assert work.written() == []


@pytest.mark.parametrize("base", ["/crm/v3/objects", "/crm/objects/2026-03"])
def test_trap_53_what_an_old_path_took_a_new_one_refuses(hubspot, base):
    (id_,) = hubspot.contacts(1)
    hubspot.crm.steer("rules", {"required": [["contacts", "country"]]})
    give = {"properties": {"jobtitle": "A"}}
    assert hubspot.call("PATCH", f"{base}/contacts/{id_}", give).status_code == 200
    assert hubspot.call("PATCH", f"{hubspot.objects}/contacts/{id_}", give).status_code == 400


@pytest.mark.parametrize(
    ("version", "result"), [("v3", Result.APPLIED), ("2026-09", Result.REFUSED)]
)
def test_trap_53_ours_speaks_both_and_names_what_is_refused(
    hubspot, opening, tmp_path, version, result
):
    (id_,) = hubspot.contacts(1)
    hubspot.crm.steer("rules", {"required": [["contacts", "country"]]})
    (tmp_path / "key").write_text(TOKEN)
    auth = {"token": {"file": str(tmp_path / "key")}, "api_version": version}
    with opening(auth=auth) as ours:
        assert [row["id"] for row in ours.rows()] == [id_]
        (told,) = ours.write(**{id_: "A"})
    assert told.result is result
    assert (told.field == "country") is (result is Result.REFUSED)


def test_trap_30_a_client_without_a_time_out_waits_as_long_as_it_takes(hubspot):
    hubspot.contacts(1)
    hubspot.fail("GET */contacts*", delay=0.4)
    with pytest.raises(requests.Timeout):
        hubspot.http.get(f"{hubspot.url}{hubspot.objects}/contacts", timeout=0.1)


def test_trap_30_ours_gives_up_in_time(hubspot, opening, tmp_path, monkeypatch):
    hubspot.contacts(1)
    hubspot.fail("GET */contacts?*", delay=3, times=None)
    monkeypatch.setattr("connector.transport.http._wait", lambda _state: 0.0)
    (tmp_path / "key").write_text(TOKEN)
    with opening(auth={"token": {"file": str(tmp_path / "key")}, "time_out": "0.2"}) as ours:
        begun = time.monotonic()
        with pytest.raises(TryLaterError) as caught:
            ours.rows()
    assert time.monotonic() - begun < 5 * 0.2 + 1.5, "five attempts, and no pause between them here"
    assert caught.value.exit_code == 75


def test_trap_26_four_workers_at_full_speed_are_refused(hubspot):
    hubspot.contacts(1)
    hubspot.crm.steer("limits", {"search": 5})
    body = {"filterGroups": [], "limit": 1}
    path = f"{hubspot.objects}/contacts/search"
    statuses = [hubspot.call("POST", path, body).status_code for _ in range(20)]
    assert statuses.count(429) == 15


@pytest.fixture
def machine_time(hubspot):
    """The portal counts calls by the machine's own clock, which nobody can hold."""
    hubspot.crm.limits._machine = lambda: time.time_ns() // 1000
    return hubspot


def test_trap_26_ours_four_workers_at_one_store_are_never_refused(machine_time, opening, tmp_path):
    hubspot = machine_time
    (id_,) = hubspot.contacts(1)
    hubspot.crm.steer("limits", {"search": 5, "burst": 60})
    store = open_store(f"sqlite:///{tmp_path}/s.db")
    arrived: list[tuple[float, str, int]] = []
    answer = hubspot.crm.answer

    def noted(request):
        at, given = time.monotonic(), answer(request)
        arrived.append((at, request.path, given.status))
        return given

    hubspot.crm.answer = noted

    def work(_number):
        budget = StoreBudget(store, "hs", reserve=0, clock=lambda: time.time_ns() // 1000)
        with metered(budget), opening() as ours:
            budget.keep(ours.adapter.capabilities.paces)
            for _ in range(6):
                ours.adapter.read_ids("contacts", ["id"], [id_])
                assert len(ours.rows(hubspot.now - HOUR)) == 1

    try:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(work, range(4)))
    finally:
        store.close()
    assert {status for _, _, status in arrived} == {200}
    searches = [at for at, path, _ in arrived if path.endswith("/search")]
    assert len(searches) >= 24
    assert all(sixth - first >= 1 for first, sixth in zip(searches, searches[5:], strict=False))
    others = len(arrived) - len(searches)
    assert others / (arrived[-1][0] - arrived[0][0]) <= 7


def test_trap_27_another_app_eats_the_day(hubspot):
    hubspot.crm.steer("limits", {"daily": 10})
    path = f"{hubspot.objects}/contacts"
    assert stubborn(hubspot, path, times=1) == [200]
    hubspot.crm.limits.used = 9  # ... and then the other app comes
    assert stubborn(hubspot, path, times=1) == [200]
    assert stubborn(hubspot, path, times=3) == [429] * 3


def test_trap_27_ours_leaves_a_part_of_the_day_to_the_other_app(hubspot, opening):
    hubspot.contacts(1)
    hubspot.crm.steer("limits", {"daily": 100})
    with opening(api={"reserve": "20%"}) as ours:
        assert len(ours.rows()) == 1
        hubspot.crm.limits.used = 79  # the other app has been here
        with pytest.raises(QuotaError, match=r"reserved for people") as caught:
            for _ in range(5):
                ours.rows()
    assert caught.value.exit_code == 75
    assert hubspot.crm.limits.used <= 81
