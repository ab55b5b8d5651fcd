"""Scoring cases worked out by hand, as data."""

from __future__ import annotations

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from connector.documents import load
from connector.domain.duration import parse_duration
from connector.domain.moment import parse_iso
from connector.engine.small import score_rows
from connector.scoring.lint import lint
from connector.scoring.model import Model, load_model
from connector.scoring.pattern import portable
from connector.scoring.prepare import prepare
from connector.scoring.scenarios import Scenarios, frames, judge
from tests.reference_scorer import score as reference

ROOT = Path(__file__).parents[3]
NOW = parse_iso("2026-05-10T12:00:00Z")
CASES = YAML(typ="safe", pure=True).load(ROOT / "tests" / "cases" / "scoring.yaml")["cases"]
MODEL = Model.model_validate(
    {
        "version": 1,
        "name": "cases",
        "fit": {
            "full_marks": 20,
            "groups": [
                {
                    "name": "who",
                    "rules": [
                        {"name": "Boss", "field": "seniority", "in": ["c_level"], "points": 12},
                        {
                            "name": "Big",
                            "field": "account.employees",
                            "range": [500, None],
                            "points": 8,
                        },
                        {
                            "name": "Student",
                            "field": "title",
                            "word_in": ["student"],
                            "points": -10,
                        },
                    ],
                }
            ],
        },
        "behaviour": {
            "full_marks": 20,
            "groups": [
                {
                    "name": "did",
                    "rules": [
                        {
                            "name": "Pricing",
                            "activity": "page_view",
                            "where": {"url": {"prefix": "/pricing"}},
                            "points": 10,
                            "max": 15,
                        },
                        {"name": "Click", "activity": "email_click", "points": 6, "per": "day"},
                        {"name": "Guide", "activity": "download", "points": 8},
                        {"name": "Quiet", "inactive": "90d", "points": -5},
                    ],
                }
            ],
        },
        "filters": [{"name": "Abroad", "field": "country", "equals": "XX", "reason": "abroad"}],
        "disqualify": [
            {
                "name": "Rival",
                "field": "email_domain",
                "in": ["rival.example"],
                "reason": "competitor",
            }
        ],
        "fast_track": [
            {
                "name": "Asked",
                "activity": "form_submit",
                "where": {"form": {"in": ["Demo"]}},
                "within": "30d",
            }
        ],
    }
)


def age(text):
    return -parse_duration(text[1:]) if text.startswith("-") else parse_duration(text)


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_case_comes_out_as_worked_out_by_hand(case):
    facts = prepare(case.get("person", {}))
    fields = MODEL.person_fields()
    person = {"person": "p", **{name: facts.get(name) for name in fields}}
    done = [
        {
            "person": "p",
            "id": str(n),
            "type": one["type"],
            "time": NOW - age(one["age"]),
            "url": one.get("url"),
            "asset": one.get("asset"),
            "form": one["form"].casefold() if "form" in one else None,
            "machine": one.get("machine", False),
        }
        for n, one in enumerate(case.get("did", []))
    ]
    ((score, _),) = score_rows(MODEL, [person], done, NOW)
    found = score._asdict()
    for name, wanted in case["want"].items():
        assert (
            found[name] == pytest.approx(wanted, abs=1e-9)
            if isinstance(wanted, float)
            else found[name] == wanted
        ), name


LANGUAGE = YAML(typ="safe", pure=True).load(ROOT / "tests" / "cases" / "language.yaml")["cases"]


def own_model(case):
    """The model of a case that brings its own rules, as plain values."""
    nothing = [{"name": "nothing", "field": "nobody_has", "equals": "x", "points": 1}]
    fit = case.get("fit")
    return {
        "version": 1,
        "name": "case",
        "weights": {"fit": 60, "behaviour": 40} if fit else {"fit": 0, "behaviour": 100},
        "fit": {"full_marks": 100, "groups": [{"name": "who", "rules": fit or nothing}]},
        "behaviour": {"full_marks": 100, "groups": [{"name": "did", "rules": case["behaviour"]}]},
        "thresholds": case.get("thresholds", []),
        "actions": case.get("actions", []),
    }


def activity(person, number, one):
    texts = ("url", "asset", "campaign", "form", "channel", "visit")
    return {
        "person": person,
        "id": str(number),
        "type": one["type"],
        "time": NOW - age(one["age"]),
        "machine": False,
        **{name: one.get(name) for name in texts},
    }


@pytest.mark.parametrize("case", LANGUAGE, ids=[case["name"] for case in LANGUAGE])
def test_a_word_of_the_language_does_what_was_worked_out_by_hand(case):
    plain = own_model(case)
    model = Model.model_validate(plain)
    crowd = [case.get("did", []), *case.get("colleagues", [])]
    facts = prepare(case.get("person", {}))
    person = {name: facts.get(name) for name in model.person_fields()}
    people = [
        {"person": str(n), **(person if n == 0 else {"account.key": "acme"})}
        for n in range(len(crowd))
    ]
    did = [[activity(str(n), m, one) for m, one in enumerate(done)] for n, done in enumerate(crowd)]
    score, points = score_rows(model, people, [one for done in did for one in done], NOW)[0]
    by_reference = reference(plain, facts, did[0], NOW, did[1:])
    found = {
        **score._asdict(),
        "points": {n: points[f"rule:{n}"] for n in case["want"].get("points", {})},
    }
    for name, wanted in case["want"].items():
        assert found[name] == (pytest.approx(wanted, abs=1e-9) if name == "points" else wanted), (
            name
        )
        told = by_reference[name]
        told = {n: told[n] for n in wanted} if name == "points" else told
        assert told == (pytest.approx(wanted, abs=1e-9) if name == "points" else wanted), name


def test_the_model_that_ships_agrees_with_its_scenarios_and_has_nothing_to_look_at():
    model = load_model(ROOT / "mappings" / "model.yaml")
    personas = load(ROOT / "mappings" / "scenarios.yaml", Scenarios).scenarios
    assert len(personas) >= 6
    scored = score_rows(model, *frames(model, personas, NOW), NOW)
    assert judge(personas, [score for score, _ in scored]) == []
    assert lint(model) == []


def test_a_scenario_the_model_disagrees_with_is_told_in_words():
    personas = Scenarios.model_validate(
        {
            "version": 1,
            "scenarios": [
                {
                    "name": "Boss",
                    "person": {"title": "CEO"},
                    "expect": {"score": [90, 99], "grade": "A1"},
                }
            ],
        }
    ).scenarios
    scored = score_rows(MODEL, *frames(MODEL, personas, NOW), NOW)
    assert judge(personas, [score for score, _ in scored]) == [
        "Boss: score 36 is not within 90 to 99",
        "Boss: grade is B4, not A1 (score 36)",
    ]


@pytest.mark.parametrize(
    ("pattern", "text", "holds"),
    [
        (r"^chef\b", "chef de projet", True),
        (r"\bchef\b", "préchef", True),  # words are ASCII, everywhere alike
        (r"\d+", "room ٣", False),
        (r"^\w+$", "größe", False),
        ("VP", "vp sales", True),
        (r"a\.b", "a.b", True),
    ],
)
def test_a_portable_pattern_means_the_same_to_every_engine(pattern, text, holds):
    import re

    import polars as pl

    made = portable(pattern)
    rule = {"name": "r", "field": "title", "regex": pattern, "points": 1}
    document = MODEL.model_dump(mode="json", by_alias=True, exclude_none=True)
    document["fit"]["groups"] = [{"name": "g", "rules": [rule]}]
    document["filters"] = document["disqualify"] = []
    import orjson

    model = Model.model_validate_json(orjson.dumps(document))
    ((_, points),) = score_rows(model, [{"person": "p", "title": text}], [], NOW)
    assert (points["rule:r"] == 1.0) is holds
    assert bool(re.search(made, text)) is holds
    assert pl.Series([text]).str.contains(made)[0] is holds


@pytest.mark.parametrize(
    "pattern", [r"a(?=b)", r"(a)\1", r"(?P<n>a)", r"(?i)a", r"a\Z", r"\p{L}", "a++", "(", r"[\D]"]
)
def test_a_pattern_engines_read_differently_is_refused(pattern):
    with pytest.raises(ValueError, match="pattern|engines"):
        portable(pattern)


@pytest.mark.parametrize(
    ("title", "seniority", "function"),
    [
        ("VP of Sales", "vp", "sales"),
        ("Vice President Marketing", "vp", "marketing"),
        ("Chief Technology Officer (CTO)", "c_level", "it"),
        ("Geschäftsführerin", "c_level", None),
        ("Leiter Einkauf", "director", "purchasing"),
        ("Werkstudent Vertrieb", "student", "sales"),
        ("Directeur des achats", "director", "purchasing"),
        ("Dishwasher", None, None),
    ],
)
def test_titles_are_read_in_several_languages(title, seniority, function):
    facts = prepare({"title": title})
    assert (facts.get("seniority"), facts.get("function")) == (seniority, function)


@pytest.mark.parametrize(
    ("email", "domain", "kind"),
    [
        ("a@mail.bbc.co.uk", "bbc.co.uk", "business"),
        ("a@gmail.com", "gmail.com", "free"),
        ("x@mailinator.com", "mailinator.com", "disposable"),
        ("info@acme.example", "acme.example", "role"),
    ],
)
def test_addresses_tell_their_domain_and_kind(email, domain, kind):
    facts = prepare({"email": email})
    assert (facts["email_domain"], facts["email_kind"]) == (domain, kind)


def test_what_cannot_be_known_is_unknown():
    assert prepare({"a": float("nan"), "b": "  ", "c": None, "d": 0}) == {"d": 0}
