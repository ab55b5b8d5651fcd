"""Costs and credit: three ways to share out, each to the cent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.funnel.returns import NO_CAMPAIGN, WAYS, ReturnMeasure, effort_cents
from tests.unit.funnel import reference
from tests.unit.funnel.histories import DAY, histories
from tests.unit.funnel.test_measures import LAW, fed
from tests.unit.funnel.test_stages import cycle

COSTS = st.dictionaries(st.sampled_from(["a", "b", "unanswered"]), st.integers(0, 10**7))
EFFORT = st.dictionaries(st.sampled_from(reference.ORDER[1:]), st.integers(0, 10**5))


@LAW
@given(histories, COSTS, EFFORT, st.sampled_from([1.0, 0.4, 0.0]))
def test_every_campaign_is_what_the_slow_reference_says(found, costs, effort, margin):
    result = fed(ReturnMeasure(costs, effort, margin), found)
    slow = reference.returns(found, costs, effort, margin)
    assert {r.campaign: plain(r) for r in result.campaigns} == slow
    lonely = [n for n, row in slow.items() if row[1][0] and not row[4] and n != NO_CAMPAIGN]
    assert result.one_and_done == len(lonely)


def plain(one):
    return tuple(tuple(v) if isinstance(v, tuple) else v for v in one[1:])


@LAW
@given(histories, EFFORT)
def test_each_way_gives_away_exactly_what_was_won_and_spent(found, effort):
    result = fed(ReturnMeasure({}, effort), found)
    for way in WAYS:
        given_away = [getattr(r, way) for r in result.campaigns]
        assert sum(c.value for c in given_away) == result.value
        assert sum(c.sales_time for c in given_away) == result.sales_time


def test_the_last_touch_is_the_one_before_the_lead_was_sales_ready():
    won = cycle("sales_ready", "won", won_cents=1001)._replace(
        reached={"sales_ready": 3 * DAY, "won": 9 * DAY},
        campaigns=((DAY, "a"), (2 * DAY, "b"), (5 * DAY, "c"), (10 * DAY, "d")),
    )
    found = {r.campaign: r for r in fed(ReturnMeasure({}), [won]).campaigns}
    assert [n for n, r in found.items() if r.first_touch.value] == ["a"]
    assert [n for n, r in found.items() if r.last_before_ready.value] == ["b"]
    assert {n: r.even_split.value for n, r in found.items()} == {"a": 334, "b": 334, "c": 333}


def test_return_counts_sales_time_beside_the_cost():
    won = cycle("won", won_cents=100_000)._replace(campaigns=((0, "a"),))
    effort = effort_cents(6000, {"handed_off": 0.5, "qualified": 2})
    row = fed(ReturnMeasure({"a": 5000}, effort, 0.5), [won]).campaigns[0].first_touch
    assert (row.sales_time, row.profit) == (15_000, 30_000)
    assert row.roi == pytest.approx(1.5)
    assert fed(ReturnMeasure({}), [won]).campaigns[0].first_touch.roi is None


def test_cost_per_stage_is_of_all_campaigns_and_unknown_without_costs():
    leads = [cycle("inquiry"), cycle("inquiry"), cycle("sales_ready")]
    assert fed(ReturnMeasure({"a": 900}), leads).per_stage[:3] == (300, 900, None)
    assert fed(ReturnMeasure({}), leads).per_stage[0] is None
