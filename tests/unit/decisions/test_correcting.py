"""A word given by hand takes back an earlier one; an older one changes nothing."""

from __future__ import annotations

import pytest

from connector.decisions.calendar import Calendar
from connector.decisions.standing import Cycle, Policy
from connector.decisions.verdict import correct
from connector.decisions.vocabulary import fault_in
from connector.domain.cycle import State, Verdict
from connector.domain.moment import DAY

CALENDAR = Calendar("UTC")
NOW = 400 * DAY


def pass_in(state, *, number=1, verdict_at=None, reason=None):
    return Cycle(
        "p", number, state, "why", NOW - 9 * DAY, None, NOW - 10 * DAY,
        verdict=state.value if verdict_at else None, verdict_reason=reason, verdict_at=verdict_at,
    )  # fmt: skip


def said(cycle, verdict, *, reason=None, at=NOW):
    return correct(
        cycle, Verdict(verdict), reason=reason, at=at, behaviour_at=7,
        policy=Policy(), calendar=CALENDAR, now=NOW,
    )  # fmt: skip


def test_a_final_word_can_be_taken_back():
    move = said(pass_in(State.REJECTED, verdict_at=NOW - DAY, reason="no_budget"), "accepted")
    assert (move.before, move.cycle.state, move.by) == (State.REJECTED, State.ACCEPTED, "person")
    assert move.cycle.next_at is not None
    assert move.cycle.behaviour_at == 7


def test_another_reason_changes_the_reason_and_not_the_state():
    rejected = pass_in(State.REJECTED, verdict_at=NOW - DAY, reason="no_budget")
    move = said(rejected, "rejected", reason="wrong_size")
    assert (move.cycle.verdict_reason, move.cycle.since) == ("wrong_size", rejected.since)
    assert said(rejected, "rejected", reason="no_budget") is None


@pytest.mark.parametrize(
    ("cycle", "at"),
    [
        pytest.param(pass_in(State.LOST, verdict_at=NOW - DAY), NOW - 2 * DAY, id="older word"),
        pytest.param(pass_in(State.NURTURE, number=2), NOW - 20 * DAY, id="of an earlier pass"),
    ],
)
def test_an_older_word_changes_nothing(cycle, at):
    assert said(cycle, "qualified", at=at) is None


WORDS = {"rejected": ("wrong_size",)}


@pytest.mark.parametrize(
    ("verdict", "reason", "fine"),
    [
        ("accepted", None, True),
        ("accepted", "anything", True),
        ("rejected", "wrong_size", True),
        ("rejected", "other: moved away", True),
        ("rejected", "other", False),
        ("rejected", None, False),
        ("rejected", "wrong", False),
        ("refused", "wrong_size", False),
    ],
)
def test_a_verdict_needs_a_reason_that_is_agreed(verdict, reason, fine):
    assert (fault_in(verdict, reason, WORDS) is None) is fine
