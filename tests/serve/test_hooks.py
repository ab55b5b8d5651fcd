"""Calls of a CRM: proved, kept once, small, and answered within a second whatever a run does."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from base64 import b64encode
from concurrent.futures import Future, ThreadPoolExecutor

import requests

from connector.serve.hooks import BODY, _Call, _tell
from connector.store.incoming import hints
from tests.serve.conftest import SECRET


def call(
    service,
    body=None,
    *,
    secret=SECRET,
    age_ms=0,
    url="https://leads.example/hooks/hs",
    path="/hooks/hs",
):
    if body is None:
        body = [{"subscriptionType": "contact.propertyChange", "objectId": 7, "eventId": 1}]
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    stamp = str(service.now // 1000 - age_ms)
    proof = hmac.new(secret.encode(), b"POST" + url.encode() + raw + stamp.encode(), hashlib.sha256)
    headers = {
        "X-HubSpot-Request-Timestamp": stamp,
        "X-HubSpot-Signature-v3": b64encode(proof.digest()).decode(),
    }
    return requests.post(service.address + path, raw, headers=headers, timeout=10)


def kept(service):
    with service.house.store.read() as tx:
        return [(one.source, one.id) for one in hints.of(tx, "hs")]


def test_a_proved_call_is_kept_for_the_next_run_and_sent_twice_counts_once(serving):
    service = serving(people=0)
    assert call(service).json() == {"records": 1, "known": False}
    assert call(service).json() == {"records": 1, "known": True}
    assert kept(service) == [("contacts", "7")]


def test_a_call_that_is_not_proved_is_refused_and_keeps_nothing(serving):
    service = serving(people=0)
    for wrong in (
        {"secret": "another"},
        {"age_ms": 400_000},
        {"age_ms": -400_000},
        {"url": "https://elsewhere.example/hooks/hs"},
    ):
        assert call(service, **wrong).status_code == 401, wrong
    assert requests.post(service.address + "/hooks/hs", b"[]", timeout=10).status_code == 401
    assert kept(service) == []


def test_calls_for_connections_that_take_none_are_not_found(serving):
    service = serving(people=0)
    for path in ("/hooks/crm", "/hooks/nobody"):
        assert call(service, path=path).status_code == 404


def test_a_call_that_is_too_long_is_cut_off_even_without_its_length(serving):
    service = serving(people=0)
    assert call(service, b"x" * (BODY + 1)).status_code == 413
    pieces = (b"x" * 100_000 for _ in range(20))
    done = requests.post(service.address + "/hooks/hs", pieces, timeout=10)
    assert done.status_code == 413
    assert kept(service) == []


def test_while_the_store_is_taken_the_answer_comes_within_a_second_and_asks_to_call_again(serving):
    service = serving(people=0)
    with service.house.store.write():
        began = time.monotonic()
        done = call(service)
        assert time.monotonic() - began < 1
    assert (done.status_code, done.headers["retry-after"]) == (503, "30")
    until = time.monotonic() + 10
    while call(service).status_code != 200 and time.monotonic() < until:
        time.sleep(0.05)
    assert kept(service) == [("contacts", "7")]


def test_many_calls_at_once_are_all_kept(serving):
    service = serving(people=0)

    def one(n):
        body = [{"subscriptionType": "contact.creation", "objectId": n}]
        for _ in range(20):
            done = call(service, body)
            if done.status_code == 200:
                return True
            time.sleep(0.1)
        return False

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(one, range(60)))
    assert {ident for _, ident in kept(service)} == {str(n) for n in range(60)}
    assert "not a real secret" not in repr(service.told)


def test_a_call_that_was_given_up_at_the_last_moment_does_not_end_the_writer():
    class GivenUp(Future):
        def done(self):
            return False  # as it was a moment ago

    done = GivenUp()
    done.cancel()
    _tell(_Call("hs", [], "digest", done), new=True)
    assert done.cancelled()
