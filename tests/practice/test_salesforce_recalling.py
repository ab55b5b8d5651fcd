"""What Salesforce said of its objects is asked for once, and anew when something changed."""

from __future__ import annotations

import re

import pytest

from connector.domain.moment import DAY, HOUR
from tests.practice.conftest import heard


@pytest.fixture
def work(opened, monkeypatch):
    work = opened("salesforce")
    work.calls = heard(work.crm, monkeypatch)
    work.hot("ada")
    for _ in range(2):  # contact roles are read for the first time by the second run
        work.pass_time(HOUR)
        work.go()
    return work


def asked(work):
    """How many descriptions, and how often whether anything changed, since last time."""
    said = [request.path for _, request in work.calls]
    work.calls.clear()
    whole = [path for path in said if path.endswith("/sobjects")]
    return sum(path.endswith("/describe") for path in said), len(whole)


def test_a_run_in_an_unchanged_org_asks_once_whether_anything_changed(work):
    first, _ = asked(work)
    assert first > 10
    work.pass_time(HOUR)
    work.go()
    assert asked(work) == (0, 1)


def test_an_object_that_is_not_there_is_not_asked_for_again_either(work):
    asked(work)
    work.pass_time(HOUR)
    work.go()
    assert not any("OpportunityFieldHistory" in request.path for _, request in work.calls)


def test_a_field_that_is_hidden_or_shown_again_is_noticed_by_the_next_run(work):
    asked(work)
    work.pass_time(HOUR)
    work.crm.steer("rules", {"hidden": [["Lead", "Title"]]})
    work.go()
    assert "Lead has no `Title` any more" in " ".join(work.warnings)
    assert asked(work)[0] > 10
    work.pass_time(HOUR)
    work.crm.steer("rules", {"hidden": []})
    work.go()
    assert not any("Title" in one for one in work.warnings)


def test_after_a_day_everything_is_asked_for_anew(work):
    asked(work)
    work.pass_time(DAY + HOUR)
    work.go()
    assert asked(work)[0] > 10


def test_a_refused_field_has_everything_asked_for_anew(work, monkeypatch):
    asked(work)
    work.pass_time(HOUR)
    unchanged = "connector.practice.salesforce.reading._unchanged"
    monkeypatch.setattr(unchanged, lambda *_: True)
    work.crm.steer("rules", {"hidden": [["Lead", "Title"]]})
    with pytest.raises(Exception, match=re.escape("INVALID_FIELD")):
        work.go()
    monkeypatch.undo()
    work.pass_time(HOUR)
    work.go()
    assert "Lead has no `Title` any more" in " ".join(work.warnings)
