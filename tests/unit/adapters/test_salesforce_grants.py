"""The other ways to log in to Salesforce: tokens that change in use, the CLI, the old password."""

from __future__ import annotations

import stat
import threading
import time
from contextlib import ExitStack, contextmanager
from urllib.parse import parse_qs

import pytest

from connector.adapters.keeping import Forgetful, Keeping, keeping
from connector.adapters.salesforce.adapter import open_salesforce
from connector.config.load import load_settings
from connector.config.secrets import Secret
from connector.config.settings import Connection
from connector.demo.shipped import shipped
from connector.errors import LoginError, UsageError
from connector.store.database import open_store
from connector.store.running.vault import StoreVault, new_key
from connector.sync.opening import open_sources
from tests.unit.adapters.salesforce_org import HOST, ORG, USER

GRANTED = {"instance_url": HOST, "id": f"https://login.salesforce.com/id/{ORG}/{USER}"}


class Vault:
    """A vault that notes the order of what happens around it."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}
        self.done: list[str] = []

    def load(self, name):
        return self.kept.get(name)

    def save(self, name, value):
        self.done.append(f"save {value}")
        self.kept[name] = value

    @contextmanager
    def alone(self):
        self.done.append("alone")
        yield
        self.done.append("not alone")


@pytest.fixture
def secrets(monkeypatch):
    monkeypatch.setenv("SF_CLIENT", "the-app")
    monkeypatch.setenv("SF_TOKEN", "canary-first")
    monkeypatch.setenv("SF_PASSWORD", "canary-pass")
    monkeypatch.setenv("SF_SECRET", "canary-secret")
    monkeypatch.setenv("SF_SECURITY", "canary-security")


def opened(vault=None, **auth):
    base = {"name": "sf", "kind": "salesforce", "mapping": "m", "address": HOST, "auth": auth}
    with keeping(Keeping(Forgetful(), vault)):
        return open_salesforce(Connection.model_validate(base), {}, lambda: 0)


def refreshing(vault):
    return opened(vault, client_id="${SF_CLIENT}", refresh_token="${SF_TOKEN}")


def forms(org):
    return [
        {name: one[0] for name, one in parse_qs(request.body.decode()).items()}
        for request in org.sent("POST")
        if "oauth2/token" in request.url
    ]


def grant(org, number, refresh=None):
    more = {"refresh_token": refresh} if refresh else {}
    org.fail("oauth2/token", 200, {"access_token": f"token-{number}", **GRANTED, **more})


def test_a_rotated_refresh_token_is_saved_before_the_new_session_is_used(org, secrets):
    vault = Vault()
    crm = refreshing(vault)
    grant(org, 1, "canary-second")
    asked = org._data
    org._data = lambda request, path: (vault.done.append(path), asked(request, path))[1]
    crm.check()
    assert forms(org)[0]["refresh_token"] == "canary-first"
    assert vault.done[:4] == ["alone", "save canary-second", "not alone", "sobjects/User/describe"]
    crm.close()
    again = refreshing(vault)
    grant(org, 2, "canary-third")
    again.check()
    assert forms(org)[1]["refresh_token"] == "canary-second"
    again.close()


def test_a_new_approval_in_the_settings_takes_the_place_of_a_dead_one(org, secrets, monkeypatch):
    vault = Vault()
    grant(org, 1, "canary-second")
    refreshing(vault).check()
    monkeypatch.setenv("SF_TOKEN", "canary-approved-anew")
    grant(org, 2)
    refreshing(vault).check()
    assert forms(org)[1]["refresh_token"] == "canary-approved-anew"


def test_without_a_key_no_refresh_token_is_used_up(org, secrets, tmp_path):
    store = open_store(f"sqlite:///{tmp_path}/s.db")
    crm = refreshing(StoreVault(store, "sf", None))
    with pytest.raises(UsageError, match="no key to keep it sealed"):
        crm.check()
    assert forms(org) == []
    store.close()


def test_one_process_at_a_time_exchanges_the_token(secrets, tmp_path):
    (tmp_path / "key").write_text(new_key())
    key = Secret(kind="file", source=str(tmp_path / "key"))
    url = f"sqlite:///{tmp_path}/s.db"
    stores = [open_store(url), open_store(url)]
    inside, most = [], []

    def exchange(store):
        vault = StoreVault(store, "sf", key)
        with vault.alone():
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.05)
            vault.save("refresh", str(len(most)))
            inside.pop()

    threads = [threading.Thread(target=exchange, args=(store,)) for store in stores * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert most == [1, 1, 1, 1]
    for store in stores:
        store.close()


@pytest.fixture
def sf(tmp_path, monkeypatch):
    """A stand-in for the sf CLI that answers as a script says."""

    def install(*answers):
        program = tmp_path / "sf"
        told = [f"  *\"{words}\"*) echo '{said}' ;;" for words, said in answers]
        cases = "\n".join(told)
        program.write_text(f'#!/bin/sh\ncase "$*" in\n{cases}\n  *) exit 1 ;;\nesac\n')
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
        return opened(sf_cli="dev")

    return install


def test_the_sf_cli_lends_its_session(org, sf):
    said = f'{{"result": {{"accessToken": "token-7", "instanceUrl": "{HOST}", "id": "{ORG}"}}}}'
    org.fail("oauth2/userinfo", 200, {"organization_id": ORG, "user_id": USER})
    crm = sf(("org display", said))
    there = crm.check()
    assert there.organisation == ORG
    assert org.logins == 0
    assert any("sf CLI" in note for note in there.notes)


def test_a_cli_that_hides_its_token_is_asked_by_the_newer_command(org, sf):
    shown = f'{{"result": {{"accessToken": "[REDACTED] x", "instanceUrl": "{HOST}"}}}}'
    org.fail("oauth2/userinfo", 200, {"organization_id": ORG, "user_id": USER})
    crm = sf(
        ("org display", shown), ("show-access-token", '{"result": {"accessToken": "token-8"}}')
    )
    crm.check()
    assert org.sent("GET")[-1].headers["Authorization"] == "Bearer token-8"


def test_a_cli_without_the_log_in_names_the_command_that_makes_it(sf):
    with pytest.raises(LoginError) as caught:
        sf().check()
    assert caught.value.hint == "sf org login web --alias dev"


def test_no_cli_at_all_is_said(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="no `sf` on the path"):
        opened(sf_cli="dev").check()


def test_the_old_password_works_and_says_the_day_it_ends(org, secrets):
    crm = opened(
        client_id="${SF_CLIENT}",
        client_secret="${SF_SECRET}",
        login="ada@acme.example",
        password="${SF_PASSWORD}",
        security_token="${SF_SECURITY}",
    )
    grant(org, 1)
    there = crm.check()
    assert forms(org)[0]["password"] == "canary-passcanary-security"
    assert "summer 2027" in there.notes[0]
    assert "canary" not in repr(there) + repr(crm)


def test_the_soap_log_in_is_refused_early_with_advice(org):
    with pytest.raises(UsageError, match="summer 2027") as caught:
        opened(login="ada@acme.example", password="${SF_PASSWORD}")
    assert "external client app" in caught.value.hint
    assert org.sent("POST") == []


def test_a_command_without_a_run_keeps_a_rotated_token_in_the_store_too(
    org, secrets, tmp_path, monkeypatch
):
    monkeypatch.setenv("LEADLOOP_KEY", new_key())
    (tmp_path / "mapping.yaml").write_text(shipped("salesforce.yaml"))
    (tmp_path / "leadloop.yaml").write_text(
        f"""
version: 1
store: sqlite:///./state/leadloop.db
connections:
  - name: sf
    kind: salesforce
    address: {HOST}
    mapping: mapping.yaml
    auth: {{client_id: "${{SF_CLIENT}}", refresh_token: "${{SF_TOKEN}}"}}
vault: {{key: "${{LEADLOOP_KEY}}"}}
"""
    )
    loaded = load_settings(tmp_path / "leadloop.yaml")
    for number, spent, given in (
        (1, "canary-first", "canary-second"),
        (2, "canary-second", "canary-third"),
    ):
        grant(org, number, given)
        with ExitStack() as stack:
            (source,) = open_sources(loaded, lambda: 0, stack)
            assert (tmp_path / "state" / "leadloop.db").exists() is (number == 2)
            source.adapter.check()
        assert forms(org)[number - 1]["refresh_token"] == spent
    assert b"canary" not in (tmp_path / "state" / "leadloop.db").read_bytes()
