"""Log-ins of the practice org: which flows it takes, and how the sessions they give end."""

from __future__ import annotations

import time
from datetime import timedelta

import jwt
import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import SalesforceAuthenticationFailed

from connector.domain.moment import SECOND, to_datetime
from connector.practice.server import PracticeServer
from tests.practice.conftest import CLIENT, NOW, SECRET
from tests.practice.test_clients import ToPractice


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


# --- JWT bearer -----------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def signed(salesforce, key):
    """Signs claims as an app whose certificate the org has."""
    salesforce.crm.steer("app", {"client": "jwt", "secret": "unused", "certificate": pem(key)})

    def assertion(algorithm="RS256", with_key=key, **changed):
        claims = {"iss": "jwt", "sub": "Admin", "aud": "https://test.salesforce.com"}
        claims |= {"exp": salesforce.now // SECOND + 180, **changed}
        return jwt.encode(claims, with_key, algorithm=algorithm)

    return assertion


def pem(key) -> str:
    """A certificate for a key, signed by itself as an admin makes one."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Leadloop")])
    begin = to_datetime(NOW)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=365))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()


def bear(salesforce, assertion):
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion}
    return salesforce.http.post(f"{salesforce.url}/services/oauth2/token", data=form, timeout=10)


def use(salesforce, answer):
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    return salesforce.call("GET", f"{salesforce.data}/limits", headers=headers).status_code


def test_a_signed_assertion_gives_a_session_and_no_refresh_token(salesforce, signed):
    answer = bear(salesforce, signed())
    assert answer.status_code == 200, answer.text
    assert "refresh_token" not in answer.json()
    assert "expires_in" not in answer.json()
    assert use(salesforce, answer) == 200


def test_an_assertion_may_say_its_end_as_text_and_name_my_domain(salesforce, signed):
    until = str(salesforce.now // SECOND + 60)
    assert bear(salesforce, signed(exp=until, aud=salesforce.url)).status_code == 200


@pytest.mark.parametrize(
    ("changed", "error", "why"),
    [
        ({"aud": "https://login.salesforce.com"}, "invalid_grant", "audience is invalid"),
        ({"sub": "nobody"}, "invalid_grant", "user hasn't approved this consumer"),
        ({"sub": "other"}, "invalid_grant", "user hasn't approved this consumer"),
        ({"iss": "nothing"}, "invalid_client_id", "client identifier invalid"),
        ({"exp": NOW // SECOND - 1}, "invalid_grant", "assertion is expired"),
        ({"exp": NOW // SECOND + 3600}, "invalid_grant", "assertion is expired or valid for too"),
        ({"algorithm": "RS512"}, "invalid_grant", "invalid assertion"),
        ({"iss": CLIENT}, "invalid_grant", "invalid assertion"),
    ],
)
def test_an_assertion_that_is_not_for_here_and_now_is_refused(
    salesforce, signed, changed, error, why
):
    row = {"Username": "other", "LastName": "O", "Email": "o@acme.example", "IsActive": True}
    salesforce.load(User=[row])
    answer = bear(salesforce, signed(**changed))
    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert answer.json()["error_description"].startswith(why)


def test_an_assertion_signed_with_another_key_or_changed_after_is_refused(salesforce, signed):
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    assert bear(salesforce, signed(with_key=stranger)).json()["error"] == "invalid_grant"
    head, _, signature = signed().split(".")
    _, body, _ = signed(sub="admin").split(".")
    assert bear(salesforce, f"{head}.{body}.{signature}").status_code == 400
    assert bear(salesforce, "no.assertion").status_code == 400


def test_a_user_whom_an_admin_approved_may_be_named(salesforce, key, signed):
    row = {"Username": "other", "LastName": "O", "Email": "o@acme.example", "IsActive": True}
    (other,) = salesforce.load(User=[row])["User"]
    app = {"client": "jwt", "secret": "unused", "certificate": pem(key), "approved": ["other"]}
    salesforce.crm.steer("app", app)
    answer = bear(salesforce, signed(sub="other"))
    assert answer.json()["id"].endswith(other)
    salesforce.crm.org.find(other)["IsActive"] = False
    assert bear(salesforce, signed(sub="other")).json()["error"] == "inactive_user"


def test_simple_salesforce_logs_in_by_a_signed_assertion(salesforce, key, signed, tmp_path):
    salesforce.crm.clock.set(int(time.time()) * SECOND)
    file = tmp_path / "key.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    with requests.Session() as session:
        session.mount("https://", ToPractice(salesforce.url))
        client = Salesforce(
            username="Admin", consumer_key="jwt", privatekey_file=str(file), domain="test",
            session=session, version="62.0",
        )  # fmt: skip
        assert client.query("SELECT Id FROM User")["totalSize"] == 1


# --- how sessions end, and where they lead --------------------------------------------------------


def test_a_session_ends_when_it_is_not_used_for_so_long(salesforce):
    salesforce.crm.steer("session", {"minutes": 120})
    salesforce.login()
    for _ in range(3):
        salesforce.tick(119 * 60)
        assert salesforce.call("GET", f"{salesforce.data}/limits").status_code == 200
    salesforce.tick(121 * 60)
    answer = salesforce.call("GET", f"{salesforce.data}/limits")
    assert (answer.status_code, answer.json()[0]["message"]) == (401, "Session expired or invalid")


def test_a_policy_of_the_org_refuses_every_session(salesforce):
    words = "This session is not valid for use with the REST API"
    salesforce.crm.steer("session", {"barred": words})
    salesforce.login()
    answer = salesforce.call("GET", f"{salesforce.data}/limits")
    assert (answer.status_code, answer.json()[0]["message"]) == (401, words)


def test_an_org_that_moved_serves_at_its_new_address_only(salesforce):
    with PracticeServer(salesforce.crm) as there:
        salesforce.crm.steer("move", {"to": there.address})
        assert salesforce.call("GET", f"{salesforce.data}/limits").status_code == 401
        form = {"grant_type": "client_credentials"}
        form |= {"client_id": CLIENT, "client_secret": SECRET}
        path = "/services/oauth2/token"
        answer = requests.post(salesforce.url + path, data=form, timeout=10).json()
        assert answer["instance_url"] == there.address
        headers = {"Authorization": f"Bearer {answer['access_token']}"}
        here, new = (
            requests.get(f"{url}{salesforce.data}/limits", headers=headers, timeout=10).status_code
            for url in (salesforce.url, there.address)
        )
        assert (here, new) == (401, 200)


# --- flows that new orgs do not let in ------------------------------------------------------------


def test_client_credentials_are_taken_at_my_domain_only(salesforce):
    form = {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": SECRET}
    headers = {"X-Orig-Host": "login.salesforce.com"}
    answer = salesforce.http.post(
        f"{salesforce.url}/services/oauth2/token", data=form, headers=headers, timeout=10
    )
    assert answer.json()["error_description"] == "request not supported on this domain"


def test_a_password_logs_in_only_where_an_admin_let_it(salesforce):
    form = {"grant_type": "password", "username": "admin", "password": "pwTOKEN"}
    form |= {"client_id": CLIENT, "client_secret": SECRET}
    url = f"{salesforce.url}/services/oauth2/token"
    blocked = salesforce.http.post(url, data=form, timeout=10)
    assert blocked.json()["error_description"] == "authentication failure"
    salesforce.crm.steer("password", {"user": "Admin", "password": "pwTOKEN"})
    assert use(salesforce, salesforce.http.post(url, data=form, timeout=10)) == 200


@pytest.mark.parametrize(("version", "why"), [("59.0", "disabled"), ("65.0", "not available")])
def test_soap_login_is_gone(salesforce, version, why):
    with requests.Session() as session:
        session.mount("https://", ToPractice(salesforce.url))
        with pytest.raises(SalesforceAuthenticationFailed, match=f"INVALID_OPERATION.*{why}"):
            Salesforce(username="Admin", password="p", security_token="t",
                       session=session, version=version)  # fmt: skip
