"""Each CRM's page of traps names every trap, and only tests that there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
DOCS = HERE.parents[1] / "docs"
TRAPS = {"hubspot": 53, "salesforce": 65}
WHY = re.compile(r"(untestable here|not written|not yet)\b.*: ")


def table(kind):
    text = (DOCS / f"traps-{kind}.md").read_text()
    rows = re.findall(r"^\| (\d+) \| (.+?) \| (.+?) \| (.+?) \|$", text, re.MULTILINE)
    return [(int(number), trap, naive, ours) for number, trap, naive, ours in rows]


def written(kind):
    files = (HERE / f"{kind}_traps").glob("test_*.py")
    text = "".join(file.read_text() for file in files)
    return set(re.findall(r"^def (test_trap_\d\d_\w+)", text, re.MULTILINE))


@pytest.fixture(params=sorted(TRAPS))
def kind(request):
    return request.param


def test_the_page_has_each_number_once(kind):
    assert [number for number, *_ in table(kind)] == list(range(1, TRAPS[kind] + 1))


def test_the_page_names_every_test_beside_its_number_and_no_other(kind):
    named = {}
    for number, _, *cells in table(kind):
        for name in re.findall(r"`(test_trap_\w+)`", " ".join(cells)):
            named[name] = number
    assert set(named) == written(kind)
    assert all(name.startswith(f"test_trap_{number:02}_") for name, number in named.items())


def test_ours_stand_in_the_last_column_and_the_twins_before_it(kind):
    for number, _, naive, ours in table(kind):
        own = f"test_trap_{number:02}_ours_"
        assert own not in naive
        assert all(name.startswith(own) for name in re.findall(r"`(test_trap_\w+)`", ours))


def test_a_cell_without_a_test_says_why(kind):
    for _, _, *cells in table(kind):
        for cell in cells:
            assert "`test_trap_" in cell or WHY.match(cell)


def test_at_most_a_tenth_is_untestable(kind):
    untestable = sum("untestable here" in "".join(cells) for _, _, *cells in table(kind))
    assert untestable <= TRAPS[kind] // 10
