"""Two connections that write the same fields are noticed, with the one next step."""

from __future__ import annotations

import pytest

from connector.config.load import load_settings
from connector.sync.planning.sides import both_sides

MAPPING = """
version: 1
objects:
  lead:
    is: person
    source: leads
    key: id
    changed: changed_at
    fields: {{email: email}}
    write: {{{writes}}}
"""
SETTINGS = """
version: 1
store: sqlite:///./s.db
model: model.yaml
connections:
"""


@pytest.fixture
def written(tmp_path):
    def given(*connections):
        settings = SETTINGS
        for name, kind, more, writes in connections:
            (tmp_path / f"{name}.yaml").write_text(MAPPING.format(writes=writes))
            settings += f"  - {{name: {name}, kind: {kind}, mapping: {name}.yaml{more}}}\n"
        (tmp_path / "leadloop.yaml").write_text(settings)
        return both_sides(load_settings(tmp_path / "leadloop.yaml", environ={}))

    return given


BOTH = "score: {to: a_score, owner: ours}, grade: {to: a_grade, owner: ours}"
SCORE = "score: {to: b_score, owner: ours}"


def test_two_crms_that_get_the_same_fields_are_named_with_the_side_to_keep(written):
    (found,) = written(("hs", "hubspot", "", BOTH), ("sf", "salesforce", ", handoff: true", SCORE))
    assert found.said == "hs and sf both get score"
    assert "take `write:` out of hs.yaml, keep it in sf.yaml" in found.fix


def test_crms_with_fields_of_their_own_and_files_are_no_finding(written):
    grade = "grade: {to: b_grade, owner: ours}"
    assert (
        written(("hs", "hubspot", ", handoff: true", SCORE), ("sf", "salesforce", "", grade)) == []
    )
    assert written(("hs", "hubspot", ", handoff: true", SCORE), ("csv", "files", "", SCORE)) == []
