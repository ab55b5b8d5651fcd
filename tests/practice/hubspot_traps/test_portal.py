"""Traps of the portal itself: what its admins set up, what installing finds, what hooks are worth."""

from __future__ import annotations

import time
import tracemalloc
from contextlib import ExitStack

import orjson
import pytest

from connector.adapters.base import FieldStep, Window
from connector.adapters.hubspot.hooks import HubSpotHooks
from connector.domain.change import Result, Write
from connector.domain.moment import HOUR, MINUTE
from connector.domain.outward import FieldType
from connector.errors import LoginError
from connector.practice.hubspot.webhooks import signature
from connector.sync.opening import open_sources
from connector.sync.upkeep.provision import install

PROPERTIES = "/crm/properties/2026-09/contacts"
STATUS = {"name": "team_status", "label": "Team status", "type": "enumeration",
          "fieldType": "select", "groupName": "contactinformation"}  # fmt: skip


def options(*words):
    return [{"label": w, "value": w, "displayOrder": n, "hidden": False} for n, w in enumerate(words)]  # fmt: skip


def kept(hubspot, name):
    return [one["value"] for one in hubspot.json("GET", f"{PROPERTIES}/{name}")["options"]]


def step(name, type_=FieldType.NUMBER):
    return FieldStep("contacts", name, type_, name, 0, "create")


def test_trap_09_an_upsert_brings_an_erased_person_back(hubspot):
    (id_,) = hubspot.contacts(1)
    hubspot.crm.steer("erase", {"type": "contacts", "id": id_})
    one = {"id": "c0@mills.example", "idProperty": "email", "properties": {"jobtitle": "A"}}
    path = f"{hubspot.objects}/contacts/batch/upsert"
    (result,) = hubspot.json("POST", path, {"inputs": [one]})["results"]
    assert result["new"] is True


def test_trap_09_ours_makes_nobody_anew(hubspot, ours):
    (id_,) = hubspot.contacts(1)
    hubspot.crm.steer("erase", {"type": "contacts", "id": id_})
    (outcome,) = ours.write(**{id_: "A"})
    assert outcome.result is Result.GONE
    assert hubspot.crm.portal.records["contacts"] == {}


def test_trap_18_a_score_of_hubspots_own_cannot_be_written(hubspot):
    (id_,) = hubspot.contacts(1)
    path = f"{hubspot.objects}/contacts/{id_}"
    answer = hubspot.call("PATCH", path, {"properties": {"hubspotscore": "50"}})
    assert answer.json()["errors"][0]["code"] == "READ_ONLY_VALUE"


def test_trap_18_ours_knows_before_it_writes(ours):
    known = ours.adapter.describe("contacts")
    assert not known["hubspotscore"].writable
    assert known["jobtitle"].writable


def test_trap_22_a_list_of_stages_in_the_code_is_not_the_portals(hubspot):
    hubspot.json("POST", PROPERTIES, {**STATUS, "options": options("Hot one", "2")})
    (id_,) = hubspot.contacts(1)
    path = f"{hubspot.objects}/contacts/{id_}"
    assert hubspot.call("PATCH", path, {"properties": {"team_status": "OPEN"}}).status_code == 400


def test_trap_22_ours_reads_the_options_from_the_portal(hubspot, ours):
    hubspot.json("POST", PROPERTIES, {**STATUS, "options": options("Hot one", "2")})
    assert set(ours.adapter.describe("contacts")["team_status"].values) == {"Hot one", "2"}


def test_trap_46_making_a_property_twice_is_an_error_and_an_archived_one_comes_back(hubspot):
    new = {**STATUS, "options": options("A")}
    hubspot.json("POST", PROPERTIES, new)
    assert hubspot.call("POST", PROPERTIES, new).status_code == 409
    hubspot.json("DELETE", f"{PROPERTIES}/team_status")
    number = {**new, "type": "number", "fieldType": "number", "options": []}
    assert hubspot.json("POST", PROPERTIES, number)["type"] == "enumeration", "the old one is back"


def test_trap_46_ours_installs_once_and_refuses_another_type(hubspot, ours):
    steps = ours.adapter.plan_fields([step("leadloop_new")])
    ours.adapter.create_fields(steps)
    assert [one.action for one in ours.adapter.plan_fields([step("leadloop_new")])] == ["keep"]
    (clash,) = ours.adapter.plan_fields([step("jobtitle")])
    assert clash.action == "clash"
    assert clash.note


def test_trap_47_options_sent_anew_drop_what_the_portal_had_added(hubspot):
    hubspot.json("POST", PROPERTIES, {**STATUS, "options": options("A", "B", "added by sales")})
    hubspot.json("PATCH", f"{PROPERTIES}/team_status", {"options": options("A", "B")})
    assert kept(hubspot, "team_status") == ["A", "B"]


def test_trap_47_ours_shrinks_nothing(opened):
    work = opened("hubspot")
    known = work.crm.portal.definitions["contacts"]
    ours = [
        name for name, one in known.known.items() if name.startswith("leadloop_") and one.options
    ]
    assert ours, "some of our properties have options"
    for name in ours:
        one = known.known[name]
        given = [{"label": w, "value": w, "displayOrder": n, "hidden": False}
                 for n, w in enumerate([*one.options, "added by sales"])]  # fmt: skip
        work.crm.portal.definitions["contacts"].patch(name, {"options": given})
    before = {n: list(p.options) for n, p in known.known.items()}
    with ExitStack() as stack:
        for source in open_sources(work.loaded, lambda: work.now, stack):
            install(source)
    work.hot("eve")
    work.go()
    after = {n: list(p.options) for n, p in known.known.items()}
    assert all(set(map(str, before[name])) <= set(map(str, after[name])) for name in before)


def test_trap_48_a_body_written_anew_no_longer_fits_its_signature():
    body = '[{"objectId": 1,"propertyValue":"Zürich"}]'.encode()
    said = signature("s", "POST", "https://a.example/h", body, "1")
    anew = orjson.dumps(orjson.loads(body))
    assert said != signature("s", "POST", "https://a.example/h", anew, "1")
    proxied = signature("s", "POST", "http://10.0.0.7:8080/h", body, "1")
    assert said != proxied, "the address behind the proxy is not the one that was signed"


def test_trap_48_ours_takes_the_body_as_it_came_and_the_address_it_was_told():
    at, url = 1_793_534_400_000, "https://a.example/h"
    body = b'[{"objectId": 1, "subscriptionType": "contact.propertyChange","propertyValue":"Z\xc3\xbcrich"}]'
    said = {
        "X-HubSpot-Signature-v3": signature("s", "POST", url, body, str(at)),
        "X-HubSpot-Request-Timestamp": str(at),
    }
    hooks = HubSpotHooks(lambda: "s")
    assert hooks.verify(said, body, url, at * 1000) == ["contacts/1"]
    anew = orjson.dumps(orjson.loads(body))
    now = at * 1000
    assert hooks.verify(said, body, url, now + 4 * MINUTE) == ["contacts/1"]
    assert hooks.verify(said, body, url, now - 4 * MINUTE) == ["contacts/1"]
    forged = {**said, "X-HubSpot-Signature-v3": signature("other", "POST", url, body, str(at))}
    for headers, given, address, when in (
        (said, anew, url, now),
        (said, body, "http://10.0.0.7:8080/h", now),
        (said, body, url, now + 6 * MINUTE),
        (said, body, url, now - 6 * MINUTE),
        (forged, body, url, now),
        ({}, body, url, now),
    ):
        with pytest.raises(LoginError):
            hooks.verify(headers, given, address, when)


def test_trap_48_values_taken_from_events_end_with_the_one_that_came_last():
    events = _events_out_of_order()
    taken = {}
    for one in events:
        taken[one["objectId"]] = one["propertyValue"]
    assert taken[1] != max(events, key=lambda one: one["occurredAt"])["propertyValue"]


def test_trap_48_ours_takes_a_hundred_events_as_one_hint_in_any_order():
    at, url = 1_793_534_400_000, "https://a.example/h"
    body = orjson.dumps(_events_out_of_order())
    said = {
        "X-HubSpot-Signature-v3": signature("s", "POST", url, body, str(at)),
        "X-HubSpot-Request-Timestamp": str(at),
    }
    begun = time.monotonic()
    assert HubSpotHooks(lambda: "s").verify(said, body, url, at * 1000) == ["contacts/1"]
    assert time.monotonic() - begun < 1


def _events_out_of_order():
    """A hundred changes of one person's status: the newest comes first, the first one twice."""
    one = {"subscriptionType": "contact.propertyChange", "objectId": 1,
           "propertyName": "hs_lead_status"}  # fmt: skip
    events = [{**one, "eventId": n, "occurredAt": n, "propertyValue": str(n)} for n in range(99)]
    return [*reversed(events), events[0]]


def test_trap_41_silence_read_as_consent_writes_to_everybody(hubspot):
    hubspot.load(subscriptions={"7": "News"}, consents={"no@mills.example": {"7": "UNSUBSCRIBED"}})
    base = "/communication-preferences/2026-09/statuses"
    said = {
        who: hubspot.json("GET", f"{base}/{who}@mills.example?channel=EMAIL")["results"][0][
            "status"
        ]
        for who in ("no", "silent")
    }
    mailed = [who for who, status in said.items() if status != "UNSUBSCRIBED"]
    assert mailed == ["silent"]
    assert said["silent"] == "NOT_SPECIFIED"


def test_trap_41_ours_nurtures_nobody_who_opted_out(opened):
    work = opened("hubspot")
    work.go()
    work.hot("out", hs_email_optout="true")
    work.go()
    assert work.mirrored("out", "nurture") in {None, "", "false"}


def _grown(take, sizes):
    """How much memory is held after so many records, in the order of `sizes`."""
    held, count = [], 0
    tracemalloc.start()
    try:
        for some in take:
            count += some
            while sizes and count >= sizes[0]:
                held.append(tracemalloc.get_traced_memory()[0])
                sizes = sizes[1:]
    finally:
        tracemalloc.stop()
    return held


def test_trap_52_get_all_keeps_every_record_there_is(hubspot):
    hubspot.contacts(2000, jobtitle="x" * 200)
    kept_: list = []

    def get_all():
        after = "0"
        while after:
            page = hubspot.json(
                "GET", f"{hubspot.objects}/contacts?limit=100&properties=jobtitle&after={after}"
            )
            kept_.extend(page["results"])
            after = page.get("paging", {}).get("next", {}).get("after")
            yield len(page["results"])

    first, last = _grown(get_all(), [500, 2000])
    assert len(kept_) == 2000
    assert last > 3 * first


def test_trap_52_ours_holds_a_few_pages_only(hubspot, ours):
    """However many there are: what is read ahead, and no more."""
    hubspot.contacts(24_000, jobtitle="x" * 20)
    window = Window(None, hubspot.now + HOUR)
    pages = ours.adapter.read("contacts", ["id", "jobtitle"], window, None)
    held = _grown((len(page.rows) for page in pages), [6_000, 12_000, 18_000, 23_000])
    assert max(held[1:]) < 1.5 * held[0] + 2_000_000, held


def test_trap_19_ours_refuses_the_value_and_names_the_property(hubspot, ours):
    (id_,) = hubspot.contacts(1)
    (outcome,) = ours.adapter.write([Write("contacts", id_, {"leadloop_none": "5"})])
    assert outcome.result is Result.REFUSED
    assert "leadloop_none" in f"{outcome.field} {outcome.message} {outcome.hint}"
    assert hubspot.effects() == []
