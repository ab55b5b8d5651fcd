"""docs/requirements.md names tests that exist, and says something of all 88."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "requirements.md").read_text(encoding="utf-8")


def test_all_88_are_there_with_their_state():
    rows = re.findall(r"^\| (\d+) \| [^|]+ \| (done|part|open) \|", PAGE, re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(1, 89))


def test_what_is_done_names_a_test_that_exists():
    for number, state, shown in re.findall(
        r"^\| (\d+) \| [^|]+ \| (done|part|open) \|[^|]*\| (.*) \|$", PAGE, re.MULTILINE
    ):
        assert shown or state == "open", number
        if shown:
            path, _, name = shown.strip("`").partition("::")
            assert f"def {name}(" in (ROOT / path).read_text(encoding="utf-8"), number
