"""`leadloop report` and `leadloop backtest` as people call them."""

from __future__ import annotations

import json

import pytest

from tests.cli.test_commands import NOW, small  # noqa: F401  the folder of files


@pytest.fixture
def ran(leadloop, small):  # noqa: F811
    leadloop("run", *NOW, expect=5)
    return small


def test_the_page_and_the_file_hold_what_the_table_says(ran, leadloop, answer):
    told = leadloop("report", *NOW, "--html", "r.html", "--json", "r.json").stdout
    assert "inquiry" in told
    assert "Page: r.html" in told
    found = json.loads((ran / "r.json").read_text())
    assert found["schema"] == "leadloop.report/1"
    assert found == answer("report", *NOW)
    page = (ran / "r.html").read_text()
    assert f'<data value="{found["data"]["headline"]["cycles"]}">' in page
    assert page.lstrip().startswith("<!doctype html>")
    assert "ada@a.example" not in page


def test_goals_and_assumptions_come_from_the_settings(ran, answer):
    with (ran / "leadloop.yaml").open("a") as file:
        file.write(
            "report: {currency: USD, value_per_sale: 1000, recovery: {handed_off: 10%},\n"
            "  goals: {accepted: {share: 60%, owner: anna}}}\n"
        )
    data = answer("report", *NOW)["data"]
    stage = next(row for row in data["stages"] if row["stage"] == "accepted")
    assert (stage["goal"], stage["goal_owner"]) == (0.6, "anna")
    (leak,) = data["leakage"]["rows"]
    assert (leak["reason"], leak["by_estimate_value"], leak["recovery"]) == ("no_budget", 1000, 100)
    assert data["currency"] == "USD"


def test_a_page_that_cannot_be_written_says_so(ran, leadloop):
    done = leadloop("report", "--html", "nowhere/r.html", expect=2)
    assert "nowhere/r.html cannot be written" in done.stderr


def test_a_backtest_says_what_it_left_out_and_why(ran, leadloop, answer):
    found = answer("backtest", *NOW, "--horizon", "7d")["data"]
    assert found["n"] == 1
    assert found["basis"] == {"first worked on by sales": 1}
    assert found["confusion"]["found"] == 0
    told = leadloop("backtest", *NOW, "--horizon", "7d")
    assert "Too few to judge" in told.stdout
    assert "the values of then are not known of all leads" in told.stderr


def test_a_horizon_that_is_no_duration_is_refused(leadloop, ran):
    done = leadloop("backtest", "--horizon", "soon", expect=2)
    assert "`soon` is not a duration" in done.stderr
