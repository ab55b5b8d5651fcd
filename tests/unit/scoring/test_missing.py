"""What could be added is what the engine adds once it is there."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from connector.domain.text import normalise
from connector.engine.small import score_rows
from connector.scoring.missing import never_counted, unknown_fields
from connector.scoring.model import Model, load_model
from tests.unit.scoring.models import NOW, models, worlds
from tests.unit.scoring.test_engine_agrees import rows

SHIPPED = load_model(Path(__file__).parents[3] / "mappings" / "model.yaml")
NEAR = 0.051  # one digit is shown, and slight gains are none


def tried(rules):
    """Answers of every kind that these rules could tell apart, and some that none of them names."""
    if any(rule.range for rule in rules):
        bounds = [bound for rule in rules for bound in rule.range or [] if bound is not None]
        return [-1.0, 5000.0, *(bound + step for bound in bounds for step in (-0.5, 0.0, 0.5))]
    named = [rule.equals or rule.prefix for rule in rules if rule.equals or rule.prefix]
    listed = [text for rule in rules for text in (*(rule.in_ or ()), *(rule.contains_any or ()))]
    return [normalise(text) for text in ("zz", *named, *listed)]


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
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
        for value in tried(mine):
            told = [{**people[0], field: value}, *people[1:]]
            best = max(best, score_rows(compiled, told, done, NOW)[0][0].total)
        assert could >= best - score.total - NEAR
        if not {"regex", "word_in"} & {rule.operator for rule in mine}:
            assert could <= best - score.total + NEAR


def sized(*rules):
    return Model.model_validate(
        {
            "version": 1,
            "name": "sizes",
            "threshold": 50,
            "fit": {
                "full_marks": 10,
                "groups": [
                    {
                        "name": "size",
                        "rules": [
                            {"name": str(n), "field": "size", **one} for n, one in enumerate(rules)
                        ],
                    }
                ],
            },
            "behaviour": {
                "full_marks": 10,
                "groups": [
                    {"name": "b", "rules": [{"name": "v", "points": 1, "activity": "page_view"}]}
                ],
            },
        }
    )


@pytest.mark.parametrize(
    ("rules", "marks"),
    [
        # any size counts, small ones count against: a large one is the best
        (({"answered": True, "points": 1}, {"range": [None, 901], "points": -1}), 1),
        # every size is in one of the two: nobody gets the point without a deduction
        (
            (
                {"answered": True, "points": 2},
                {"range": [None, 901], "points": -1},
                {"range": [901, None], "points": -2},
            ),
            1,
        ),
        # only where two ranges overlap do both count
        (({"range": [0, 50], "points": 3}, {"range": [40, 90], "points": 4}), 7),
        # the one number that is worth less is not the best within its range
        (({"range": [5, 6], "points": 3}, {"equals": 5, "points": -3}), 3),
    ],
)
def test_the_best_number_is_sought_on_both_sides_of_every_boundary(rules, marks):
    model = sized(*rules)
    score, points = score_rows(model, [{"person": "p"}], [], NOW)[0]
    could = unknown_fields(model, {}, points, score)
    assert could == [{"field": "size", "could_add": pytest.approx(marks * 6.0)}]  # fit is 60%


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
