"""The process that counts: its answers come whole, and what goes wrong there is told."""

from __future__ import annotations

import pytest

from connector.engine.passes import open_passes
from connector.errors import LeadloopError


def test_what_a_library_prints_there_does_not_get_among_the_answers():
    with open_passes() as passes:
        passes.run("COPY (SELECT 'noise' FROM range(1000)) TO '/dev/stdout' (FORMAT csv)")
        assert passes.ask("SELECT 1, 'one'") == [(1, "one")]


def test_a_large_answer_comes_whole():
    with open_passes() as passes:
        rows = passes.ask("SELECT range, 'p' || range FROM range(200_000)")
    assert rows == [(n, f"p{n}") for n in range(200_000)]


def test_a_process_that_ends_is_told_with_its_last_words():
    with open_passes() as passes, pytest.raises(LeadloopError, match="nowhere"):
        passes.ask("SELECT * FROM nowhere")
