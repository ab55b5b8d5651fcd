"""Credit and return of campaigns, worked out once more the slow way."""

from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.funnel.campaigns import NO_CAMPAIGN, CampaignMeasure, Effort
from connector.funnel.history import History


def passed(*touches, state="won", cents=None, ready=None, number=1):
    """One pass: touches are (moment, campaign), oldest first."""
    reached = {} if ready is None else {"sales_ready": ready}
    states = frozenset({"inquiry", state})
    return History("p", number, state, states, reached, won_cents=cents, touches=touches)


def measured(passes, **options):
    measure = CampaignMeasure(**options)
    for one in passes:
        measure.add(one)
    return {one.name: one for one in measure.result()}, measure


def test_first_last_and_even_credit_differ_and_each_gives_the_whole_value_away():
    one = passed((1, "fair"), (5, "ads"), (9, "mail"), cents=100, ready=6)
    found, _ = measured([one])
    values = {name: (c.first.value, c.last.value, c.even.value) for name, c in found.items()}
    assert values == {"fair": (100, 0, 34), "ads": (0, 100, 33), "mail": (0, 0, 33)}
    assert (found["fair"].leads, found["ads"].leads) == (1, 0)
    assert (found["fair"].sales_ready, found["ads"].sales_ready) == (0, 1)


def test_where_everything_came_after_the_lead_was_ready_the_first_touch_counts():
    found, _ = measured([passed((7, "fair"), (8, "ads"), cents=10, ready=6)])
    assert found["fair"].last.value == 10


def test_a_pass_no_campaign_touched_stands_apart_and_last():
    found, _ = measured([passed(cents=900), passed((1, "fair"), state="nurture")])
    assert list(found) == ["fair", NO_CAMPAIGN]
    assert found[NO_CAMPAIGN].last.value == 900


def test_return_counts_margin_and_the_time_of_sales():
    """1,000 won at 40% margin for 100 spent and two hand-offs at 50: (400 - 200) / 200."""
    passes = [passed((1, "fair"), cents=100_000), passed((1, "fair"), state="rejected")]
    found, measure = measured(
        passes, costs={"fair": 10_000, "ghost": 5_000}, effort=Effort(5_000, 0.4)
    )
    assert found["fair"].sales_cost == 10_000
    assert found["fair"].last.roi == pytest.approx(1.0)
    assert found["ghost"].leads == 0
    assert found["ghost"].last.roi == -1.0
    assert measure.spent().cost == 15_000
    assert measure.spent().each["inquiry"] == 7_500
    assert measure.spent().each["won"] == 15_000


def test_without_a_cost_nothing_is_said_of_its_return():
    found, measure = measured([passed((1, "fair"), cents=100)], effort=Effort(50, None))
    assert found["fair"].cost is None
    assert found["fair"].last.roi is None
    assert measure.spent() is None


def test_a_rate_of_few_hand_offs_carries_its_interval():
    found, _ = measured([passed((1, "fair"), state="accepted")] * 3)
    assert found["fair"].few
    low, high = found["fair"].acceptance_between
    assert low < 0.45 < high == 1.0


TOUCHES = st.lists(st.tuples(st.integers(0, 9), st.sampled_from(["a", "b", "c"])), max_size=5)
PASSES = st.lists(
    st.builds(
        lambda touches, state, cents, ready: passed(
            *sorted(touches), state=state, cents=cents if state == "won" else None, ready=ready
        ),
        TOUCHES,
        st.sampled_from(["inquiry", "handed_off", "accepted", "won"]),
        st.none() | st.integers(1, 1000),
        st.none() | st.integers(0, 9),
    ),
    max_size=20,
)


@given(PASSES)
def test_every_cent_and_every_pass_is_credited_once_in_each_way(passes):
    found, _ = measured(passes)
    slow = defaultdict(lambda: [0, 0])
    for one in passes:
        names = [name for _, name in one.touches]
        early = [name for at, name in one.touches if at <= one.reached.get("sales_ready", 99)]
        slow[names[0] if names else NO_CAMPAIGN][0] += one.won_cents or 0
        slow[(early or names[:1] or [NO_CAMPAIGN])[-1]][1] += one.won_cents or 0
    for name, one in found.items():
        assert (one.first.value, one.last.value) == tuple(slow[name])
    whole = sum(one.won_cents or 0 for one in passes)
    assert sum(one.even.value for one in found.values()) == whole
    assert sum(one.leads for one in found.values()) == len(passes)
