"""What could be added is what the engine adds once it is there."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from connector.engine.small import score_rows
from connector.scoring.missing import _values, never_counted, unknown_fields
from connector.scoring.model import Model, load_model
from tests.unit.scoring.models import NOW, models, worlds
from tests.unit.scoring.test_engine_agrees import rows

SHIPPED = load_model(Path(__file__).parents[3] / "mappings" / "model.yaml")
NEAR = 0.051  # one digit is shown, and slight gains are none


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(model=models(), world=worlds.filter(bool))
def test_an_unknown_field_could_add_what_its_best_value_adds(model, world):
    compiled = Model.model_validate(model)
    people, done = rows(world)
    score, points = score_rows(compiled, people, done, NOW)[0]
    found = {r["field"]: r["could_add"] for r in unknown_fields(compiled, people[0], points, score)}
    fields = {rule.field for rule in compiled.fit_rules()}
    assert found.keys() == {field for field in fields if people[0].get(field) is None}
    for field, could in found.items():
        mine = [rule for rule in compiled.fit_rules() if rule.field == field]
        best = score.total
        for value in [v for rule in mine for v in _values(rule)]:
            told = [{**people[0], field: value}, *people[1:]]
            best = max(best, score_rows(compiled, told, done, NOW)[0][0].total)
        assert could >= best - score.total - NEAR
        if not {"regex", "word_in"} & {rule.operator for rule in mine}:
            assert could <= best - score.total + NEAR


def told(facts, done=()):
    blank = dict.fromkeys(("url", "asset", "campaign", "form", "channel", "visit"))
    events = [
        {**blank, "person": "p", "id": str(n), "time": NOW, "machine": False, **one}
        for n, one in enumerate(done)
    ]
    return score_rows(SHIPPED, [{"person": "p", **facts}], events, NOW)[0]


def test_a_field_adds_nothing_where_full_marks_are_reached():
    full = {
        "seniority": "vp",
        "account.employees": 700,
        "account.industry": "software",
        "function": "it",
    }
    score, points = told({**full, "function": None})
    could = unknown_fields(SHIPPED, {**full, "function": None}, points, score)
    assert could == [{"field": "function", "could_add": 8.0}]
    score, points = told({"seniority": "student"})
    could = {
        r["field"]: r["could_add"]
        for r in unknown_fields(SHIPPED, {"seniority": "student"}, points, score)
    }
    assert could == {"account.employees": 0.0, "account.industry": 0.0, "function": 0.0}


def test_what_was_never_done_adds_what_the_engine_gives_for_it_within_the_caps():
    facts = {"seniority": "vp"}
    before, points = told(facts, [{"type": "form_submit"}, {"type": "form_submit"}])
    could = {r["rule"]: r["could_add"] for r in never_counted(SHIPPED, points, before)}
    assert "Asked us something" not in could
    assert could["Met us"] == 0  # the group is full
    for rule, act in (
        ("Webinar", {"type": "webinar"}),
        ("Replied", {"type": "email_reply"}),
        ("Downloaded", {"type": "download", "asset": "guide"}),
    ):
        after, _ = told(facts, [{"type": "form_submit"}, {"type": "form_submit"}, act])
        assert could[rule] == pytest.approx(after.total - before.total, abs=NEAR)
