"""The process told from the files: every part, and what is missing in red."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner

from connector.cli.main import leadloop as group
from tests.cli.test_commands import small  # noqa: F401  the folder of files


@pytest.fixture
def told(small, monkeypatch):  # noqa: F811
    monkeypatch.chdir(small)

    def run(*words, expect=0):
        done = CliRunner().invoke(group, ["process", *words], standalone_mode=False)
        if done.exception and expect == 0:
            raise done.exception
        return done.stdout

    return run


def test_the_parts_come_in_the_order_a_lead_lives_through_and_say_what_is_missing(told, small):  # noqa: F811
    text = told("--html", "p.html")
    titles = re.findall(r"^\d\. (.*)$", text, re.MULTILINE)
    assert titles[0] == "How leads come"
    assert titles[-1] == "How leads come back"
    assert len(titles) == 9
    assert "Boss: +10, when seniority is c level" in text
    assert "not defined: a qualified lead in one sentence" in text
    assert "Nobody has signed yet" in text
    page = (small / "p.html").read_text()
    assert "default-src 'none'" in page
    assert "<script" not in page
    assert re.search(r'class="undefined">Not defined: [^<]*definition', page)


def test_what_is_written_down_is_told_and_no_longer_missing(told, small):  # noqa: F811
    before = told("-o", "csv").count(",no\n") + told("-o", "csv").count("False")
    with (small / "leadloop.yaml").open("a") as file:
        file.write(
            "process:\n"
            "  definition: Somebody who can buy & wants to <soon>\n"
            "  sources: [{name: web, how: forms, target: 40, owner: mia}]\n"
            "  passes: [the pages they saw]\n"
            "sla: {first_touch: 8bh, country: DE, tz: Europe/Berlin}\n"
            "nurture: {themes: {roi-guide: cost}}\n"
        )
    text = told("--html", "p.html")
    for said in (
        "Somebody who can buy & wants to <soon>",
        "web: forms; 40 leads a month are wanted; mia sees to it",
        "First contact within 8 working hours of the hand-off",
        "Theme cost: after roi-guide",
        "the pages they saw",
    ):
        assert said in text
    assert "not defined: a qualified lead" not in text
    assert "wants to &lt;soon&gt;" in (small / "p.html").read_text()
    after = told("-o", "csv").count("False")
    assert after < before
    assert "# How we work leads" in told("-o", "markdown")


def test_the_version_changes_with_any_part_and_with_nothing_else(told, small):  # noqa: F811
    first = told().splitlines()[0]
    assert told().splitlines()[0] == first
    routing = small / "routing.yaml"
    routing.write_text(routing.read_text() + "overflow: {hold: 2d}\n")
    second = told().splitlines()[0]
    assert second.split(",")[1] == first.split(",")[1], "the definition is the same"
    assert second.split(",")[0] != first.split(",")[0]
    model = small / "model.yaml"
    model.write_text(model.read_text() + "threshold: 50\n")
    assert told().splitlines()[0].split(",")[1] != first.split(",")[1]
