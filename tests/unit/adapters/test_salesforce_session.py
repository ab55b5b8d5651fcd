"""Logging in to Salesforce: once for all, never elsewhere, and what its answers say of limits."""

from __future__ import annotations

import threading
from urllib.parse import parse_qs

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from connector.adapters.salesforce.adapter import open_salesforce
from connector.adapters.salesforce.opening import audience_of
from connector.adapters.salesforce.session import _followed
from connector.config.settings import Connection
from connector.domain.moment import HOUR, MINUTE
from connector.errors import LoginError, QuotaError, RateLimitError, TryLaterError, UsageError
from tests.unit.adapters.salesforce_org import HOST, ORG, SECRET, USER

GONE = [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]


def test_check_logs_in_once_and_says_who_and_where(org, crm):
    there = crm.check()
    assert (there.organisation, there.login) == (ORG, f"user {USER}")
    crm.check()
    assert org.logins == 1


def test_an_id_that_the_log_in_keeps_to_itself_is_asked_for(org, crm):
    told = {"access_token": "token-9", "instance_url": HOST}
    org.fail("oauth2/token", 200, told)
    org.fail("oauth2/userinfo", 200, {"organization_id": ORG, "user_id": USER})
    assert crm.check().organisation == ORG


def test_a_session_that_ended_in_mid_run_is_renewed_and_the_read_goes_on(org, crm):
    org.lead(1)
    crm.check()
    org.expired.add("Bearer token-1")
    assert len(crm.read_ids("Lead", ["Id"], [org.rows["Lead"][0]["Id"]])) == 1
    assert org.logins == 2


def test_a_session_that_never_holds_ends_after_one_renewal(org, crm):
    org.expired |= {f"Bearer token-{n}" for n in range(9)}
    with pytest.raises(LoginError):
        crm.check()
    assert org.logins == 2
    assert len(org.sent("GET")) == 2


def test_many_threads_that_meet_one_expiry_log_in_once(org, crm):
    found = org.lead(1)
    crm.read_ids("Lead", ["Id"], [found])
    org.expired.add("Bearer token-1")
    rows: list[int] = []
    threads = [
        threading.Thread(target=lambda: rows.append(len(crm.read_ids("Lead", ["Id"], [found]))))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert rows == [1] * 8
    assert org.logins == 2


def test_a_session_unfit_for_the_api_is_no_reason_to_log_in_again(org, crm):
    words = "This session is not valid for use with the REST API"
    org.fail("query?", 401, [{"message": words, "errorCode": "INVALID_SESSION_ID"}])
    with pytest.raises(LoginError, match="REST API") as caught:
        crm.check()
    assert "high-assurance" in caught.value.hint
    assert org.logins == 1


@pytest.mark.parametrize(
    "body",
    ["<html>log in</html>", '{"error":"x"}', "", "[1]"],
    ids=["page", "object", "none", "list"],
)
def test_a_401_in_any_form_is_an_error_of_ours(org, crm, body):
    org.fail("query?", 401, body)
    with pytest.raises(LoginError):
        crm.check()


def test_the_host_that_a_later_log_in_names_is_spoken_to_from_then_on(org, crm):
    crm.check()
    org.instance = "https://acme2.my.salesforce.com"
    org.expired.add("Bearer token-1")
    crm.check()
    assert org.sent("GET")[-1].url.startswith("https://acme2.my.salesforce.com/")


@pytest.mark.parametrize(
    ("address", "instance", "spoken_to"),
    [
        (HOST, "https://na1.salesforce.com", "https://na1.salesforce.com"),
        (HOST, f"{HOST}/", HOST),
        ("http://127.0.0.1:8080", "http://localhost:9090", "http://localhost:9090"),
        ("http://127.0.0.1:8080", "https://na1.salesforce.com", "http://127.0.0.1:8080"),
        ("https://proxy.acme.example", "https://na1.salesforce.com", "https://proxy.acme.example"),
    ],
)
def test_where_a_log_in_may_lead(address, instance, spoken_to):
    assert _followed(address, instance) == spoken_to


@pytest.mark.parametrize(
    "instance",
    [
        "https://evil.example",
        "http://na1.salesforce.com",
        "https://salesforce.com.evil.example",
        "https://evilsalesforce.com",
        "https://x@na1.salesforce.com",
        "https://acme.salesforce.mil",
        "",
    ],
)
def test_a_token_never_goes_to_a_strange_host(org, crm, instance):
    org.instance = instance
    with pytest.raises(LoginError, match="outside Salesforce"):
        crm.check()
    assert org.sent("GET") == []


@pytest.mark.parametrize(
    ("status", "body", "error", "words"),
    [
        (400, {"error": "invalid_client", "error_description": "x"}, LoginError, "invalid_client"),
        (
            400,
            {"error": "invalid_grant", "error_description": "Lovelace"},
            LoginError,
            "invalid_grant",
        ),
        (404, "<html>no</html>", UsageError, "not as Salesforce does"),
        (400, {"error": "<b>Lovelace</b>"}, UsageError, "not as Salesforce does"),
        (500, "{}", TryLaterError, "500"),
        (200, "{}", TryLaterError, "without a token"),
        (200, '{"access_token": "tok', TryLaterError, "without a token"),
    ],
)
def test_a_refused_log_in_says_what_to_do_and_no_secret(org, crm, status, body, error, words):
    org.fail("oauth2/token", status, body, times=5)
    with pytest.raises(error, match=words) as caught:
        crm.check()
    said = f"{caught.value} {caught.value.hint} {crm!r}"
    assert caught.value.hint
    assert SECRET not in said
    assert "Lovelace" not in said


def test_the_days_quota_and_long_requests_are_told_apart(org, crm, waits):
    code = "REQUEST_LIMIT_EXCEEDED"
    org.fail("query?", 403, [{"errorCode": code, "message": "TotalRequests Limit exceeded."}])
    with pytest.raises(QuotaError):
        crm.check()
    assert waits == []
    words = "ConcurrentRequests (Concurrent API Requests) Limit exceeded."
    org.fail("query?", 403, [{"errorCode": code, "message": words}])
    crm.check()
    assert len(waits) == 1
    org.fail("query?", 403, [{"errorCode": code, "message": words}], times=5)
    with pytest.raises(RateLimitError):
        crm.check()


@pytest.mark.parametrize(
    ("limit", "stops"),
    [
        ("api-usage=11999/15000", False),
        ("api-usage=12001/15000", True),
        ("api-usage=1/5000; per-app-api-usage=240/250(appName=leadloop)", True),
        ("api-usage=1/0", False),
        ("nonsense", False),
    ],
)
def test_what_is_reserved_for_people_is_left_alone(org, crm, limit, stops):
    org.limit = limit
    crm.server_now()
    before = len(org.sent("GET"))
    if stops:
        with pytest.raises(QuotaError, match="left to people"):
            crm.check()
        assert len(org.sent("GET")) == before
    else:
        crm.check()


def test_the_limit_is_heard_from_a_refusal_too_and_forgotten_after_a_while(org):
    now = [HOUR]
    crm = org.adapter(clock=lambda: now[0])
    crm.check()
    refused = [{"errorCode": "INSUFFICIENT_ACCESS", "message": ""}]
    org.fail("query?", 403, refused, **{"Sforce-Limit-Info": "api-usage=14000/15000"})
    with pytest.raises(LoginError):
        crm.check()
    with pytest.raises(QuotaError):
        crm.check()
    now[0] += 6 * MINUTE
    crm.check()
    crm.close()


def test_the_clock_is_salesforces_own(org, crm):
    assert crm.server_now() == int(org.now.timestamp()) * 1_000_000


def connection(**given):
    auth = {"client_id": "${SF_CLIENT}", "client_secret": "${SF_SECRET}"} | given.pop("auth", {})
    base = {"name": "sf", "kind": "salesforce", "mapping": "m.yaml", "address": HOST, "auth": auth}
    return Connection.model_validate(base | given)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"address": None}, "needs `address:`"),
        ({"address": "https://acme.lightning.force.com"}, "for browsers"),
        ({"auth": {"private_key": {"file": "k.pem"}}}, "needs `auth.login`"),
        ({"auth": {"password": "${SF_PASSWORD}"}}, "needs `auth.login`"),
        ({"auth": {"client_secert": "${SF_SECRET}"}}, "did you mean `client_secret`"),
        ({"auth": {"sf_cli": "dev", "refresh_token": "${SF_TOKEN}"}}, "several ways to log in"),
    ],
)
def test_a_connection_that_lacks_something_says_so_before_anything_is_sent(given, words):
    with pytest.raises(UsageError, match=words):
        open_salesforce(connection(**given), {}, lambda: 0)


def test_a_jwt_is_signed_for_the_right_host_and_lives_three_minutes(org, tmp_path, monkeypatch):
    monkeypatch.setenv("SF_CLIENT", "the-app")
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (tmp_path / "k.pem").write_bytes(pem)
    auth = {"private_key": {"file": str(tmp_path / "k.pem")}, "login": "ada@acme.example"}
    crm = open_salesforce(connection(auth=auth), {}, lambda: 4_000_000_000_000_000)
    told = {"access_token": "token-1", "instance_url": HOST, "id": f"https://x/id/{ORG}/{USER}"}
    org.fail("oauth2/token", 200, told)
    crm.check()
    form = parse_qs(org.sent("POST")[0].body.decode())
    assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
    claims = jwt.decode(
        form["assertion"][0],
        key.public_key(),
        algorithms=["RS256"],
        audience="https://login.salesforce.com",
    )
    assert claims["iss"] == "the-app"
    assert claims["sub"] == "ada@acme.example"
    assert claims["exp"] == 4_000_000_180
    crm.close()
    assert (
        audience_of("https://acme--dev.sandbox.my.salesforce.com") == "https://test.salesforce.com"
    )


def test_a_key_that_signs_nothing_is_a_mistake_in_the_settings(tmp_path, monkeypatch):
    monkeypatch.setenv("SF_CLIENT", "the-app")
    (tmp_path / "k.pem").write_text("not a key")
    auth = {"private_key": {"file": str(tmp_path / "k.pem")}, "login": "ada@acme.example"}
    crm = open_salesforce(connection(auth=auth), {}, lambda: 0)
    with pytest.raises(UsageError, match="no RSA key"):
        crm.check()
    crm.close()
