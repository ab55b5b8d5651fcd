"""People over several records, late news, and turns that go on from run to run."""

from __future__ import annotations

from collections import Counter

import pytest

from connector.domain.moment import DAY, HOUR, MINUTE, SECOND
from connector.errors import LoginError
from tests.sync.world import MAPPING, ROUTING


def test_an_activity_of_an_unknown_person_waits_and_counts_when_the_person_comes(world):
    world.lead("old", title="Clerk")
    world.event("later", url="/pricing")
    world.start()
    assert world.rows("SELECT person FROM activity") == [(None,)]
    world.pass_time()
    world.lead("later")
    world.run()
    assert world.shown("later")["ll_score"] == 80


def test_records_with_an_equal_explicit_id_are_one_person(world):
    world.write(
        "mapping.yaml",
        MAPPING.replace("    opted_out: opted_out", "    ids: [country]\n    opted_out: opted_out"),
    )
    world.lead("l1", country="7")
    world.lead("l2", email="elsewhere@b.example", country="7")
    world.start()
    assert world.rows("SELECT count(*) FROM person") == [(1,)]


def test_people_of_one_desk_address_stay_apart(world):
    world.lead("l1", email="info@acme.example")
    world.lead("l2", email="info@acme.example")
    world.start()
    assert world.rows("SELECT count(*) FROM person") == [(2,)]


def test_a_late_common_address_makes_one_person_of_two_and_keeps_the_elder_cycle(world):
    world.hot("l1")
    world.start()
    world.lead("l2", email="other@b.example")
    world.run()
    world.pass_time()
    world.put("leads", "l2", email="l1@acme.example")
    world.run()
    assert world.rows("SELECT person FROM cycle WHERE current") == [("crm/lead/l1",)]
    assert world.rows("SELECT old, person FROM person_alias") == [("crm/lead/l2", "crm/lead/l1")]
    assert world.shown("l2")["ll_score"] == 80


@pytest.fixture
def before_scoring(world, monkeypatch):
    """What is to be counted anew, and of whom anything is counted, whenever scores are worked out;
    nobody is scored any more."""
    seen = []

    def look(_loop, _scorer):
        kinds = world.rows("SELECT person, type FROM recount")
        seen.append((kinds, world.rows("SELECT person FROM tally ORDER BY person")))
        return Counter(), False

    def begin():
        monkeypatch.setattr("connector.sync.run.score", look)
        return seen

    return begin


def test_of_two_who_are_one_what_came_along_is_counted_anew_and_nothing_else(world, before_scoring):
    world.hot("l1")
    world.lead("l2", email="other@b.example")
    world.event("l2", "download", ago=9 * DAY)
    world.start()
    seen = before_scoring()
    world.put("leads", "l2", email="l1@acme.example")
    world.run()
    assert seen == [([("crm/lead/l1", "download")], [("crm/lead/l1",)])]
    assert world.rows("SELECT stale FROM person") == [(True,)]


def test_a_record_that_comes_to_somebody_has_only_what_was_done_with_it_counted_anew(
    world, before_scoring
):
    world.hot("l1")
    world.start()
    seen = before_scoring()
    world.lead("l2", email="l1@acme.example")
    world.run()
    world.event("l2", "download", ago=9 * DAY)
    world.run()
    held = [("crm/lead/l1",)]
    assert seen == [([], held), ([("crm/lead/l1", "download")], held)]


def test_a_change_of_the_account_changes_its_peoples_scores(world):
    world.put("companies", "small", name="Small", employees=10, industry="x")
    world.lead("l1", company="small")
    world.start()
    assert world.shown("l1")["ll_score"] == 36
    world.pass_time()
    world.put("companies", "small", employees=900)
    world.run()
    assert world.shown("l1")["ll_score"] == 60


def test_what_a_scanner_clicked_is_kept_and_not_counted(world):
    world.write(
        "model.yaml",
        (world.folder / "model.yaml")
        .read_text()
        .replace("activity: download, points: 10}", "activity: email_click, points: 10}"),
    )
    world.lead("l1")
    world.event("l1", "email_sent", ago=2 * HOUR, message="m1")
    world.event("l1", "email_click", ago=2 * HOUR - 2 * SECOND, message="m1")
    world.start()
    assert world.shown("l1")["ll_score"] == 60
    assert world.rows("SELECT machine FROM activity WHERE type = 'email_click'")[0][0]
    world.event("l1", "email_click", ago=HOUR, message="m1")
    world.run()
    assert world.shown("l1")["ll_score"] == 80


def test_turns_go_on_from_run_to_run(world):
    world.lead("old", title="Clerk")
    world.start()
    owners = []
    for n in range(6):
        world.pass_time(HOUR)
        world.hot(f"n{n}")
        world.run()
        owners.append(world.shown(f"n{n}")["owner"])
    assert sorted(owners[:3]) == ["anna", "anna", "ben"]
    assert owners[3:] == owners[:3]


def test_when_everybody_is_full_a_lead_is_held_and_given_when_there_is_room(world):
    text = ROUTING.replace("weight: 2", "weight: 2, capacity: {open: 1}").replace(
        "weight: 1", "weight: 1, capacity: {open: 0}"
    )
    world.write("routing.yaml", text + "overflow: {hold: 14d}\n")
    for n in range(6):
        world.lead(f"old{n}", title="Clerk")
    world.start()
    world.hot("a")
    world.run()
    world.hot("b")
    world.run()
    assert world.shown("a")["owner"] == "anna"
    assert world.shown("b")["ll_state"] == "held"
    world.pass_time()
    world.put("leads", "a", status="bad", reason="x")
    world.run()
    world.run()
    assert (world.shown("b")["owner"], world.shown("b")["ll_state"]) == ("anna", "handed_off")


def test_the_theme_is_that_of_the_first_asset_and_is_written_with_the_flag(world):
    world.lead("l1", title="Clerk")
    world.event("l1", "download", asset="Guide A", ago=3 * DAY)
    world.event("l1", "download", asset="Guide B", ago=DAY)
    world.start()
    assert (world.shown("l1")["ll_nurture"], world.shown("l1")["ll_theme"]) == (True, "guide a")


def test_silence_of_sales_is_no_decision_after_five_working_days(world):
    world.lead("old", title="Clerk")
    world.start()
    world.hot("l1")
    world.run()
    world.pass_time(8 * DAY)
    world.run()
    assert world.shown("l1")["ll_state"] == "no_decision"
    world.put("leads", "l1", status="good")
    world.run()
    assert world.shown("l1")["ll_state"] == "qualified"


def test_nobody_is_handed_off_again_after_silence_without_new_behaviour(small):
    for n in range(4):
        small.lead(f"old{n}", title="Clerk")
    small.start()
    small.hot("l1")
    small.hot("l2")
    small.run()
    small.written()
    for _ in range(9):
        small.pass_time(7 * DAY)
        small.run()
    owners = [e for e in small.written() if e[1] == "owner"]
    assert owners == []
    assert (small.shown("l1")["ll_state"], small.shown("l1")["ll_cycle"]) == ("nurture", 2)
    assert small.rows("SELECT count(*) FROM move WHERE \"after\" = 'handed_off'") == [(2,)]
    small.event("l2", url="/pricing")
    small.run()
    states = dict(small.rows("SELECT person, state FROM cycle WHERE current"))
    assert states["crm/lead/l1"] == "nurture"
    assert states["crm/lead/l2"] == "handed_off"


def test_a_backfill_never_gives_an_inactive_owner_a_lead(world):
    world.write("routing.yaml", "version: 1\nfallback: {owner: dan@us.example}\n")
    world.lead("old", title="Clerk")
    world.start()
    world.hot("l1")
    world.run()
    assert world.shown("l1").get("owner") is None
    ((skipped,),) = world.rows("SELECT skipped FROM routing")
    assert "not an active owner" in skipped


def test_scores_that_only_decay_are_written_when_it_matters(world):
    world.write(
        "model.yaml",
        (world.folder / "model.yaml").read_text().replace("half_life: none", "half_life: 365d"),
    )
    world.hot("l1")
    world.start()
    before = world.shown("l1")["ll_score"]
    world.written()
    for _ in range(6):
        world.pass_time()
        world.run()
    assert [e for e in world.written() if e[1] == "ll_score"] == []
    world.pass_time(10 * DAY)
    world.run()
    assert world.shown("l1")["ll_score"] < before


def test_a_crm_that_locks_us_out_ends_the_run_and_the_next_goes_on(world):
    world.hot("l1")
    world.start()
    world.crm.locked_out = True
    with pytest.raises(LoginError):
        world.run()
    assert world.rows("SELECT status, error FROM run WHERE error IS NOT NULL") == [
        ("failed", "login")
    ]
    world.crm.locked_out = False
    world.event("l1", "download", asset="x")
    with pytest.raises(LoginError, match="not tried again before"):
        world.run()
    world.pass_time(2 * MINUTE)
    assert world.run().status == "ok"
    assert world.shown("l1")["ll_score"] == 100


def test_a_row_that_cannot_be_read_does_not_stop_the_others_and_comes_when_mended(world):
    world.hot("l1")
    world.put("companies", "odd", name="Odd", employees="many", industry="x")
    first = world.run()
    assert first.counts["pull"]["rejected"] == 1
    ((place, reason),) = world.rows("SELECT place, reason FROM quarantine")
    assert place == "company/odd"
    assert "`employees` should be a number" in reason
    world.put("companies", "odd", employees="12")
    world.run()
    assert world.rows("SELECT count(*) FROM quarantine") == [(0,)]


FROZEN = MAPPING.replace(
    "    opted_out: opted_out",
    "    ids: [twin]\n    frozen: converted\n    opted_out: opted_out",
).replace("{email: email, name", "{twin: twin, email: email, name")


@pytest.fixture
def converted(world):
    """A hot lead in the CRM's hands no more, and the record it became."""
    world.write("mapping.yaml", FROZEN)
    world.put("leads", "_", twin=None, converted=None)
    world.crm.objects["leads"].clear()
    world.hot("old", twin="7", converted=False)
    world.start()
    world.pass_time()
    return world


def test_a_frozen_record_is_written_no_more_and_its_twin_is(converted):
    converted.put("leads", "old", converted=True)
    converted.lead("new", twin="7", email="other@acme.example", converted=False)
    converted.written()
    converted.run()
    assert {ident for ident, *_ in converted.written()} == {"new"}
    assert converted.shown("new")["ll_score"] == 80


def test_what_a_frozen_record_says_still_counts(converted):
    converted.put("leads", "old", converted=True, status="good")
    converted.lead("new", twin="7", email="other@acme.example", converted=False, status=None)
    converted.run()
    assert converted.rows("SELECT state FROM cycle WHERE current") == [("qualified",)]
