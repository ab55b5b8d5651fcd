"""What fields held before: told by Salesforce where an org tracks them, seen by runs where not."""

from __future__ import annotations

import json

import pytest

from connector.domain.moment import HOUR, MINUTE
from connector.store.database import open_store
from connector.store.incoming.field_history import edits_of
from connector.sync.studies.then import facts_then
from connector.sync.upkeep.health import examine

FIELDS = ("seniority", "country")


@pytest.fixture
def work(opened):
    work = opened("salesforce")
    return with_ada(work)


def with_ada(work):
    """Ada is in sales' hands; whoever was there at the first run would wait."""
    work.go()
    work.hot("ada", Country="Kenya")
    work.go()
    return work


def kept(work, field="status"):
    """The kept edits of ada's lead, oldest first."""
    store = open_store(work.loaded.store_url())
    try:
        with store.read() as tx:
            key = ("crm", "lead", work.ids["ada"])
            return [one for one in edits_of(tx, [key]).get(key, ()) if one.field == field]
    finally:
        store.close()


def said(work):
    rows = work.rows("SELECT verdict, at, by FROM disposition ORDER BY at")
    return [(verdict, at, by) for verdict, at, by in rows]


def look_back(work, at, fields=FIELDS):
    """What rules would have read of ada at a moment, and which fields nobody kept."""
    ((who,),) = work.rows("SELECT id FROM person")
    ((today,),) = work.rows("SELECT facts FROM person")
    store = open_store(work.loaded.store_url())
    try:
        with store.read() as tx:
            then = facts_then(tx, [(who, at)], fields, {"crm": 0})
    finally:
        store.close()
    facts = then.facts.get(0, json.loads(today))
    return {name: facts.get(name) for name in fields}, sorted(then.undated)


def three_words(work):
    """Sales accepts, rejects and recycles within one pause of ours; gives when."""
    moments = []
    who = {"Working - Contacted": "anna", "Closed - Not Converted": "ben", "Recycled": "anna"}
    for status, name in who.items():
        work.pass_time(HOUR)
        moments.append(work.now)
        edit = {"id": work.ids["ada"], "set": {"Status": status}, "user": work.owners[name]}
        work.crm.steer("edit", edit)
    work.pass_time(HOUR)
    work.go()
    return moments


def test_every_word_between_two_runs_is_logged_with_its_moment_and_author(work):
    first, second, third = three_words(work)
    anna, ben = (f"crm/{work.owners[one]}" for one in ("anna", "ben"))
    assert said(work) == [
        ("accepted", first, anna),
        ("rejected", second, ben),
        ("recycled", third, anna),
    ]
    assert work.rows("SELECT state FROM cycle WHERE current") == [("recycled",)]
    work.go()
    assert len(said(work)) == 3


def test_a_word_that_was_taken_back_between_two_runs_is_logged_and_moves_nothing(work):
    work.pass_time(HOUR)
    at = work.now
    work.says("ada", "rejected")
    work.pass_time(HOUR)
    work.says("ada", None)
    work.go()
    assert [(verdict, when) for verdict, when, _ in said(work)] == [("rejected", at)]
    assert work.rows("SELECT state FROM cycle WHERE current") == [("handed_off",)]


def test_the_value_before_and_the_owners_ids_are_kept_as_salesforce_tells_them(work):
    mine = work.rows("SELECT owner FROM cycle WHERE current")[0][0].partition("/")[2]
    other = next(who for who, id_ in work.owners.items() if id_ != mine)
    work.pass_time(HOUR)
    work.gives("ada", other)
    work.go()
    given = [(e.before, e.after, e.by, e.told) for e in kept(work, "owner") if e.told]
    assert given[-1] == (mine, work.owners[other], work.owners["anna"], True)


def test_where_nobody_tracks_the_last_word_counts_and_differences_between_runs_are_kept(opened):
    work = opened("salesforce")
    work.crm.steer("features", {"lead_history": False, "opportunity_history": False})
    with_ada(work)
    *_, third = three_words(work)
    assert [(verdict, at) for verdict, at, _ in said(work)] == [("recycled", third)]
    assert [(e.before, e.after, e.told) for e in kept(work)] == [(None, "recycled", False)]
    assert work.warnings == []


def test_a_user_who_may_not_see_all_of_an_edit_is_told_none(work):
    work.crm.steer("field", {"object": "LeadHistory", "field": "NewValue", "set": None})
    *_, third = three_words(work)
    assert [(verdict, at) for verdict, at, _ in said(work)] == [("recycled", third)]
    assert all(not one.told for one in kept(work)), "half of an edit is none"
    found = [one for one in examine(work.loaded, lambda: work.now) if one.what == "crm history"]
    assert "shows no LeadHistory, or not all of it" in found[0].said


def test_rules_read_a_tracked_field_as_it_was_then_and_know_where_they_cannot(work):
    work.pass_time(HOUR)
    work.edit("ada", Title="Clerk")
    before = work.now - MINUTE
    work.pass_time(HOUR)
    work.edit("ada", Country="France")
    work.pass_time(HOUR)
    work.go()
    values, unknown = look_back(work, before)
    assert values == {"seniority": "vp", "country": "kenya"}
    assert unknown == [], "the first run looked before that moment, so differences are known"
    values, unknown = look_back(work, work.now)
    assert values == {"seniority": None, "country": "france"}
    _, unknown = look_back(work, work.now - 30 * 24 * HOUR)
    assert unknown == ["country", "seniority"]


def test_differences_between_runs_tell_the_value_of_then_where_nobody_tracks(opened):
    work = opened("salesforce")
    work.crm.steer("features", {"lead_history": False, "opportunity_history": False})
    with_ada(work)
    work.pass_time(HOUR)
    before = work.now
    work.pass_time(HOUR)
    work.edit("ada", Title="Clerk")
    work.go()
    assert look_back(work, before)[0]["seniority"] == "vp"
    assert look_back(work, work.now)[0]["seniority"] is None
    _, unknown = look_back(work, before, ("seniority", "email_domain"))
    assert unknown == ["email_domain"], "no history of the address is asked for"


def test_a_won_deal_has_the_moment_of_its_stage_and_who_moved_it(opened):
    work = opened("salesforce")
    work.crm.steer("features", {"opportunity_history": True})
    with_ada(work)
    done = work.crm.steer("convert", {"leadId": work.ids["ada"], "opportunityName": "Deal"})
    work.go()
    work.pass_time(HOUR)
    at = work.now
    won = {"StageName": "Closed Won", "CloseDate": "2026-03-01"}
    edit = {"id": done["opportunityId"], "set": won, "user": work.owners["ben"]}
    work.crm.steer("edit", edit)
    work.pass_time(HOUR)
    work.go()
    mine = [(when, by) for verdict, when, by in said(work) if verdict == "won"]
    assert mine == [(at, f"crm/{work.owners['ben']}")]


def test_doctor_says_which_history_the_org_does_not_tell(work):
    def told():
        found = examine(work.loaded, lambda: work.now)
        return [(one.state, one.said, one.fix) for one in found if one.what == "crm history"]

    ((state, said_, fix),) = told()
    assert (state, "OpportunityFieldHistory" in said_) == ("look", True)
    assert (
        fix
        == "Have the CRM track these fields of Opportunity, or let our user read OpportunityFieldHistory"
    )
    work.crm.steer("features", {"opportunity_history": True})
    assert told() == []


def test_a_second_run_over_the_same_history_adds_nothing(work):
    three_words(work)
    before = work.rows("SELECT * FROM field_history ORDER BY id, field")
    work.go()
    assert work.rows("SELECT * FROM field_history ORDER BY id, field") == before
