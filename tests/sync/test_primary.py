"""Which of a person's records sales works on: it does not change because another was touched."""

from __future__ import annotations

import pytest

from connector.adapters.base import RemoteField
from connector.domain.moment import DAY, HOUR
from tests.sync.test_recall import lose
from tests.sync.world import MAPPING

ONE = "one@acme.example"


@pytest.fixture
def twice(small):
    return handed_off(small)


def handed_off(world):
    """One person with two leads; the first was handed off to anna, the second is carla's."""
    for n in range(8):
        world.lead(f"old{n}", title="Clerk")
    world.start()
    world.hot("l1", email=ONE)
    world.run()
    assert world.shown("l1")["owner"] == "anna"
    world.pass_time(HOUR)
    world.lead("l2", email=ONE, owner="carla")
    world.run()
    return world


def cycle(world):
    return world.rows("SELECT state, owner FROM cycle WHERE person = 'crm/lead/l1' AND current")[0]


def test_a_hand_off_stays_with_its_record_when_another_one_is_changed(twice):
    assert cycle(twice) == ("handed_off", "crm/anna")
    twice.written()
    twice.pass_time(HOUR)
    twice.put("leads", "l2", title="VP Sales")
    twice.run()
    assert cycle(twice) == ("handed_off", "crm/anna")
    assert [e for e in twice.written() if e[1] == "owner"] == []


def test_the_verdict_on_the_record_handed_off_counts_whatever_happens_to_the_other(world):
    twice = handed_off(world)
    twice.pass_time(HOUR)
    twice.put("leads", "l1", status="bad", reason="student")
    twice.pass_time(HOUR)
    twice.put("leads", "l2", title="VP Sales", status="working")
    twice.run()
    assert cycle(twice) == ("rejected", "crm/anna")
    assert twice.rows("SELECT verdict, source FROM disposition") == [("rejected", "crm/lead/l1")]


def test_who_takes_over_the_record_handed_off_has_the_pass(twice):
    twice.pass_time(HOUR)
    twice.put("leads", "l1", owner="ben")
    twice.pass_time(HOUR)
    twice.put("leads", "l2", title="VP Sales")
    twice.run()
    assert cycle(twice) == ("handed_off", "crm/ben")


def test_an_open_deal_outranks_the_hand_off(twice):
    twice.pass_time(HOUR)
    twice.put("deals", "d", lead="l2", owner="carla", amount=5.0, stage="open")
    twice.run()
    assert cycle(twice) == ("qualified", "crm/carla")


def test_whom_sales_had_before_us_stays_with_the_record_sales_had(small):
    world = small
    for n in range(8):
        world.lead(f"old{n}", title="Clerk")
    world.lead("l1", email=ONE, owner="anna", status="working")
    world.start()
    assert cycle(world) == ("accepted", "crm/anna")
    world.pass_time(HOUR)
    world.lead("l2", email=ONE, owner="carla")
    world.run()
    world.pass_time(HOUR)
    world.put("leads", "l1", status="good")
    world.pass_time(HOUR)
    world.put("leads", "l2", title="VP Sales")
    world.run()
    assert cycle(world) == ("qualified", "crm/anna")


def test_outside_of_sales_the_record_with_the_newest_activity_counts(small):
    world = small
    for n in range(8):
        world.lead(f"old{n}", title="Clerk")
    world.lead("l1", email=ONE, title="Clerk")
    world.event("l1", url="/careers", ago=2 * HOUR)
    world.lead("l2", email=ONE, title="Clerk")
    world.event("l2", url="/careers", ago=3 * HOUR)
    world.start()
    nurtured = {one: world.shown(one).get("ll_nurture") for one in ("l1", "l2")}
    assert nurtured == {"l1": True, "l2": None}
    world.pass_time(DAY)
    world.put("leads", "l2", country="fr")  # a change is no activity
    world.run()
    assert world.shown("l2").get("ll_nurture") is None
    world.pass_time(DAY)
    world.event("l2", url="/careers")
    world.run()
    assert world.shown("l2").get("ll_nurture") is True


def test_a_rebuilt_store_finds_the_record_handed_off_by_its_package(world):
    handed = "      package: {to: ll_package, owner: ours}\n      score: {to: ll_score"
    world.write("mapping.yaml", MAPPING.replace("      score: {to: ll_score", handed))
    world.crm.fields["leads"]["ll_package"] = RemoteField("ll_package", None)
    for n in range(8):
        world.lead(f"old{n}", title="Clerk")
    world.start()
    world.hot("l1", email=ONE)
    world.run()
    world.pass_time(HOUR)
    world.lead("l2", email=ONE, owner="carla")
    world.run()
    world.pass_time(HOUR)
    world.event("l2", url="/careers")
    world.run()
    lose(world)
    world.pass_time(HOUR)
    world.start()
    assert cycle(world) == ("handed_off", "crm/anna")
    world.put("leads", "l1", status="good")
    world.run()
    assert cycle(world) == ("qualified", "crm/anna")
