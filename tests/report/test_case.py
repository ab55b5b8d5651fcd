"""`leadloop report --case`: a page that rests on nothing it does not say."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from connector.cli.report import report
from connector.config.assumptions import Assumptions
from connector.documents.reader import parse
from connector.errors import UsageError
from connector.report.case import case_figures
from connector.report.page import page
from tests.past import HOSTILE
from tests.report.test_page import leaves, read

TEXT = """
version: 1
margin: 40%
remedies:
  - driver: no_budget
    remedy: Nurture until the next budget
    recovers: {low: 5%, likely: 10%, high: 20%}
    once: 500
    monthly: 20
    source: sales, last quarter
"""


def given(text=TEXT):
    return parse(text, Assumptions, name="assumptions.yaml")


def test_a_remedy_meets_the_leak_it_names(quick_past):
    _, loaded, figures = quick_past(200)
    data = figures()
    found = case_figures(data, loaded.settings.report, given())
    mine = next(row for row in found["lines"] if row["driver"] == "no_budget")
    rows = [row for row in data["leakage"]["rows"] if row["reason"] == "no_budget"]
    assert mine["at_stake"] == pytest.approx(sum(row["value"] for row in rows))
    assert mine["leads"] == sum(row["cycles"] for row in rows)
    low, likely, high = mine["margin"]
    assert likely == pytest.approx(mine["yearly"] * 0.1 * 0.4, abs=0.02)
    assert low < likely < high
    named = [row for row in found["lines"] if row["margin"]]
    total = [sum(row["margin"][at] for row in named) for at in range(3)]
    assert found["total"]["margin"] == pytest.approx(total, abs=0.02)


@pytest.mark.parametrize("people", [0, 10, 200])
def test_the_page_names_every_assumption_and_no_number_of_its_own(quick_past, people):
    _, loaded, figures = quick_past(people, hostile=True)
    found = json.loads(json.dumps(case_figures(figures(), loaded.settings.report, given())))
    written = page("case.html", found)
    seen = read(written)
    numbers = {str(v) for v in leaves(found) if isinstance(v, int | float)}
    assert {v for v in seen.values if v not in numbers} == set()
    assert "script" not in seen.tags
    assert seen.addresses == ["data:,"]
    text = " ".join(" ".join(seen.text).split())
    assert "wins back 5% to 20%, likely 10%; 500 EUR once, 20 a month" in text
    assert "sales, last quarter" in text


def test_without_assumptions_defaults_speak_and_say_that_they_are_defaults(quick_past):
    _, loaded, figures = quick_past(200, hostile=True)
    found = case_figures(figures(), loaded.settings.report, None)
    marked = [row for row in found["lines"] if row["default"]]
    assert marked
    assert {row["driver"] for row in marked} == {
        row["driver"] for row in found["lines"] if row["remedy"] is not None
    }
    assert found["defaults"] == len(marked)
    told = [row for row in found["assumptions"] if row["source"].startswith("default of Leadloop")]
    assert len(told) == len(marked)
    written = page("case.html", found)
    assert written.count("default, not yours") == len(marked)
    assert "not findings about this company" in written
    blank = next(row for row in found["lines"] if row["driver"] == HOSTILE)
    assert (blank["remedy"], blank["default"]) == (None, False)


def test_an_assumption_of_ones_own_takes_the_place_of_the_default(quick_past):
    _, loaded, figures = quick_past(200)
    found = case_figures(figures(), loaded.settings.report, given())
    mine = next(row for row in found["lines"] if row["driver"] == "no_budget")
    assert (mine["remedy"], mine["default"]) == ("Nurture until the next budget", False)
    said = [row["source"] for row in found["assumptions"] if row["what"].startswith("no budget")]
    assert said == ["sales, last quarter"]


@pytest.mark.parametrize(("old", "new", "why"), [
    ("likely: 10%", "likely: 30%", "so that none is above the next"),
    ("driver: no_budget", "drivr: no_budget", "drivr"),
])  # fmt: skip
def test_a_mistake_in_the_assumptions_is_named_at_its_place(old, new, why):
    with pytest.raises(UsageError, match=r"assumptions.yaml:\d+") as caught:
        given(TEXT.replace(old, new))
    assert why in str(caught.value)


def test_the_command_writes_the_case_with_the_assumptions_beside_the_settings(demo_like, tmp_path):
    (demo_like / "assumptions.yaml").write_text(TEXT, encoding="utf-8")
    path = tmp_path / "case.html"
    done = CliRunner().invoke(report, ["-c", str(demo_like / "leadloop.yaml"), "--case", str(path)])
    assert done.exit_code == 0, done.output
    assert "Nurture until the next budget" in path.read_text(encoding="utf-8")


@pytest.fixture
def demo_like(quick_past):
    _, loaded, _ = quick_past(60)
    return loaded.folder
