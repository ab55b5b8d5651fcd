"""What to do with one field: our wish, what we last wrote, and what the CRM holds now."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.moment import DAY
from connector.mapping.compile import WriteTarget
from connector.sync.diff import Base, Do, settle
from connector.sync.planning.quiet import Worth, worth_writing

NOW = 100 * DAY


def target(policy, *, clear=False):
    return WriteTarget("score", "f", policy, 30 * DAY if policy == "theirs_for" else None, clear)


def do(policy, desired, base, remote, *, clear=False, edited=None, changed=None):
    last = None if base is None else Base(base, NOW - DAY)
    return settle(
        target(policy, clear=clear),
        desired,
        last,
        remote,
        edited_at=edited,
        changed_at=changed,
        now=NOW,
    )


@pytest.mark.parametrize(
    ("policy", "desired", "base", "remote", "wanted"),
    [
        ("ours", 70, None, None, Do.WRITE),
        ("ours", 70, None, 50, Do.WRITE),
        ("ours", 70, 50, 60, Do.WRITE),
        ("ours", 70, 50, 70, Do.NOTHING),
        ("theirs", "a", None, None, Do.WRITE),
        ("theirs", "a", None, "b", Do.KEEP),
        ("theirs", "a", "c", "b", Do.KEEP),
        ("theirs", "a", "b", "b", Do.WRITE),
        ("ask", "a", "c", "b", Do.ASK),
        ("ours", None, 50, 50, Do.KEEP),
    ],
)
def test_each_policy_does_what_it_says(policy, desired, base, remote, wanted):
    assert do(policy, desired, base, remote) is wanted


@pytest.mark.parametrize(
    ("policy", "wanted"),
    [("ours", Do.WRITE), ("theirs", Do.KEEP), ("theirs_for", Do.KEEP), ("ask", Do.ASK)],
)
def test_a_value_of_ours_that_a_person_said_again_is_theirs(policy, wanted):
    assert do(policy, "a", "b", "b", edited=NOW - DAY) is wanted
    assert do(policy, "a", "b", "b") is Do.WRITE


def test_nothing_is_emptied_unless_the_mapping_says_so():
    assert do("ours", None, "x", "x") is Do.KEEP
    assert do("ours", None, "x", "x", clear=True) is Do.WRITE


def test_somebody_elses_value_counts_for_its_time_and_no_longer():
    assert do("theirs_for", True, True, False, edited=None) is Do.KEEP
    assert do("theirs_for", True, True, False, edited=NOW - 29 * DAY) is Do.KEEP
    assert do("theirs_for", True, True, False, edited=NOW - 30 * DAY) is Do.WRITE


def test_the_newest_wins_where_that_is_the_policy():
    assert do("newest", "a", "b", "c", changed=NOW) is Do.KEEP
    assert do("newest", "a", "b", "c", changed=NOW - 2 * DAY) is Do.WRITE
    assert do("newest", "a", "b", "c", changed=NOW - DAY) is Do.WRITE


values = st.sampled_from([None, "", 0, 1, 70, "70", True, False, "a", "b"])


@given(st.sampled_from(["ours", "theirs", "theirs_for", "newest", "ask"]), values, values, values)
def test_a_value_that_stands_there_is_never_written_again(policy, desired, base, remote):
    found = do(policy, desired, base, remote, clear=True)
    assert found in set(Do)
    if found is Do.WRITE:
        assert do(policy, desired, desired, desired, clear=True) is Do.NOTHING


def worth(changed, desired=70, remote=69, written=NOW - DAY, record="crm/lead/1"):
    return worth_writing(
        changed,
        record=record,
        desired=desired,
        remote=remote,
        written_at=written,
        now=NOW,
        min_change=3,
        max_age=7 * DAY,
    )


def test_decay_alone_is_quiet_until_it_matters():
    assert worth({"score", "reasons"}) is Worth.NOTHING
    assert worth({"score"}, remote=67) is Worth.WRITE
    assert worth({"score"}, written=NOW - 7 * DAY) is Worth.REFRESH
    assert worth({"score", "grade"}) is Worth.WRITE
    assert worth({"state"}) is Worth.WRITE
    assert worth({"score"}, remote=None, written=None) is Worth.WRITE
    assert worth({"score"}, remote=69, written=None) is Worth.WRITE
    assert worth({"score"}, remote="high") is Worth.WRITE


def test_passengers_never_cause_a_write():
    assert worth({"run", "model"}) is Worth.NOTHING
    assert worth(set()) is Worth.NOTHING


def test_records_written_on_one_day_are_refreshed_on_different_days():
    def refreshed(days):
        ages = (
            worth({"score"}, written=NOW - days * DAY, record=f"crm/lead/{n}") for n in range(2000)
        )
        return sum(one is Worth.REFRESH for one in ages)

    assert refreshed(3) == 0
    assert refreshed(7) == 2000
    steps = [refreshed(day) for day in (3.5, 4, 5, 6, 7)]
    assert all(after - before < 700 for before, after in itertools.pairwise(steps))
