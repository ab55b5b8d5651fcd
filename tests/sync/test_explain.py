"""Explain: every question about one person has its answer, in figures and in sentences."""

from __future__ import annotations

import json
import math

import pytest

from connector.domain.moment import DAY, HOUR
from connector.store.database import open_store
from connector.sync.opening import model_file
from connector.sync.studies.explanation import explanation
from connector.sync.studies.reckoning import reckoning
from tests.sync.world import MODEL


def told(world, ident, at=None):
    store = open_store(world.loaded.store_url())
    try:
        data = explanation(store, f"crm/lead/{ident}")
        models = model_file(world.loaded)
        data["reckoning"] = reckoning(store, models, data["person"], at or world.now)
    finally:
        store.close()
    json.dumps(data)  # all of it is plain
    return data


@pytest.fixture
def begun(small):
    small.lead("seed")
    small.start()
    return small


def test_every_line_says_what_it_rests_on_and_caps_are_lines(begun):
    begun.write("model.yaml", MODEL.replace("points: 10, half_life: none}", "points: 10, max: 15}"))
    begun.hot("l1")
    begun.event("l1", "download", ago=90 * DAY, asset="guide")
    begun.event("l1", url="/pricing", ago=2 * HOUR)
    begun.event("l1", url="/pricing/old", ago=3 * HOUR)
    begun.plan()
    data = told(begun, "l1")["reckoning"]
    by_rule = {line["rule"]: line for line in data["lines"]}
    assert (by_rule["Boss"]["field"], by_rule["Boss"]["value"]) == ("seniority", "vp")
    guide = by_rule["Guide"]["activities"]
    assert len(guide) == 1
    assert guide[0]["keys"] == ["crm/event/e2"]
    assert guide[0]["age_days"] == pytest.approx(90, abs=0.01)
    assert guide[0]["decay"] == pytest.approx(0.5, abs=0.001)
    assert by_rule["Pricing"]["raw"] == 15
    assert by_rule["Pricing"]["uncapped"] > by_rule["Pricing"]["points"]
    # 15 and 5 of 20 are full marks to the hair; one more guide goes over them.
    begun.event("l1", "download", asset="guide")
    begun.plan()
    again = told(begun, "l1")["reckoning"]
    assert any(line["part"] == "adjustment" and line["points"] < -1 for line in again["lines"])
    assert math.fsum(line["points"] for line in again["lines"]) == again["score"]["score"]
    assert any(
        "its own bounds" in s or "rule's own bounds" in s for s in again["sentences"]
    )  # of Pricing


def test_what_did_not_count_has_its_reason_and_what_nobody_asks_for_its_number(begun):
    begun.hot("l1")
    begun.event("l1", "webinar")
    begun.event("l1", "webinar", ago=DAY)
    begun.event("l1", url="/blog")
    begun.event("l1", "form_submit", form="demo", ago=31 * DAY)
    begun.run()
    data = told(begun, "l1", begun.now - 2 * HOUR)["reckoning"]
    assert {(one["rule"], one["why"]) for one in data["not_counted"]} == {
        ("Pricing", "has not happened yet")
    }
    assert data["not_asked_for"] == {"webinar": 2, "page_view": 1}
    assert [one["why"] for one in data["hand_raises"]] == ["older than 30 d"]
    assert "2 x webinar: no rule asks for it." in data["sentences"]


def test_what_is_missing_and_what_was_never_done_say_what_they_could_add(begun):
    begun.lead("l1", company=None)
    begun.run()
    data = told(begun, "l1")["reckoning"]
    assert data["missing"] == [{"field": "account.employees", "could_add": 24.0}]
    assert {one["rule"]: one["could_add"] for one in data["never_counted"]} == {
        "Pricing": 20.0,
        "Guide": 20.0,
    }
    begun.event("l1", "download")
    begun.put("leads", "l1", company="big")
    begun.run()
    assert told(begun, "l1")["reckoning"]["score"]["score"] == 36 + 24 + 20


def test_the_action_of_the_band_is_told(begun):
    bands = "actions: [{from: 70, action: call_today}, {from: 20, action: mail}]\nfit:"
    begun.write("model.yaml", MODEL.replace("fit:", bands, 1))
    begun.hot("l1")
    begun.plan()
    told_of = "What the model says to do at such a score: call_today."
    assert told_of in told(begun, "l1")["reckoning"]["sentences"]


def test_of_whom_nothing_is_known_it_says_so(begun):
    begun.lead("l1", title=None, company=None)
    begun.event("l1", url="/pricing")
    begun.run()
    data = told(begun, "l1")["reckoning"]
    assert data["unknown"] is True
    assert data["score"]["grade"].startswith("?")
    assert any("behaviour alone makes the score" in sentence for sentence in data["sentences"])
    assert {one["field"]: one["could_add"] for one in data["missing"]} == {
        "seniority": 6.0,  # 50 by behaviour alone; 36 + 20 with a boss
        "account.employees": 0.0,  # 24 + 20 would be less than 50
    }


def test_what_changed_since_the_last_score_is_told_with_both_figures(begun):
    begun.hot("l1")
    begun.run()
    before = told(begun, "l1")
    assert before["reckoning"]["since"]["was"] == before["reckoning"]["since"]["is"] == 80
    assert before["reckoning"]["changed"] == []
    begun.write("model.yaml", MODEL.replace("half_life: none", "half_life: 10d"))
    data = told(begun, "l1", begun.now + 10 * DAY)["reckoning"]
    assert (data["since"]["was"], data["since"]["is"]) == (80, 70)
    assert data["since"]["other_model"] is True
    assert [one["rule"] for one in data["changed"] if one["part"] == "behaviour"] == ["Pricing"]
    assert any("last published as 80" in sentence for sentence in data["sentences"])


def test_why_this_owner_names_the_rule_and_every_candidate_passed_over(begun):
    begun.put("users", "ben", active=False)
    begun.hot("l1")
    begun.run()
    said = told(begun, "l1")["why_owner"]
    assert said[0].startswith("crm/anna got this person at ")
    assert said[0].endswith("by fallback in the pool team.")
    assert "Passed over: crm/ben: not active." in said
    begun.put("users", "ben", active=True)
    begun.hot("l2")
    begun.run()
    assert any(
        "free, but it was not their turn" in sentence for sentence in told(begun, "l2")["why_owner"]
    )
    begun.put("leads", "l1", owner="carla")
    begun.run()
    assert "Since then crm/carla has taken over in the CRM." in told(begun, "l1")["why_owner"]
