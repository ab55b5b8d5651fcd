"""Leadloop's own ways to log in, each at a practice org that checks what it is given."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
from cryptography.hazmat.primitives import serialization

from connector.adapters import open_adapter
from connector.adapters.keeping import Forgetful, Keeping, keeping
from connector.config.settings import Connection
from connector.errors import LoginError
from tests.practice.conftest import CLIENT, SECRET
from tests.practice.salesforce_traps.conftest import USES, Ours
from tests.practice.test_salesforce_logins import key, pem  # noqa: F401  a fixture


class Vault(Forgetful):
    """Keeps tokens for as long as the test lasts, and which were kept."""

    def alone(self):
        return nullcontext()


@pytest.fixture
def opened(salesforce, tmp_path):
    """Opens our adapter with an `auth:` of one's own; every secret lies in a file."""
    made, vault = [], Vault()

    def opening(**auth):
        for name in ("client_secret", "private_key", "refresh_token", "password"):
            if name in auth:
                (tmp_path / name).write_text(auth[name])
                auth[name] = {"file": str(tmp_path / name)}
        connection = Connection(
            name="sf", kind="salesforce", mapping="x", address=salesforce.url, auth=auth
        )
        with keeping(Keeping(Forgetful(), vault)):
            adapter = open_adapter(connection, tmp_path, USES, lambda: salesforce.now)
        made.append(adapter)
        return Ours(salesforce, adapter)

    yield opening
    for adapter in made:
        adapter.close()


def test_ours_signs_an_assertion_that_the_org_takes(salesforce, opened, key):  # noqa: F811
    app = {"client": "jwt", "secret": "unused", "certificate": pem(key)}
    salesforce.crm.steer("app", app)
    ids = salesforce.leads(2)
    text = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
    signed = {"client_id": "jwt", "private_key": text, "login": "Admin"}
    ours = opened(**signed, audience="https://test.salesforce.com")
    assert [row["Id"] for row in ours.rows(names=("Id",))] == ids
    with pytest.raises(LoginError):  # the other host is that of production
        opened(**signed, audience="https://login.salesforce.com").rows(names=("Id",))


def test_ours_keeps_the_refresh_token_that_came_last(salesforce, opened):
    first = salesforce.crm.steer("refresher", {"client": CLIENT})["refresh_token"]
    auth = {"client_id": CLIENT, "client_secret": SECRET, "refresh_token": first}
    ids = salesforce.leads(2)
    for _ in range(3):
        assert [row["Id"] for row in opened(**auth).rows(names=("Id",))] == ids
    assert first not in salesforce.crm.logins.refreshers
    assert len(salesforce.crm.logins.refreshers) == 1


def test_ours_logs_in_by_password_where_an_admin_let_it_and_says_that_it_ends(salesforce, opened):
    auth = {"client_id": CLIENT, "client_secret": SECRET, "login": "Admin", "password": "pwTOKEN"}
    with pytest.raises(LoginError):
        opened(**auth).adapter.check()
    salesforce.crm.steer("password", {"user": "Admin", "password": "pwTOKEN"})
    notes = opened(**auth).adapter.check().notes
    assert any("password" in note for note in notes)


def test_ours_goes_on_when_a_session_was_idle_for_too_long(salesforce, opened):
    salesforce.crm.steer("session", {"minutes": 120})
    ids = salesforce.leads(2)
    ours = opened(client_id=CLIENT, client_secret=SECRET)
    ours.rows(names=("Id",))
    before = salesforce.crm.logins.issued
    salesforce.tick(3 * 3600)
    assert [row["Id"] for row in ours.rows(names=("Id",))] == ids
    assert salesforce.crm.logins.issued - before == 1
