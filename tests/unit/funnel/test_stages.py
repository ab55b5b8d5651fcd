"""The funnel counts cycles, and a late stage implies the earlier ones."""

from __future__ import annotations

from hypothesis import given

from connector.funnel.history import History
from connector.funnel.stages import StageMeasure
from tests.unit.funnel.histories import histories
from tests.unit.funnel.passes import asking


def cycle(*states, **values):
    return History("p", 1, states[-1], frozenset(states), **{"reached": {}, **values})


def measured(found):
    return StageMeasure().result(asking(found))


def test_a_deal_won_straight_from_a_hand_off_was_qualified_too():
    funnel = measured(
        [
            cycle("inquiry", "nurture"),
            cycle("inquiry", "sales_ready", "handed_off", "rejected", reason="budget"),
            cycle("inquiry", "handed_off", "won"),
        ]
    )
    assert [(s.name, s.cycles) for s in funnel.stages] == [
        ("inquiry", 3),
        ("sales_ready", 2),
        ("handed_off", 2),
        ("accepted", 1),
        ("qualified", 1),
        ("won", 1),
    ]
    assert funnel.standing == {"nurture": 1, "rejected": 1, "won": 1}


@given(histories)
def test_no_stage_holds_more_than_the_one_before(found):
    counts = [stage.cycles for stage in measured(found).stages]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] == len(found)


def test_nothing_at_all_is_a_funnel_without_shares():
    assert [stage.share for stage in measured([]).stages] == [None] * 6


def test_a_step_that_runs_backwards_in_time_is_counted_but_not_timed():
    day = 86_400_000_000
    funnel = measured(
        [
            cycle("qualified", "won", reached={"qualified": 2 * day, "won": day}),
            cycle("qualified", "won", reached={"qualified": day, "won": 4 * day}),
        ]
    )
    won = funnel.stages[-1]
    assert (won.cycles, won.timed, won.median) == (2, 1, 3 * day)
    assert funnel.disordered == 1
