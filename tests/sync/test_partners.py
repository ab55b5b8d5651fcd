"""Partners, named accounts and territories inside the loop; who owns a record after a no."""

from __future__ import annotations

import csv
from io import StringIO

import pytest

from connector.decisions.routing_document import Routing
from connector.documents import parse
from connector.domain.moment import DAY
from connector.store.database import open_store
from connector.sync.opening import model_file
from connector.sync.studies.explanation import explanation
from connector.sync.studies.fairness import fairness, rehearse
from connector.sync.upkeep.forget import forget_everywhere
from tests.sync.world import MAPPING, ROUTING

PARTNERS = """
version: 1
pools:
  partners:
    members:
      - owner: pat@one.example
        partner: {name: One, answer_within: 2d, deliver: {csv: drop}}
      - owner: pia@two.example
        partner: {name: Two, answer_within: 2d, deliver: {csv: drop}}
rules: [{name: Italy, when: {country: it}, to: {pool: partners}}]
fallback: {owner: anna@us.example}
"""


@pytest.fixture
def company(small):
    small.write("routing.yaml", PARTNERS)
    for name, mail in (("pat", "pat@one.example"), ("pia", "pia@two.example")):
        small.put("users", name, name=name, email=mail, active=True, type="user")
    small.lead("seed", title="Clerk")
    small.start()
    small.hot("l1", name="Ada", country="it")
    small.run()
    return small


def drop(world, name):
    return list(
        csv.DictReader(StringIO((world.folder / "drop" / f"offers-{name}.csv").read_text()))
    )


def reply(world, code, word):
    world.write("drop/answers.csv", f"code,answer\n{code},{word}\n")


def test_a_partner_is_asked_first_and_sees_no_name(company):
    (row,) = drop(company, "one")
    assert (row["state"], row["company"], row["score"], row["country"]) == (
        "offered",
        "big",
        "80",
        "it",
    )
    assert (row["name"], row["email"]) == ("", "")
    assert "Ada" not in (company.folder / "drop" / "offers-one.csv").read_text()
    assert company.shown("l1").get("owner") is None
    assert company.rows("SELECT state, why FROM cycle WHERE person = 'crm/lead/l1'") == [
        ("held", "offered to One")
    ]


def test_a_partner_who_accepts_gets_the_lead_and_sees_it_whole(company):
    reply(company, drop(company, "one")[0]["code"], "accept")
    company.run()
    assert company.shown("l1")["owner"] == "pat"
    assert company.shown("l1")["ll_state"] == "handed_off"
    (row,) = drop(company, "one")
    assert (row["state"], row["name"], row["email"]) == ("accepted", "Ada", "l1@acme.example")
    company.written()
    company.run()
    assert company.written() == []


def test_a_partner_who_declines_is_followed_by_the_next_and_then_by_the_fallback(company):
    reply(company, drop(company, "one")[0]["code"], "decline")
    company.run()
    assert drop(company, "two")[0]["state"] == "offered"
    company.pass_time(3 * DAY)  # the second never answers
    company.run()
    assert company.shown("l1")["owner"] == "anna"
    assert company.rows("SELECT partner, state FROM offer ORDER BY partner") == [
        ("crm/pat", "declined"),
        ("crm/pia", "timed_out"),
    ]


def test_who_is_forgotten_leaves_what_lies_ready_for_partners(company):
    for name in ("l2", "l4"):
        company.hot(name, name="Bea", country="it")
    company.run()
    asked = {row["code"]: row["score"] for row in drop(company, "one")}
    assert len(asked) == 2
    store = open_store(company.loaded.store_url())
    (code,) = (c for (c,) in company.rows("SELECT code FROM offer WHERE person LIKE '%/l1'"))
    reply(company, code, "accept")
    company.run()
    assert "Ada" in {row["name"] for row in drop(company, "one")}
    for _ in range(2):  # told again, it finds nobody and harms nobody
        routing = parse(PARTNERS, Routing, name="r")
        forget_everywhere(
            company.loaded, routing, store, "l1@acme.example", company.now, allow_return=False
        )
    store.close()
    assert {row["code"] for row in drop(company, "one")} == asked.keys() - {code}
    assert code not in str(company.rows("SELECT * FROM offer"))
    company.hot("l3", country="it")
    company.hot("l5", country="it")
    company.run()
    assert [row["state"] for row in drop(company, "one")] == ["offered", "offered"]
    assert company.rows("SELECT count(*) FROM offer WHERE state = 'accepted'") == [(1,)]


def test_a_lead_that_was_only_offered_is_nobodys_share(company):
    store = open_store(company.loaded.store_url())
    rows = fairness(store, parse(PARTNERS, Routing, name="r"), "crm", company.now, 30)
    store.close()
    assert sum(row["leads"] for row in rows) == 0


def test_an_answer_that_comes_too_late_changes_nothing(company):
    code = drop(company, "one")[0]["code"]
    company.pass_time(3 * DAY)
    company.run()
    reply(company, code, "accept")
    company.run()
    assert company.shown("l1").get("owner") is None
    assert drop(company, "two")[0]["state"] == "offered"


def test_a_recycled_record_goes_where_the_rules_say_and_one_that_a_person_moved_stays(small):
    small.put("users", "inbound", name="Inbound", email=None, active=True, type="queue")
    small.write("routing.yaml", ROUTING + "on_recycle: {queue: Inbound}\n")
    small.lead("seed", title="Clerk")
    small.start()
    small.hot("l1")
    small.hot("l2")
    small.run()
    small.pass_time()
    small.put("leads", "l2", owner="carla")
    small.run()
    for one in ("l1", "l2"):
        small.put("leads", one, status="later", reason="no budget")
    small.run()
    assert (small.shown("l1")["owner"], small.shown("l2")["owner"]) == ("inbound", "carla")
    small.written()
    small.run()
    assert small.written() == []


def test_named_accounts_territories_and_lists_route(small):
    small.write(
        "routing.yaml",
        ROUTING.replace("precedence: [", "precedence: [named_account, ").replace(
            "rules: [",
            "rules: [{name: Alps, when: {territory: alps}, to: {owner: ben@us.example}}, ",
        )
        + "named_accounts: [{owner: carla@us.example, accounts: [key.example]}]\n"
        + "territories: {alps: {country: {in_list: alpine}}}\n"
        + "lists: {alpine: [ch, at]}\n",
    )
    small.lead("seed", title="Clerk")
    small.start()
    small.hot("l1", email="x@key.example")
    small.hot("l2", country="ch")
    small.run()
    assert (small.shown("l1")["owner"], small.shown("l2")["owner"]) == ("carla", "ben")


def test_a_lead_without_an_account_follows_the_account_its_domain_belongs_to(small):
    mapping = MAPPING.replace(
        "industry: industry}", "industry: industry, domain: domain}\n    owner: owner", 1
    )
    small.write("mapping.yaml", mapping)
    small.put("companies", "big", domain=None, owner=None)
    small.put("companies", "key", name="Key", domain="https://www.key.example", owner="carla")
    small.lead("seed", title="Clerk")
    small.start()
    small.hot("l1", email="x@key.example", company=None)
    small.event("l1", "form_submit", form="demo")
    small.run()
    assert small.shown("l1")["owner"] == "carla"
    store = open_store(small.loaded.store_url())
    told = explanation(store, "crm/lead/l1")
    store.close()
    assert told["account_matches"] == [
        {"account": "key", "name": "Key", "confidence": 0.95, "why": "domain", "counts": True}
    ]


def test_a_rehearsal_and_the_fairness_report_count_every_lead(small):
    small.lead("seed", title="Clerk")
    small.start()
    for n in range(6):
        small.hot(f"l{n}", country="fr" if n == 0 else "de")
    small.run()
    store = open_store(small.loaded.store_url())
    old = parse(ROUTING, Routing, name="r")
    new = parse(ROUTING.replace("country: fr", "country: de"), Routing, name="r")
    rows = fairness(store, old, "crm", small.now, 30)
    told = rehearse(store, old, new, model_file(small.loaded), "crm", small.now)
    store.close()
    team = {r["owner"]: (r["leads"], r["due"]) for r in rows if r["pool"] == "team"}
    assert team == {"crm/anna": (3, 0.667), "crm/ben": (2, 0.333)}
    carla = next(r for r in told["owners"] if r["owner"] == "crm/carla")
    assert (carla["old"], carla["new"]) == (1, 5)
    assert sum(r["new"] for r in told["owners"]) == told["people"] == 6
