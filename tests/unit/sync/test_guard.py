"""What the guard holds and lets pass, at and around each limit, without a store."""

from __future__ import annotations

import pytest

from connector.sync.planning import guard
from connector.sync.planning.guard import Hold, Limits, exceeded

LIMITS = Limits(records=0.2, owners=5, clears=0.1)
FREE = Hold()
EVERY = ["score", "nurture", "owner", "handoff"]


@pytest.fixture
def judged(monkeypatch):
    """Judges a plan of so many rows and cleared ones by group; gives what is said and what waits."""

    def judge(tally, *, total=100, refreshed=0, hold=FREE, limits=LIMITS):
        approved = []
        monkeypatch.setattr(guard.outbox, "tally", lambda _tx, _plan: tally)
        monkeypatch.setattr(guard.outbox, "approve", lambda _tx, _plan, grp: approved.append(grp))
        held = exceeded(None, "p", limits, total, refreshed=refreshed, hold=hold)
        assert approved == [grp for grp in EVERY if grp in approved]
        return held, [grp for grp in tally if grp not in approved]

    return judge


def test_an_empty_plan_and_one_within_its_limits_pass(judged):
    assert judged({}) == ([], [])
    assert judged({}, hold=Hold("the first plan", "little came")) == ([], [])
    assert judged(dict.fromkeys(EVERY, (5, 0))) == ([], [])


@pytest.mark.parametrize("group", ["score", "nurture"])
def test_a_share_of_the_records_is_a_limit_that_may_be_reached(judged, group):
    assert judged({group: (20, 0)}) == ([], [])
    assert judged({group: (21, 0)}) == ([f"{group}: 21 of 100 records (limit 20%)"], [group])


@pytest.mark.parametrize("group", ["score", "nurture"])
def test_a_share_of_emptied_values_is_a_limit_that_may_be_reached(judged, group):
    assert judged({group: (20, 10)}) == ([], [])
    assert judged({group: (20, 11)}) == (
        [f"{group}: 11 values would be emptied (limit 10%)"],
        [group],
    )
    assert judged({group: (21, 11)}) == ([f"{group}: 21 of 100 records (limit 20%)"], [group])


def test_one_record_is_never_too_many_and_two_may_be(judged):
    assert judged({"score": (1, 1)}, total=2) == ([], [])
    assert judged({"score": (2, 0)}, total=2)[0] == ["score: 2 of 2 records (limit 20%)"]
    assert judged({"nurture": (0, 2)}, total=2)[0] == [
        "nurture: 2 values would be emptied (limit 10%)"
    ]


def test_scores_written_for_their_age_alone_count_towards_no_limit_and_flags_do(judged):
    assert judged({"score": (30, 0)}, refreshed=10) == ([], [])
    assert judged({"score": (31, 0)}, refreshed=10)[0] == ["score: 21 of 100 records (limit 20%)"]
    assert judged({"nurture": (21, 0)}, refreshed=10)[0] == [
        "nurture: 21 of 100 records (limit 20%)"
    ]


def test_owners_are_counted_and_take_what_goes_along_with_them(judged):
    assert judged({"owner": (5, 0), "handoff": (99, 0)}) == ([], [])
    held, waiting = judged({"owner": (6, 0), "handoff": (6, 0), "score": (1, 0)})
    assert held == ["owner: 6 owners would change (limit 5)"]
    assert waiting == ["owner", "handoff"]
    assert judged({"owner": (1, 0)}, limits=LIMITS._replace(owners=0))[0] == [
        "owner: 1 owners would change (limit 0)"
    ]
    assert judged({"score": (1, 0)}, limits=LIMITS._replace(owners=0)) == ([], [])


def test_what_waits_whatever_its_size_waits_alone_and_for_its_reason(judged):
    tally = dict.fromkeys(EVERY, (1, 0))
    assert judged(tally, hold=Hold("the first plan")) == (["the first plan"], EVERY)
    assert judged(tally, hold=Hold(None, "little came")) == (
        ["score: little came", "nurture: little came"],
        ["score", "nurture"],
    )
    only = {"owner": (1, 0), "nurture": (1, 0)}
    assert judged(only, hold=Hold(None, "little came")) == (
        ["nurture: little came"],
        ["nurture"],
    )


def test_several_limits_are_all_said(judged):
    held, waiting = judged({"score": (50, 0), "nurture": (5, 20), "owner": (9, 0)})
    assert [one.partition(":")[0] for one in held] == ["score", "nurture", "owner"]
    assert waiting == ["score", "nurture", "owner"]
