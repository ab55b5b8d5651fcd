"""Traps of the portal itself: what its admins set up, what installing finds, what hooks are worth."""

from __future__ import annotations

import tracemalloc

import orjson
import pytest

from connector.adapters.base import FieldStep, Window
from connector.adapters.hubspot.hooks import HubSpotHooks
from connector.domain.change import Result, Write
from connector.domain.moment import HOUR, MINUTE
from connector.domain.outward import FieldType
from connector.errors import LoginError
from connector.practice.hubspot.webhooks import signature

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
    before = {n: p.options for n, p in known.known.items()}
    work.hot("eve")
    work.go()
    after = {n: p.options for n, p in known.known.items()}
    assert all(set(before[name]) <= set(after[name]) for name in before)


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
    late = at * 1000 + 6 * MINUTE
    for given, address, now in (
        (anew, url, at * 1000),
        (body, "http://10.0.0.7:8080/h", at * 1000),
        (body, url, late),
    ):
        with pytest.raises(LoginError):
            hooks.verify(said, given, address, now)


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


def test_trap_52_get_all_keeps_every_record_there_is(hubspot):
    hubspot.contacts(2000, jobtitle="x" * 200)
    kept_, after = [], "0"
    while after:
        page = hubspot.json("GET", f"{hubspot.objects}/contacts?limit=100&after={after}")
        kept_ += page["results"]
        after = page.get("paging", {}).get("next", {}).get("after")
    assert len(kept_) == 2000


def test_trap_52_ours_holds_a_few_pages_only(hubspot, ours):
    hubspot.contacts(8000)
    window = Window(None, hubspot.now + HOUR)
    peaks, count = [], 0
    pages = ours.adapter.read("contacts", ["id", "email", "jobtitle"], window, None)
    next(iter(pages))
    tracemalloc.start()
    try:
        for page in pages:
            count += len(page.rows)
            peaks.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert count >= 7000
    half = len(peaks) // 2
    assert max(peaks[half:]) < 2 * max(peaks[:half]) + 2_000_000


def test_trap_19_ours_refuses_the_value_and_names_the_property(hubspot, ours):
    (id_,) = hubspot.contacts(1)
    (outcome,) = ours.adapter.write([Write("contacts", id_, {"leadloop_none": "5"})])
    assert outcome.result is Result.REFUSED
    assert "leadloop_none" in f"{outcome.field} {outcome.message} {outcome.hint}"
    assert hubspot.effects() == []
