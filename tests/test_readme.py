"""What the documents show is what the program does."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_first_command_stands_by_line_twenty():
    lines = README.splitlines()
    assert lines.index("make demo") < 20


def test_the_demo_prints_what_the_readme_shows(tmp_path):
    block = re.search(r"<!-- tested: leadloop (.*?) -->\n```text\n(.*?)\n```", README, re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-m", "connector", *block[1].split()],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert done.stdout.rstrip() == block[2]


def test_another_seed_is_another_company(tmp_path):
    words = [sys.executable, "-m", "connector", "demo", "--seed", "11"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[0] not in README


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
