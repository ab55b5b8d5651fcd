"""The page of traps names every trap, and only tests that there are."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parents[2] / "docs" / "traps-hubspot.md"
TRAPS = 53


def table():
    rows = re.findall(r"^\| (\d+) \| (.+?) \| (.+?) \| (.+?) \|$", PAGE.read_text(), re.MULTILINE)
    return {int(number): (trap, naive, ours) for number, trap, naive, ours in rows}


def written():
    text = "".join(file.read_text() for file in HERE.glob("test_*.py"))
    return set(re.findall(r"^def (test_trap_\d\d_\w+)", text, re.MULTILINE))


def test_the_page_has_each_number_once():
    assert list(table()) == list(range(1, TRAPS + 1))


def test_the_page_names_every_test_beside_its_number_and_no_other():
    named = {}
    for number, (_, *cells) in table().items():
        for name in re.findall(r"`(test_trap_\w+)`", " ".join(cells)):
            named[name] = number
    assert set(named) == written()
    assert all(name.startswith(f"test_trap_{number:02}_") for name, number in named.items())


def test_a_cell_without_a_test_says_why():
    for _, *cells in table().values():
        for cell in cells:
            assert "`test_trap_" in cell or re.match(r"(untestable here|not written)\b.*: ", cell)
