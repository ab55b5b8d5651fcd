"""Routing inside the loop: what rules may ask, and who is there to take a lead."""

from __future__ import annotations

from connector.adapters.base import RemoteField
from connector.domain.moment import DAY, MINUTE, format_iso
from tests.sync.world import MAPPING, MODEL, ROUTING


def test_a_rule_may_ask_for_the_score(world):
    rule = (
        "rules: [{name: Best, when: {score: {range: [80, null]}}, to: {owner: carla@us.example}}, "
    )
    world.write("routing.yaml", ROUTING.replace("rules: [", rule))
    world.lead("seed")
    world.start()
    world.hot("l1")
    world.run()
    assert world.shown("l1")["owner"] == "carla"


def test_the_band_a_score_lies_in_says_what_to_do_and_stands_in_the_crm(world):
    actions = "actions: [{from: 80, action: call_today}, {from: 30, action: invite}, "
    world.write("model.yaml", MODEL + actions + "{from: 0, action: leave}]\n")
    world.write(
        "mapping.yaml",
        MAPPING.replace(
            "      grade: {to", "      action: {to: ll_action, owner: ours}\n      grade: {to"
        ),
    )
    world.crm.fields["leads"]["ll_action"] = RemoteField("ll_action", None)
    world.lead("l1", title="Clerk")
    world.start()
    assert (world.shown("l1")["ll_score"], world.shown("l1")["ll_action"]) == (24, "leave")
    world.pass_time()
    world.event("l1", url="/pricing")
    world.event("l1", "download", asset="guide")
    world.run()
    assert (world.shown("l1")["ll_score"], world.shown("l1")["ll_action"]) == (64, "invite")


def test_somebody_whom_the_crm_shows_as_away_gets_no_lead_until_he_is_back(world):
    world.write(
        "mapping.yaml",
        MAPPING.replace("type: type}", "type: type, away_until: {from: back, as: moment}}", 1),
    )
    pool = "pools:\n  team:\n    members: [{owner: anna@us.example}]\n"
    world.write(
        "routing.yaml",
        f"version: 1\n{pool}fallback: {{pool: team}}\noverflow: {{hold: 14d}}\n",
    )
    world.put("users", "ben", back=None)
    world.put("users", "anna", back=format_iso(world.now + 3 * DAY))
    world.lead("seed")
    world.start()
    world.hot("l1")
    world.run()
    assert world.shown("l1").get("owner") is None
    assert world.rows("SELECT state, why FROM cycle WHERE person = 'crm/lead/l1'") == [
        ("held", "capacity")
    ]
    world.pass_time(4 * DAY)
    world.run()
    assert world.shown("l1")["owner"] == "anna"


def test_a_lead_that_lies_in_a_queue_is_nobodys_and_is_given_to_somebody(world):
    world.put("users", "inbound", name="Inbound", email=None, active=True, type="queue")
    world.lead("seed")
    world.start()
    world.hot("l1", owner="inbound")
    world.run()
    assert world.shown("l1")["owner"] == "anna"
    assert world.rows("SELECT state FROM cycle WHERE person = 'crm/lead/l1'") == [("handed_off",)]


def test_a_lead_that_somebody_puts_back_into_a_queue_stays_there(world):
    world.put("users", "inbound", name="Inbound", email=None, active=True, type="queue")
    world.lead("seed")
    world.start()
    world.hot("l1", owner="inbound")
    world.run()
    world.pass_time()
    world.put("leads", "l1", owner="inbound")
    world.run()
    assert world.shown("l1")["owner"] == "inbound"


PRODUCTS = """
version: 1
products:
  audit: {assets: [audit-list], forms: [audit-demo]}
  pay: {pages: [/pricing, /pay], campaigns: [Pay 2026]}
pools: {team: {members: [{owner: anna@us.example}]}}
rules:
  - {name: Audit, when: {product: audit}, to: {owner: carla@us.example}}
  - {name: Pay, when: {product: pay, model: test}, to: {owner: ben@us.example}}
fallback: {pool: team}
"""


def test_rules_ask_for_the_product_that_somebody_asked_for_and_looked_at_most(world):
    world.write("routing.yaml", PRODUCTS)
    world.lead("seed", title="Clerk")
    world.start()
    world.hot("l1")  # one page of `pay`
    world.hot("l2")
    world.event("l2", "download", asset="Audit-List", ago=MINUTE)  # as many of each, but newer
    world.hot("l3")
    world.event("l3", "download", asset="audit-list", ago=100 * DAY)  # too long ago to count
    world.hot("l4")
    world.event("l4", "email_sent", asset="audit-list")  # received is not asked for
    world.event("l4", "email_sent", asset="audit-list")
    world.lead("l5")
    world.event("l5", url="https://www.us.example/payroll?x=/pay")  # another page than /pay
    world.event("l5", "form_submit", form="demo")
    world.run()
    owners = {f"l{n}": world.shown(f"l{n}")["owner"] for n in range(1, 6)}
    assert owners == {"l1": "ben", "l2": "carla", "l3": "ben", "l4": "ben", "l5": "anna"}


def test_what_the_crm_says_of_the_product_counts_before_what_was_looked_at(world):
    world.write("routing.yaml", PRODUCTS)
    world.write(
        "mapping.yaml", MAPPING.replace("country: country}", "country: country, product: product}")
    )
    world.crm.fields["leads"]["product"] = RemoteField("product", None)
    world.lead("seed", title="Clerk", product=None)
    world.start()
    world.hot("l1", product="Audit")
    world.run()
    assert world.shown("l1")["owner"] == "carla"
