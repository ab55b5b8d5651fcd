"""The funnel counts cycles, and a late stage implies the earlier ones."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from connector.domain.cycle import State
from connector.funnel.stages import CyclePath, measure


def test_a_deal_won_straight_from_a_hand_off_was_qualified_too():
    funnel = measure(
        [
            CyclePath({"inquiry", "nurture"}, "nurture", None),
            CyclePath({"inquiry", "sales_ready", "handed_off", "rejected"}, "rejected", "budget"),
            CyclePath({"inquiry", "handed_off", "won"}, "won", None),
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
    assert funnel.reasons == {("rejected", "budget"): 1}
    assert funnel.standing == {"nurture": 1, "rejected": 1, "won": 1}


paths = st.lists(
    st.sets(st.sampled_from([s.value for s in State]), min_size=1).map(
        lambda states: CyclePath(states, min(states), None)
    )
)


@given(paths)
def test_no_stage_holds_more_than_the_one_before(found):
    counts = [stage.cycles for stage in measure(found).stages]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] == len(found)


def test_nothing_at_all_is_a_funnel_without_shares():
    assert [stage.share for stage in measure([]).stages] == [None] * 6
