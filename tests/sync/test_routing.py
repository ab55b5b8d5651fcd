"""Routing inside the loop: what rules may ask, and who is there to take a lead."""

from __future__ import annotations

from connector.adapters.base import RemoteField
from connector.domain.moment import DAY, format_iso
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
