"""Webhooks: only HubSpot's own, only fresh ones, and nothing of what they say is believed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

import pytest

from connector.adapters import open_hooks
from connector.adapters.hubspot.hooks import HubSpotHooks
from connector.config.settings import Connection
from connector.errors import LoginError

SECRET = "app-secret-canary"
NOW = 1_793_534_400_000_000
URL = "https://leads.acme.example/hooks/hs?a=1"


def event(kind="contact.propertyChange", **more):
    base = {"eventId": 1, "portalId": 4711, "occurredAt": NOW // 1000, "subscriptionType": kind}
    return {**base, "objectId": 123, "propertyName": "email", "propertyValue": "x@y.z", **more}


def signed(events, *, at=NOW // 1000, url=URL, secret=SECRET, body=None):
    raw = json.dumps(events, indent=1).encode() if body is None else body
    said = b"POST" + url.encode() + raw + str(at).encode()
    proof = base64.b64encode(hmac.new(secret.encode(), said, hashlib.sha256).digest()).decode()
    return {"x-HubSpot-Signature-V3": proof, "X-HubSpot-Request-Timestamp": str(at)}, raw


def heard(events, *, now=NOW, url=URL, **given):
    headers, raw = signed(events, **given)
    return HubSpotHooks(lambda: SECRET).verify(headers, raw, url, now)


def test_an_event_names_a_record_and_none_of_its_values():
    assert heard([event()]) == ["contacts/123"]


@pytest.mark.parametrize(
    ("more", "read"),
    [
        ({"changeSource": "INTEGRATION", "sourceId": "77", "appId": 77}, False),
        ({"changeSource": "INTEGRATION", "sourceId": "78", "appId": 77}, True),
        ({"changeSource": "CRM_UI", "sourceId": "77", "appId": 77}, True),
        ({"changeSource": "INTEGRATION", "sourceId": "77"}, True),
        ({"changeSource": "INTEGRATION"}, True),
    ],
)
def test_a_change_that_the_same_app_made_is_not_read_again(more, read):
    assert heard([event(**more)]) == ["contacts/123"] * read
    kept = event("contact.creation", **more)
    assert heard([kept]) == ["contacts/123"], "a record it made is"


def test_events_that_come_twice_or_in_any_order_name_each_record_once():
    events = [event(), event(occurredAt=1), event(eventId=2, attemptNumber=3), event(objectId=9)]
    assert sorted(heard(events)) == sorted(heard(events[::-1])) == ["contacts/123", "contacts/9"]


@pytest.mark.parametrize(
    ("one", "records"),
    [
        (event("company.creation"), ["companies/123"]),
        (event("deal.deletion"), ["deals/123"]),
        (event("object.propertyChange", objectTypeId="0-136"), ["leads/123"]),
        (event("contact.privacyDeletion"), ["erased:contacts/123"]),
        (
            event("contact.merge", primaryObjectId=5, mergedObjectIds=[6, 7], newObjectId=8),
            ["contacts/123", "contacts/5", "contacts/8", "contacts/6", "contacts/7"],
        ),
        (
            event(
                "deal.associationChange",
                objectId=None,
                associationType="DEAL_TO_CONTACT",
                fromObjectId=4,
                toObjectId=5,
            ),
            ["deals/4", "contacts/5"],
        ),
        (event("conversation.newMessage"), []),
        (event(objectId="../../7"), []),
        ("no event", []),
    ],
)
def test_each_kind_of_event_names_the_records_it_is_about(one, records):
    assert heard([one]) == records


@pytest.mark.parametrize("minutes", [-6, -5.1, 5.1, 6, 60 * 24 * 365])
def test_what_was_signed_more_than_five_minutes_from_now_is_refused(minutes):
    with pytest.raises(LoginError, match="five minutes"):
        heard([event()], at=NOW // 1000 + round(minutes * 60_000))


@pytest.mark.parametrize("minutes", [-4.9, 4.9])
def test_what_was_signed_within_five_minutes_is_taken(minutes):
    assert heard([event()], at=NOW // 1000 + round(minutes * 60_000))


def test_another_secret_address_or_body_is_refused():
    headers, raw = signed([event()])
    hooks = HubSpotHooks(lambda: SECRET)
    again = json.dumps(json.loads(raw)).encode()  # the same events, written anew by a proxy
    for body, url, given in (
        (raw, URL + "&b=2", headers),
        (raw, URL.replace("https", "http"), headers),
        (again, URL, headers),
        (raw, URL, signed([event()], secret="guess")[0]),
        (raw, URL, {**headers, "X-HubSpot-Request-Timestamp": str(NOW // 1000 + 1)}),
    ):
        with pytest.raises(LoginError, match="not HubSpot's"):
            hooks.verify(given, body, url, NOW)


@pytest.mark.parametrize("stamp", ["", "-1", "1e9", "٣", "9" * 30])
def test_a_time_that_is_none_is_refused(stamp):
    headers, raw = signed([event()])
    given = {**headers, "X-HubSpot-Request-Timestamp": stamp}
    with pytest.raises(LoginError, match="time"):
        HubSpotHooks(lambda: SECRET).verify(given, raw, URL, NOW)


def test_no_signature_is_refused():
    headers, raw = signed([event()])
    del headers["x-HubSpot-Signature-V3"]
    with pytest.raises(LoginError, match="not HubSpot's"):
        HubSpotHooks(lambda: SECRET).verify(headers, raw, URL, NOW)


def test_escapes_in_the_address_are_decoded_as_hubspot_decodes_them():
    plain = "https://leads.acme.example/hooks/hs?to=a@b:c"
    headers, raw = signed([event()], url=plain)
    escaped = "https://leads.acme.example/hooks/hs?to=a%40b%3ac"
    assert HubSpotHooks(lambda: SECRET).verify(headers, raw, escaped, NOW)


def test_what_is_signed_and_no_json_names_nothing():
    assert heard(None, body=b"\xff{") == []


def test_hooks_are_opened_for_hubspot_and_for_no_file(tmp_path):
    secret = tmp_path / "s"
    secret.write_text(SECRET)
    auth = {"client_secret": {"file": str(secret)}}
    hooks = open_hooks(Connection(name="hs", kind="hubspot", mapping="x", auth=auth))
    headers, raw = signed([event()])
    assert hooks.verify(headers, raw, URL, NOW) == ["contacts/123"]
    assert open_hooks(Connection(name="f", kind="files", mapping="x")) is None
