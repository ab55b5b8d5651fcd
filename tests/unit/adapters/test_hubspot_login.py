"""Logging in to HubSpot by OAuth: one refresh, however many need the token."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from urllib.parse import parse_qsl

import pytest
import responses
from cryptography.fernet import Fernet

from connector.adapters.hubspot.adapter import open_hubspot
from connector.adapters.hubspot.login import App, OAuth
from connector.adapters.keeping import Forgetful, Keeping, keeping
from connector.config.secrets import Secret
from connector.config.settings import Connection
from connector.errors import LoginError, UsageError
from connector.store.database import open_store
from connector.store.running.vault import StoreVault

URL = "https://api.hubapi.com"
ACCOUNT = f"{URL}/account-info/2026-09/details"


class Kept(dict):
    """A vault in memory."""

    load = dict.get
    save = dict.__setitem__

    @contextmanager
    def alone(self):
        yield


class Server:
    """Gives tokens by number, and knows only the last one."""

    def __init__(self, mock, *, rotates=False):
        self.asked, self.seen, self.rotates = [], [], rotates
        self.refresh = "r0"
        mock.add_callback(responses.POST, f"{URL}/oauth/2026-09/token", self._give)
        mock.add_callback(responses.GET, ACCOUNT, self._account)

    def _give(self, request):
        assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
        assert "?" not in request.url
        form = dict(parse_qsl(request.body.decode()))
        assert form.keys() == {"grant_type", "client_id", "client_secret", "refresh_token"}
        if form["refresh_token"] != self.refresh:
            return 400, {}, json.dumps({"status": "BAD_REFRESH_TOKEN", "message": "no"})
        self.asked.append(form)
        if self.rotates:
            self.refresh = f"r{len(self.asked)}"
        told = {"access_token": f"a{len(self.asked)}", "refresh_token": self.refresh}
        return 200, {}, json.dumps({**told, "expires_in": 1800})

    def _account(self, request):
        self.seen.append(request.headers["Authorization"])
        if request.headers["Authorization"] != f"Bearer a{len(self.asked)}":
            body = {"status": "error", "category": "EXPIRED_AUTHENTICATION"}
            return 401, {}, json.dumps(body)
        return 200, {"Date": "Sun, 01 Nov 2026 12:00:00 GMT"}, json.dumps({"portalId": 1})


@pytest.fixture
def mock():
    with responses.RequestsMock(assert_all_requests_are_fired=False) as made:
        yield made


def app(refresh="r0"):
    return App(lambda: "id", lambda: "canary-secret", lambda: refresh)


def oauth(vault=None, now=None, refresh="r0"):
    clock = (lambda: now[0]) if now else (lambda: 1000.0)
    return OAuth(app(refresh), URL, "/oauth/2026-09/token", vault, clock)


def opened(tmp_path, vault):
    auth = {}
    for name, value in (("client_id", "id"), ("client_secret", "s"), ("refresh_token", "r0")):
        (tmp_path / name).write_text(value)
        auth[name] = {"file": str(tmp_path / name)}
    with keeping(Keeping(Forgetful(), vault)):
        return open_hubspot(Connection(name="hs", kind="hubspot", mapping="x", auth=auth))


def test_a_token_is_kept_until_shortly_before_it_ends(mock):
    server, now = Server(mock), [0.0]
    login = oauth(Kept(), now)
    assert [login.token(), login.token()] == ["a1", "a1"]
    now[0] = 1800 - 61
    assert login.token() == "a1"
    now[0] = 1800 - 59
    assert login.token() == "a2"
    assert len(server.asked) == 2


def test_eight_threads_that_find_the_token_refused_refresh_it_once(mock):
    server = Server(mock)
    login = oauth(Kept())
    together = threading.Barrier(8)

    def work(_):
        assert login.token() == "a1"
        together.wait()
        login.renew()
        return login.token()

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(work, range(8))) == {"a2"}
    assert len(server.asked) == 2


def test_another_process_uses_the_token_that_was_refreshed_meanwhile(mock):
    server, vault = Server(mock), Kept()
    first, second = oauth(vault), oauth(vault)
    assert first.token() == second.token() == "a1"
    first.renew()
    second.renew()
    assert first.token() == second.token() == "a2"
    assert len(server.asked) == 2


def test_a_rotated_refresh_token_is_kept_before_the_access_token_is_used(mock):
    Server(mock, rotates=True)
    vault = Kept()
    oauth(vault).token()
    assert [name.split()[0] for name in vault] == ["refresh", "access"]
    assert next(iter(vault.values())) == "r1"
    later = oauth(vault)
    assert later.token() == "a1"
    later.renew()  # by the rotated one: the first is worth nothing any more
    assert later.token() == "a2"
    assert next(iter(vault.values())) == "r2"


def test_a_new_refresh_token_in_the_settings_is_used_once_the_kept_one_is_revoked(mock):
    server, vault = Server(mock, rotates=True), Kept()
    assert oauth(vault).token() == "a1"
    server.refresh = "anew"  # revoked, and approved anew
    revoked = oauth(vault)
    assert revoked.token() == "a1"
    with pytest.raises(LoginError, match="BAD_REFRESH_TOKEN"):
        revoked.renew()
    followed = oauth(vault, refresh="anew")
    assert followed.token() == "a2"
    assert server.asked[-1]["refresh_token"] == "anew"
    followed.renew()
    assert server.asked[-1]["refresh_token"] == "r2", "what it was rotated to is kept for it"
    assert oauth(vault, refresh="anew").token() == "a3"


def test_a_new_refresh_token_does_not_use_the_access_token_of_the_one_before(mock):
    Server(mock, rotates=False)
    vault = Kept()
    assert oauth(vault).token() == "a1"
    other = oauth(vault, refresh="elsewhere")
    with pytest.raises(LoginError, match="BAD_REFRESH_TOKEN"):
        other.token()


def test_a_rotated_token_without_a_vault_is_said_and_not_lost_in_silence(mock):
    Server(mock, rotates=True)
    with pytest.raises(UsageError, match="no vault"):
        oauth().token()


def test_a_token_that_ends_in_the_middle_of_a_run_is_exchanged_once_and_the_call_repeated(
    mock, tmp_path
):
    server = Server(mock)
    adapter = opened(tmp_path, Kept())
    assert adapter.check().organisation == "1"
    server.asked.append({})  # HubSpot forgets the token we hold
    assert adapter.check().organisation == "1"
    assert server.seen == ["Bearer a1", "Bearer a1", "Bearer a3"]


def test_a_refused_refresh_token_is_an_error_that_names_no_secret(mock):
    Server(mock)
    with pytest.raises(LoginError, match="BAD_REFRESH_TOKEN") as caught:
        oauth(refresh="canary-old").token()
    assert "canary" not in f"{caught.value}{caught.value.hint}"


def test_a_token_refused_again_after_the_exchange_is_no_endless_loop(mock, tmp_path):
    server = Server(mock)
    adapter = opened(tmp_path, Kept())
    server._account = None
    mock.remove(responses.GET, ACCOUNT)
    mock.add(responses.GET, ACCOUNT, json={"category": "INVALID_AUTHENTICATION"}, status=401)
    with pytest.raises(LoginError):
        adapter.check()
    assert len(server.asked) == 2


def test_two_stores_of_one_database_take_turns_at_the_token(store_url):
    key = Secret(kind="literal", source=Fernet.generate_key().decode(), connection="hs")
    one, two = open_store(store_url), open_store(store_url)
    order = []

    def second():
        with StoreVault(two, "hs", key).alone():
            order.append("second")

    with StoreVault(one, "hs", key).alone():
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(0.3)
        StoreVault(one, "hs", key).save("access", "x")
        order.append("first")
    thread.join(10)
    one.close()
    two.close()
    assert order == ["first", "second"]
