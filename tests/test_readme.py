"""What the documents show is what the program does."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from connector.domain.moment import parse_iso

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_first_command_stands_by_line_twenty():
    lines = README.splitlines()
    assert lines.index("make demo") < 20


BLOCK = re.search(r"<!-- tested: leadloop (.*?) -->\n```text\n(.*?)\n```", README, re.DOTALL)


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """The demo with the seed the README shows, and with another: what each printed, and where."""
    running = {}
    for seed in ("7", "11"):
        folder = tmp_path_factory.mktemp(f"demo{seed}")
        words = [sys.executable, "-m", "connector", *BLOCK[1].split(), "--seed", seed]
        process = subprocess.Popen(words, cwd=folder, stdout=subprocess.PIPE, text=True)
        running[seed] = (process, folder / "leadloop-demo")
    told = {}
    for seed, (process, folder) in running.items():
        out, _ = process.communicate(timeout=280)
        assert process.returncode == 0
        told[seed] = (out.rstrip(), folder)
    return told


def changes(folder, crm):
    lines = (folder / f"changes-in-{crm}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def number(out, pattern):
    return int(re.search(pattern, out)[1].replace(",", ""))


def test_the_demo_prints_what_the_readme_shows_in_under_forty_lines(played):
    out, _ = played["7"]
    assert out == BLOCK[2]
    assert len(out.splitlines()) < 40


def test_another_seed_is_another_company_and_changes_every_figure(played):
    (seven, _), (eleven, _) = played["7"], played["11"]
    shared = set(seven.splitlines()) & set(eleven.splitlines())
    assert not [line for line in shared if line.startswith(("First", "Score", "Nurture", "Passed"))]


@pytest.mark.parametrize("seed", ["7", "11"])
def test_what_the_demo_tells_is_what_changed_in_the_crms(played, seed):
    """Figures of the story, once more from what the practice CRMs themselves noted."""
    out, folder = played[seed]
    sf, hs = changes(folder, "salesforce"), changes(folder, "hubspot")
    moments = sorted({one["at"] for one in sf if str(one["field"]).startswith("Leadloop_")})

    def records(effects, at):
        return len({(one["object"], one["id"]) for one in effects if one["at"] == at})

    scored, nurtured = moments[:2]
    assert number(out, r"Score +([\d,]+) records") == records(sf, scored) + records(hs, scored)
    assert number(out, r"Nurture +([\d,]+) records") == records(sf, nurtured)
    came = sum(one["object"] == "Lead" and one["field"] == "+" for one in sf)
    assert sum(map(int, re.findall(r"(\d+) new leads", out))) == came
    won = sum(one["field"] == "StageName" and one["after"] == "Closed Won" for one in sf)
    assert sum(map(int, re.findall(r"(\d+) won(?:,|$)", out.partition("Week 1")[2], re.M))) == won
    taken = sum(one["field"] == "Status" and one["after"] == "Working - Contacted" for one in sf)
    weeks = out.partition("Week 1")[2]
    assert sum(map(int, re.findall(r"(\d+) accepted", weeks))) == taken
    assert number(out, r"Last run +(\d+) changes") == 0


@pytest.mark.parametrize("seed", ["7", "11"])
def test_a_trade_fair_with_two_on_leave_and_a_silent_partner_loses_nobody(played, seed):
    out, folder = played[seed]
    came = list(map(int, re.findall(r"(\d+) new leads", out)))
    assert came[0] == 10 * came[1]
    assert number(out, r"(\d+) had to wait") > 0, "the team was full"
    assert number(out, r"(\d+) of them went on") > 0, "the partner never answered"
    assert number(out, r"(\d+) late untold") == 0
    assert number(out, r"Lost +(\d+) of") == 0
    offers = (folder / "partners" / "offers-south-partners.csv").read_text().splitlines()[1:]
    assert all(line.startswith("offered,") for line in offers)
    sf = changes(folder, "salesforce")
    away = {one["id"]: one for one in sf if one["field"] == "Away_Until__c"}
    assert len(away) == 2
    with closing(sqlite3.connect(folder / "state" / "leadloop.db")) as store:
        turns = store.execute("SELECT owner, at FROM routing WHERE pool IS NOT NULL").fetchall()
    back = {
        f"sf/{one['id']}": parse_iso(one["after"].replace("+0000", "Z")) for one in away.values()
    }
    left = min(one["at"] for one in away.values())
    theirs = [(owner, at) for owner, at in turns if owner in back and at >= left]
    assert all(at >= back[owner] for owner, at in theirs), "nobody away has a turn"
    assert theirs, "who is back has turns again"


def test_the_commands_the_readme_names_exist():
    from connector.cli.main import COMMANDS

    named = set(re.findall(r"leadloop ([a-z]+)", README))
    assert named <= set(COMMANDS)


def test_the_reference_is_what_the_commands_say():
    code = "import runpy; print(runpy.run_path('docs/generate.py')['reference'](), end='')"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == (ROOT / "docs" / "reference.md").read_text(encoding="utf-8"), (
        "run: make docs"
    )


def test_every_link_leads_somewhere():
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
