"""Of several things a CRM says about a person, the one that tells how far the person is."""

from __future__ import annotations

import pytest

from connector.domain.cycle import State
from connector.store.incoming.field_history import Kept
from connector.store.persons.people import PersonRecord
from connector.sync.deciding.statements import (
    Statement,
    Step,
    dated,
    earlier,
    leading_up,
    statements,
    strongest,
)


def record(obj, status, at):
    doc = {"status": status, "status_at": at}
    return PersonRecord("crm", obj, f"{obj}{at}", None, doc, {}, False, None, "p")


@pytest.mark.parametrize(
    ("lead", "deals", "wanted"),
    [
        (("qualified", 5), [("lost", 9)], State.LOST),
        (("qualified", 5), [("open", 5), ("lost", 9)], State.QUALIFIED),
        (("qualified", 12), [("lost", 9)], State.QUALIFIED),
        (("qualified", 5), [("lost", 9), ("won", 3)], State.WON),
        (("accepted", 12), [("lost", 9)], State.LOST),
        (("qualified", 5), [], State.QUALIFIED),
    ],
)
def test_a_lead_called_qualified_is_no_more_than_its_deals(lead, deals, wanted):
    said = statements(record("lead", *lead), [record("deal", *deal) for deal in deals], "anna")
    assert strongest(said).state is wanted


# --- what was said before -------------------------------------------------------------------------


def edit(at, after, field="status", before=None, by="u1"):
    return Kept(at, field, before, after, by, told=True)


def step(state, at, reason=None, by="crm/u1"):
    return Step("crm/lead/l", State(state), reason, at, by)


def test_what_is_said_now_has_the_moment_and_author_of_the_edit_that_said_it():
    now = Statement("crm/lead/l", State.REJECTED, None, None, "crm/anna")
    assert dated(now, [edit(5, "accepted"), edit(9, "rejected", by="u2")]) == now._replace(
        at=9, by="crm/u2"
    )
    assert dated(now, [edit(5, "accepted")]) == now, "the history trails behind"
    assert dated(now, []) == now


def test_a_deal_that_is_open_keeps_its_date_whatever_stage_it_is_moved_to():
    deal = Statement("crm/deal/d", State.QUALIFIED, None, 3, "crm/anna", deal=True)
    assert dated(deal, [edit(9, "Negotiation")]) == deal
    won = deal._replace(state=State.WON)
    assert dated(won, [edit(9, "Closed Won")]) == won._replace(at=9, by="crm/u1")


def test_earlier_words_come_with_the_reason_that_stood_there_until_the_next():
    words = [edit(1, "accepted"), edit(5, "rejected"), edit(9, "recycled")]
    reasons = [edit(5, "no budget", "reason"), edit(9, "later", "reason", "no budget")]
    found = earlier("crm/lead/l", words, reasons, State.RECYCLED)
    assert found == [step("accepted", 1, None), step("rejected", 5, "no budget")]


def test_a_word_that_is_no_verdict_is_no_step_and_one_taken_back_is():
    words = [edit(1, None), edit(2, "handed_off"), edit(3, "rejected"), edit(4, None)]
    assert earlier("crm/lead/l", words, [], None) == [step("rejected", 3)]


@pytest.mark.parametrize(
    ("states", "now", "kept"),
    [
        (["accepted"], "rejected", ["accepted"]),
        (["recycled", "accepted", "qualified"], "won", ["accepted", "qualified"]),
        (["rejected"], "accepted", []),
        (["accepted", "rejected"], None, ["accepted", "rejected"]),
    ],
)
def test_of_somebody_new_the_last_words_that_led_further_each_count(states, now, kept):
    steps = [step(state, n) for n, state in enumerate(states)]
    said = Statement("crm/lead/l", State(now), None, None, None) if now else None
    assert [one.state.value for one in leading_up(steps, said)] == kept
