"""The simulation of three processes, and the page that tells of it."""

from __future__ import annotations

from pathlib import Path

from connector.demo.three_funnels import CALLS, PROCESSES, leads, run, table

PAGE = Path(__file__).parents[2] / "docs" / "three-funnels.md"


def test_the_page_shows_what_the_simulation_gives():
    text = PAGE.read_text(encoding="utf-8")
    assert table() in text
    assert table(calls=None) in text


def test_the_same_leads_go_through_all_three():
    given = leads(2000)
    assert given == leads(2000)
    found = [run(process, given) for process in PROCESSES]
    assert {row.leads for row in found} == {2000}
    assert all(row.won <= row.passed <= row.leads for row in found)


def test_a_limit_on_calls_never_helps():
    given = leads(20_000)
    for process in PROCESSES:
        free, bound = (run(process, given, calls=calls) for calls in (None, CALLS // 10))
        assert bound.passed == free.passed
        assert bound.won < free.won


def test_no_figure_of_it_is_on_a_report():
    for room in ("report", "cli", "funnel", "serve"):
        for file in (PAGE.parents[1] / "connector" / room).rglob("*.py"):
            assert "three_funnels" not in file.read_text(encoding="utf-8")
