"""The learnt rules in a model file's own text, however the file is written."""

from __future__ import annotations

import pytest

pytest.importorskip("sklearn")
from ruamel.yaml import YAML

from connector.errors import UsageError
from connector.scoring.learning import proposal

FIT = [
    {
        "group": "a: b, {c}",
        "most": 7,
        "rules": [{"name": "it's #1", "field": "x", "in": ["no", "1"], "points": 7}],
    }
]
DONE = [{"name": "came", "activity": "webinar", "points": 3, "within": "90d"}]
FORMS = {
    "block": """\
# top
weights:
  fit: 60 # theirs
  behaviour: 40
fit:
    full_marks: 9 # old
    groups:
        # about g
        - name: g
          rules:
              - name: old
                in: [a,
                     b] # last
        # after g
    # after fit

# end
behaviour:
  groups:
  - {name: h, rules: []}
  full_marks: 5
""",
    "flow": "# top\nfit: {full_marks: 9, groups: [{name: g}]}\n"
    "behaviour: {full_marks: 5, groups: [{name: h}]}\n# end\n",
    "no line at the end": "# top\nbehaviour: {full_marks: 5, groups: []}\n# end\n"
    "fit:\n  full_marks: 9\n  groups:\n  - name: g",
}


@pytest.mark.parametrize("form", FORMS)
def test_learnt_groups_replace_those_of_the_file_in_any_form(form):
    text = proposal.revised(FORMS[form], FIT, DONE, [])
    read = YAML(typ="safe", pure=True).load(text)
    assert read == {
        "weights": {"fit": 7, "behaviour": 3},
        "fit": {
            "full_marks": 7,
            "groups": [{"name": FIT[0]["group"], "rules": FIT[0]["rules"]}],
        },
        "behaviour": {"full_marks": 3, "groups": [{"name": "learnt", "rules": DONE}]},
    }
    comments = [line.strip() for line in FORMS[form].splitlines() if line.strip().startswith("#")]
    assert [line for line in comments if line not in text] == []


def test_a_file_that_only_extends_another_is_refused_with_the_way_on():
    with pytest.raises(UsageError, match="no `fit.full_marks` of its own") as refused:
        proposal.revised("version: 1\nextends: base.yaml\n", FIT, DONE, [])
    assert refused.value.hint == "Learn into the file that it extends"
