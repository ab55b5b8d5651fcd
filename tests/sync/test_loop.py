"""The loop as a whole: what people in the CRM see after a run."""

from __future__ import annotations

import pytest

from connector.domain.moment import DAY
from connector.errors import ApprovalError
from tests.sync.world import World

TABLES = [
    "record",
    "activity",
    "person",
    "score",
    "cycle",
    "move",
    "disposition",
    "outbox",
    "journal",
    "routing",
]


@pytest.fixture
def whole(tmp_path, store_url):
    """The world with nothing left out: scored by the process that scores at work."""
    return World(tmp_path, store_url)


def sizes(world):
    return {table: world.rows(f"SELECT count(*) FROM {table}")[0][0] for table in TABLES}


def cycles(world):
    return world.rows("SELECT state, why, owner FROM cycle WHERE current ORDER BY person")


def test_the_first_run_writes_nothing_before_somebody_approves(world):
    world.hot("l1")
    world.written()
    assert world.run().status == "needs_approval"
    assert world.written() == []


def test_an_approved_plan_writes_score_reasons_and_state(whole):
    whole.hot("l1")
    whole.start()
    shown = whole.shown("l1")
    assert (shown["ll_score"], shown["ll_grade"], shown["ll_state"]) == (80, "A2", "held")
    assert shown["ll_reasons"].splitlines() == ["+36 Boss", "+24 Big", "+20 Pricing"]


def test_a_second_run_writes_nothing_and_adds_only_its_own_line(whole):
    whole.hot("l1")
    whole.lead("l2", title="Student")
    whole.start()
    before = sizes(whole)
    assert whole.run().status == "ok"
    assert whole.written() == []
    assert sizes(whole) == before


def test_somebody_new_above_the_threshold_is_given_to_an_owner(whole):
    whole.lead("old", title="Clerk")
    whole.start()
    whole.pass_time(DAY)
    whole.hot("l1")
    whole.run()
    shown = whole.shown("l1")
    assert (shown["owner"], shown["ll_state"], shown["ll_score"]) == ("anna", "handed_off", 80)
    assert ("handed_off", "threshold", "crm/anna") in cycles(whole)
    assert whole.rows("SELECT rule, owner FROM routing") == [("fallback", "crm/anna")]


def test_a_run_after_a_hand_off_writes_nothing(world):
    world.lead("old", title="Clerk")
    world.start()
    world.hot("l1")
    world.run()
    world.written()
    before = sizes(world)
    world.run()
    assert world.written() == []
    assert sizes(world) == before


def test_free_people_above_the_threshold_on_day_one_wait_as_backlog(world):
    world.hot("l1")
    world.start()
    assert cycles(world) == [("held", "backlog", None)]


def test_people_in_sales_hands_on_day_one_start_there_without_an_sla(world):
    world.hot("l1", owner="ben")
    world.hot("l2", owner="ben", status="good")
    world.start()
    assert cycles(world) == [
        ("handed_off", "found in sales' hands", "crm/ben"),
        ("qualified", "found in sales' hands", "crm/ben"),
    ]
    assert world.rows("SELECT DISTINCT sla_due_at FROM cycle") == [(None,)]
    assert world.shown("l1")["owner"] == "ben"


def test_a_persons_change_of_the_owner_survives(world):
    world.lead("old", title="Clerk")
    world.start()
    world.hot("l1")
    world.run()
    world.pass_time()
    world.put("leads", "l1", owner="ben")
    world.written()
    for _ in range(3):
        world.pass_time()
        world.run()
    assert world.shown("l1")["owner"] == "ben"
    assert [e for e in world.written() if e[1] == "owner"] == []
    assert ("handed_off", "threshold", "crm/ben") in cycles(world)


def test_a_score_somebody_overwrote_is_put_right(whole):
    whole.hot("l1")
    whole.start()
    whole.pass_time()
    whole.put("leads", "l1", ll_score=3)
    whole.written()
    whole.run()
    assert ("l1", "ll_score", 3, 80) in whole.written()


def test_a_nurture_flag_somebody_took_off_stays_off_for_thirty_days(world):
    world.lead("l1", title="Clerk")
    world.start()
    assert world.shown("l1")["ll_nurture"] is True
    world.pass_time()
    world.put("leads", "l1", ll_nurture=False, title="Senior Clerk")
    world.run()
    world.pass_time(20 * DAY)
    world.put("leads", "l1", title="Clerk")
    world.run()
    assert world.shown("l1")["ll_nurture"] is False
    world.pass_time(20 * DAY)
    world.run()
    assert world.shown("l1")["ll_nurture"] is True


def test_a_rejection_with_its_reason_is_collected_and_mirrored(world):
    world.lead("old", title="Clerk")
    world.start()
    world.hot("l1")
    world.run()
    world.pass_time()
    world.put("leads", "l1", status="bad", reason="no_budget")
    world.run()
    assert world.rows("SELECT verdict, reason, by FROM disposition") == [
        ("rejected", "no_budget", "crm/anna")
    ]
    assert world.shown("l1")["ll_state"] == "rejected"
    assert world.shown("l1")["ll_verdict"] == "rejected: no_budget"


def test_a_won_deal_makes_its_person_won(world):
    world.lead("old", title="Clerk")
    world.start()
    world.hot("l1")
    world.run()
    world.pass_time()
    world.put("deals", "d1", lead="l1", owner="anna", amount=100.0, stage="open")
    world.run()
    assert world.shown("l1")["ll_state"] == "qualified"
    world.pass_time()
    world.put("deals", "d1", stage="won", closed_at="2026-03-04T10:00:00Z")
    world.run()
    assert world.shown("l1")["ll_state"] == "won"


def test_a_recycled_person_comes_back_with_new_behaviour_to_the_same_owner(whole):
    whole.lead("old", title="Clerk")
    whole.start()
    whole.hot("l1")
    whole.run()
    whole.pass_time()
    whole.put("leads", "l1", status="later", reason="timing")
    whole.run()
    assert whole.shown("l1")["ll_state"] == "recycled"
    assert whole.shown("l1")["ll_nurture"] is True
    whole.pass_time(10 * DAY)
    whole.put("leads", "l1", status="new", owner=None)
    whole.event("l1", url="/pricing")
    whole.run()
    shown = whole.shown("l1")
    assert (shown["ll_cycle"], shown["ll_state"], shown["owner"]) == (2, "handed_off", "anna")
    assert ("last owner", "crm/anna") in whole.rows("SELECT rule, owner FROM routing")


def test_a_competitor_is_out_with_the_reason_and_not_with_a_low_number(whole):
    whole.hot("l1", email="x@rival.example")
    whole.start()
    shown = whole.shown("l1")
    assert (shown["ll_state"], shown["ll_score"]) == ("disqualified", 80)
    assert shown["ll_reasons"].startswith("Out: competitor")


def test_own_staff_are_neither_scored_nor_written(world):
    world.hot("l1", email="x@us.example")
    world.start()
    assert world.shown("l1").get("ll_score") is None
    assert world.rows("SELECT excluded FROM person") == [("own_staff",)]


def test_somebody_who_objected_is_scored_but_not_nurtured(world):
    world.lead("l1", title="Clerk", opted_out=True)
    world.start()
    shown = world.shown("l1")
    assert shown["ll_score"] == 24
    assert shown.get("ll_nurture") in {None, False}


def test_two_records_of_one_address_are_one_person_and_both_get_the_score(world):
    world.hot("l1", email="Same@acme.example")
    world.lead("l2", email="same@ACME.example ", title=None, company=None)
    world.start()
    assert world.rows("SELECT count(*) FROM person") == [(1,)]
    assert (world.shown("l1")["ll_score"], world.shown("l2")["ll_score"]) == (80, 80)


def test_a_hand_raise_goes_to_sales_whatever_the_score(whole):
    whole.lead("old", title="Clerk")
    whole.start()
    whole.lead("l1", title="Clerk", company=None)
    whole.event("l1", "form_submit", form="demo")
    whole.run()
    shown = whole.shown("l1")
    assert (shown["ll_state"], shown["owner"]) == ("handed_off", "anna")
    assert shown["ll_reasons"].startswith("Fast track: Asked")


def test_the_stage_says_what_may_be_written(world):
    world.stage("observe")
    world.lead("old", title="Clerk")
    world.start()
    world.hot("l1")
    world.run()
    assert all(not e[1].startswith("ll_") for e in world.written())
    world.stage("score")
    result = world.plan()
    world.apply(result.plan.id)
    shown = world.shown("l1")
    assert (shown["ll_score"], shown.get("owner"), shown.get("ll_nurture")) == (80, None, None)


def test_a_refused_record_is_a_dead_letter_and_the_others_are_written(world):
    world.hot("l1")
    world.hot("l2")
    world.crm.refuse = lambda w: "Industry is required" if w.id == "l1" else None
    first = world.run()
    applied = world.apply(first.plan.id)
    assert applied.status == "partial"
    assert world.shown("l2")["ll_score"] == 80
    assert world.rows("SELECT record, code, message FROM outbox WHERE state = 'dead'") == [
        ("l1", "rule", "Industry is required")
    ]
    again = world.run()
    assert again.status == "ok"
    assert world.shown("l1").get("ll_score") is None


def test_a_refused_record_is_tried_again_when_what_we_want_to_say_changes(world):
    world.hot("l1")
    world.crm.refuse = lambda _write: "no"
    first = world.run()
    world.apply(first.plan.id)
    world.crm.refuse = lambda _write: None
    world.event("l1", "download", asset="guide")
    world.run()
    assert world.shown("l1")["ll_score"] == 100


def test_an_answer_that_never_came_is_settled_by_reading_back(world):
    world.hot("l1")
    first = world.run()
    world.crm.lose_answers = 1
    world.written()
    world.apply(first.plan.id)
    assert world.shown("l1")["ll_score"] == 80
    assert world.rows("SELECT DISTINCT state FROM outbox") == [("applied",)]
    scores = [e for e in world.written() if e[1] == "ll_score"]
    assert scores == [("l1", "ll_score", None, 80)]


def test_a_plan_that_more_than_one_in_twenty_records_moved_under_is_refused_whole(world):
    for n in range(4):
        world.hot(f"l{n}")
    first = world.run()
    for n in range(2):
        world.put("leads", f"l{n}", ll_score=5)
    with pytest.raises(ApprovalError, match="2 of its"):
        world.apply(first.plan.id)
    assert world.shown("l3").get("ll_score") is None


def test_a_plan_made_with_another_model_is_stale(world):
    world.hot("l1")
    first = world.run()
    world.write("model.yaml", (world.folder / "model.yaml").read_text().replace("12}", "13}"))
    with pytest.raises(ApprovalError, match="stale"):
        world.apply(first.plan.id)


def test_a_model_nobody_approved_is_not_used(whole):
    whole.hot("l1")
    whole.start()
    text = (whole.folder / "model.yaml").read_text()
    whole.write("model.yaml", text.replace("points: 12}", "points: 2}"))
    whole.pass_time(2 * DAY)
    whole.run()
    assert whole.shown("l1")["ll_score"] == 80
    assert whole.warnings == [
        "the model file is not approved yet; going on with the last approved one"
    ]
    plan = whole.plan().plan
    whole.apply(plan.id)
    assert whole.shown("l1")["ll_score"] == 50


def test_what_exceeds_a_limit_waits_and_the_rest_is_written(world):
    for n in range(4):
        world.lead(f"l{n}", title="Clerk")
    world.start()
    for n in range(4):
        world.event(f"l{n}", url="/pricing")
    result = world.run()
    assert result.status == "needs_approval"
    assert result.plan.held == ["score: 4 of 4 records (limit 50%)"]
    assert {world.shown(f"l{n}")["ll_score"] for n in range(4)} == {24}
    world.apply(result.plan.id)
    assert {world.shown(f"l{n}")["ll_score"] for n in range(4)} == {44}


def test_undoing_a_run_puts_back_what_nobody_changed_since(world):
    world.hot("l1")
    world.hot("l2")
    first = world.run()
    done = world.apply(first.plan.id)
    world.put("leads", "l2", ll_score=11)
    with world.open("runs undo", candidate=True) as loop:
        from connector.sync.writing.undo import undo

        plan = undo(loop, done.run)
    world.apply(plan.id)
    assert world.shown("l1")["ll_score"] is None
    assert world.shown("l2")["ll_score"] == 11


def test_a_merged_record_moves_its_activity_to_the_winner(world):
    world.lead("l1", title="Clerk")
    world.hot("l2", email="other@acme.example")
    world.start()
    world.pass_time()
    world.crm.delete("leads", "l2", merged_into="l1")
    world.run()
    assert world.rows("SELECT count(*) FROM person") == [(1,)]
    assert world.shown("l1")["ll_score"] == 44


def test_a_deleted_record_is_written_no_more(world):
    world.hot("l1")
    world.hot("l2")
    world.run()
    world.crm.delete("leads", "l1")
    world.run()
    world.apply(world.plan().plan.id)
    assert world.shown("l2")["ll_score"] == 80
    assert world.rows("SELECT DISTINCT record FROM journal") == [("l2",)]


def test_another_organisation_is_refused(world):
    from connector.errors import UsageError

    world.hot("l1")
    world.start()
    store_was = world.rows("SELECT organisation FROM connection")
    assert store_was == [("memory",)]
    from connector.store.database import open_store

    store = open_store(world.loaded.store_url())
    with store.write() as tx:
        tx.exec_driver_sql("UPDATE connection SET organisation = 'elsewhere'")
    store.close()
    with pytest.raises(
        UsageError, match="reaches memory, but this store was filled from elsewhere"
    ):
        world.run()
