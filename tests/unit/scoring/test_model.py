"""What a model file may say, what it extends, and what looks wrong in it."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from connector.errors import UsageError
from connector.scoring.lint import lint
from connector.scoring.model import Model, load_model, revive

BASE = """
version: 1
name: base
fit:
  full_marks: 20
  groups:
    - name: who
      max: 20
      rules:
        - {name: Boss, field: seniority, equals: c_level, points: 20}
        - {name: Rival, field: email_domain, in_file: rivals.txt, points: -5}
behaviour:
  full_marks: 10
  groups:
    - {name: did, rules: [{name: Seen, activity: page_view, points: 5, max: 10}]}
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "base.yaml").write_text(BASE)
    (tmp_path / "rivals.txt").write_text("# ours\nRival.example\n")
    return tmp_path


def extended(folder, text):
    (folder / "over.yaml").write_text(f"version: 1\nname: over\nextends: base.yaml\n{text}")
    return load_model(folder / "over.yaml")


def test_a_model_that_extends_another_says_only_what_differs(folder):
    model = extended(
        folder,
        "threshold: 40\n"
        "fit: {groups: [{name: who, rules: [{name: Boss, in: [vp, c_level]}, "
        "{name: Rival, remove: true}, {name: New, field: title, prefix: x, points: 1}]}]}\n",
    )
    boss, new = model.fit_rules()
    assert (boss.in_, boss.equals, boss.points) == (["vp", "c_level"], None, 20)
    assert (new.name, model.threshold, model.name, model.extends) == ("New", 40, "over", None)
    assert model.behaviour == load_model(folder / "base.yaml").behaviour


def test_a_mistake_in_an_extending_model_is_shown_where_it_stands(folder):
    with pytest.raises(UsageError) as caught:
        extended(
            folder,
            "fit:\n  groups:\n    - name: who\n      rules:\n        - {name: Boss, pionts: 3}\n",
        )
    assert caught.value.where == "over.yaml:8"
    assert "pionts" in str(caught.value)


def test_two_models_that_extend_each_other_are_told_so(folder):
    (folder / "base.yaml").write_text("version: 1\nname: a\nextends: over.yaml\n")
    with pytest.raises(UsageError, match="extend each other"):
        extended(folder, "")


def test_a_model_with_lists_comes_back_from_its_plain_values(folder):
    model = load_model(folder / "base.yaml")
    again = revive(model.plain())
    assert again.fit_rules()[1].texts() == ("rival.example",)
    assert again.hash == model.hash
    (folder / "rivals.txt").write_text("other.example\n")
    assert load_model(folder / "base.yaml").hash != model.hash


def made(**changes):
    plain = {
        "version": 1,
        "name": "m",
        "fit": {"full_marks": 10, "groups": [{"name": "g", "rules": [fit()]}]},
        "behaviour": {
            "full_marks": 5,
            "groups": [{"name": "h", "rules": [did()]}],
        },
    }
    return Model.model_validate({**plain, **changes})


def fit(**changes):
    rule = {"name": "r", "field": "title", "equals": "x", "points": 10} | changes
    return {k: v for k, v in rule.items() if v is not None}


def did(**changes):
    return {"name": "b", "activity": "page_view", "points": 5, "max": 5} | changes


def fits(*rules, **group):
    return {"fit": {"full_marks": 10, "groups": [{"name": "g", "rules": list(rules), **group}]}}


def dids(*rules, **group):
    return {
        "behaviour": {"full_marks": 5, "groups": [{"name": "h", "rules": list(rules), **group}]}
    }


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (fits(fit(field="seniority", equals="boss")), "`r` can never match: `seniority` is one of"),
        (fits(fit(equals=" ")), "`r` can never match: an empty text"),
        (dids(did(where={"url": {"prefix": "pricing"}})), "an address begins with /"),
        (fits(fit(points=4), fit(name="s", points=6)), "`s` and `r` hold for the same people"),
        (
            {"filters": [{"name": "f", "field": "title", "equals": "X", "reason": "no"}]},
            "is out by `f`",
        ),
        (
            {
                "filters": [
                    {"name": n, "field": "title", "equals": "y", "reason": "no"} for n in ("f", "g")
                ]
            },
            "`g` can never match: `f` comes first",
        ),
        (
            fits(
                fit(field="n", equals=None, range=[0, 10]),
                fit(name="s", field="n", equals=None, range=[9, None]),
            ),
            "`r` and `s` overlap on n",
        ),
        (dids(did(points=9)), "`b` is worth 9, more than its max 5"),
        (fits(fit(), max=5), "more than the max 5 of its group `g`"),
        (fits(fit(points=4)), "fit can never reach 100"),
        (dids(did(max=4, points=3)), "behaviour can never reach 100"),
        ({"threshold": 100, "compare": "exceeds"}, "can never be passed"),
        (dids(did(half_life="none")), "never ages"),
        ({"actions": [{"from": 80, "action": "call"}]}, "below 80 no action is named"),
        (
            {
                "fast_track": [
                    {"name": n, "activity": "form_submit", "within": "9d"} for n in ("f", "g")
                ]
            },
            "`g` can never decide: `f` comes first",
        ),
    ],
)
def test_the_linter_finds(changes, words):
    found = lint(made(**changes))
    assert any(words in finding for finding in found), found


def test_the_linter_has_nothing_to_say_about_a_sound_model():
    assert lint(made()) == []


@pytest.mark.parametrize(
    "rule",
    [
        did(per="day", first=True),
        did(after={"activity": "x", "within": "1d"}, per="day"),
        did(times=3),
        {"name": "b", "points": 1, "inactive": "9d", "by": "colleagues"},
        did(min=9),
        did(activity=[]),
    ],
)
def test_words_that_do_not_go_together_are_refused(rule):
    with pytest.raises(ValidationError):
        made(**dids(rule))
