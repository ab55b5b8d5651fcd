"""Trying a model before it is agreed: explain, simulate, threshold, several models."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from connector.cli.main import leadloop as group
from tests.cli.test_commands import MODEL, NOW, SETTINGS, small  # noqa: F401  a fixture


def leadloop(*arguments):
    return CliRunner().invoke(group, list(arguments), catch_exceptions=False)


def data(result):
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)["data"]


@pytest.fixture
def scored(small, monkeypatch):  # noqa: F811
    monkeypatch.chdir(small)
    result = leadloop("run", *NOW, "--quiet")
    assert result.exit_code in {0, 4, 5}, result.output
    return small


def test_explain_names_each_activity_with_its_age_and_what_is_missing(scored):
    told = data(leadloop("explain", "crm/lead/1", "--at", "2026-05-21T00:00:00Z", "-o", "json"))
    reckoned = told["reckoning"]
    seen = next(line for line in reckoned["lines"] if line["rule"] == "Seen")
    assert seen["activities"][0]["age_days"] == 1.0
    assert seen["activities"][0]["decay"] == 1.0
    assert seen["activities"][0]["keys"][0].endswith("/a")
    assert sum(line["points"] for line in reckoned["lines"]) == reckoned["score"]["score"]
    assert any("Seen" in sentence for sentence in reckoned["sentences"])
    assert reckoned["missing"] == []


def test_explain_as_of_an_earlier_moment_knows_nothing_of_later_visits(scored):
    told = data(leadloop("explain", "crm/lead/1", "--at", "2026-05-19T00:00:00Z", "-o", "json"))
    reckoned = told["reckoning"]
    assert [one["why"] for one in reckoned["not_counted"]] == ["has not happened yet"]
    assert reckoned["score"]["behaviour"] == 0
    assert any(one["rule"] == "Seen" and one["is"] == 0 for one in reckoned["changed"])


def test_simulate_says_who_crosses_and_leaves_the_store_as_it_was(scored):
    (scored / "new.yaml").write_text(
        "version: 1\nname: small\nextends: model.yaml\nthreshold: 90\n"
    )
    before = (scored / "s.db").read_bytes()
    found = data(leadloop("simulate", "--model", "new.yaml", "--by", "country", *NOW, "-o", "json"))
    assert (found["ready_old"], found["ready_new"], found["down"]) == (1, 0, 1)
    assert found["movers"][0]["person"] == "crm/lead/1"
    assert found["segments"][0]["name"] == "fr"
    assert (scored / "s.db").read_bytes() == before
    told = leadloop("simulate", "--model", "new.yaml", "--by", "country", *NOW, "--markdown").stdout
    assert "| fr | " in told
    assert "1 would stop being so" in told


def test_threshold_answers_from_capacity_and_says_when_outcomes_are_too_few(scored):
    found = data(
        leadloop(
            "threshold", "--capacity", "0 a week", "--cost", "1", "--value", "9", *NOW, "-o", "json"
        )
    )
    assert found["capacity"] == {"threshold": 81, "per_week": 0.0}
    assert found["money"]["threshold"] is None
    assert found["scenarios"] is None
    assert found["feedback"]["threshold"] is None
    assert "too few judged leads around" in found["feedback"]["why"]
    assert next(r for r in found["curve"] if r["threshold"] == 80)["per_week"] == 0.25


def test_each_person_is_scored_by_the_model_for_the_segment(scored):
    other = MODEL.replace("name: small", "name: french\nthreshold: 90").replace("Boss", "Chef")
    (scored / "french.yaml").write_text(other)
    both = "model: [{path: french.yaml, when: {country: fr}}, {path: model.yaml}]"
    (scored / "leadloop.yaml").write_text(SETTINGS.replace("model: model.yaml", both))
    assert "model french" in leadloop("check").stdout
    leadloop("run", *NOW, "--quiet")
    plan = leadloop("plan", *NOW, "--quiet")
    assert plan.exit_code in {0, 5, 10}, plan.output
    told = data(leadloop("explain", "crm/lead/1", "--at", "2026-06-01T00:00:00Z", "-o", "json"))
    assert told["score"]["threshold"] == 90
    assert "Chef" in told["score"]["reasons"]


def test_a_list_of_models_needs_one_for_everybody_else(scored):
    only = "model: [{path: model.yaml, when: {country: fr}}]"
    (scored / "leadloop.yaml").write_text(SETTINGS.replace("model: model.yaml", only))
    result = CliRunner().invoke(group, ["check"])
    assert result.exit_code != 0
    assert "for everybody else" in str(result.exception)
