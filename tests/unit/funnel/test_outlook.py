"""Quarters, lengths, drivers, profiles, capacity, phases, calibration, flow and alarms, exactly."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.funnel.calibration import CalibrationMeasure
from connector.funnel.capacity import CapacityMeasure
from connector.funnel.cohorts import SEGMENT
from connector.funnel.control import control
from connector.funnel.drivers import drivers
from connector.funnel.flow import FlowMeasure
from connector.funnel.lengths import LengthMeasure
from connector.funnel.novelties import NoveltyMeasure, gone
from connector.funnel.phases import PhaseMeasure
from connector.funnel.pipeline import PipelineMeasure
from connector.funnel.profiles import ProfileMeasure
from connector.funnel.quarters import QuarterMeasure
from connector.funnel.returns import ReturnMeasure
from connector.funnel.segments import SOURCE, band_namer
from connector.funnel.statistics import wilson
from tests.unit.funnel import reference_outlook as reference
from tests.unit.funnel.histories import DAY, NOW, histories
from tests.unit.funnel.passes import asking
from tests.unit.funnel.test_kinds import MANY, month
from tests.unit.funnel.test_measures import LAW, band_of, fed
from tests.unit.funnel.test_returns import COSTS, EFFORT
from tests.unit.funnel.test_stages import cycle

HOURS = st.dictionaries(
    st.sampled_from(["handed_off", "qualified", "won"]), st.sampled_from([0.5, 3])
)
KEYS = {
    "source": (SOURCE, lambda o: o.source or "unknown"),
    "segment": (SEGMENT, lambda o: o.segment),
    "band": (band_namer(65), band_of),
}
PHASES = [
    {},
    {"Learning": "inquiry", "Choosing": "handed_off", "Buying": "won"},
    {"Need": "sales_ready", "Talk": "accepted", "Offer": "qualified", "Deal": "won"},
]


@LAW
@given(histories)
def test_quarters(found):
    result = fed(QuarterMeasure(), found)
    assert {row.name: tuple(row)[1:] for row in result} == reference.quarters(found, month)
    assert [row.name for row in result] == sorted(row.name for row in result)


@LAW
@given(histories)
def test_pipeline_created_and_what_became_of_it(found):
    result = fed(PipelineMeasure(), found)
    assert {row.name: tuple(row)[1:] for row in result} == reference.pipeline(found, month)


@LAW
@given(histories, EFFORT)
def test_how_long_sales_takes_and_what_a_shorter_way_spares(found, effort):
    result = fed(LengthMeasure(effort), found)
    assert {row.segment: tuple(row)[1:] for row in result} == reference.lengths(found, effort)


def test_a_slow_sale_costs_what_its_days_beyond_the_usual_cost():
    quick, slow = (
        cycle("won")._replace(reached={"handed_off": 0, "won": days * DAY}) for days in (10, 30)
    )
    whole = fed(LengthMeasure({"handed_off": 2_000}), [quick, quick, slow])[0]
    assert (whole.cost, whole.over // DAY, whole.spared) == (6_000, 20, 2_400)


@LAW
@given(st.one_of(histories, MANY), COSTS, EFFORT, st.sampled_from([1.0, 0.4]))
def test_what_each_driver_would_bring(found, costs, effort, margin):
    result = drivers(fed(ReturnMeasure(costs, effort, margin), found), margin)
    assert {row.campaign: tuple(row)[1:] for row in result} == reference.drivers(
        found, costs, effort, margin
    )


@LAW
@given(st.one_of(histories, MANY))
@pytest.mark.parametrize("name", KEYS)
def test_profiles_of_customers(name, found):
    key, slow = KEYS[name]
    result = fed(ProfileMeasure(key), found)
    plain = {row.name: (*row[1:4], *row[5:8]) for row in result}
    assert plain == reference.profiles(found, slow)
    for row in result:
        assert row.interval == wilson(row.won, row.leads)


def test_a_profile_is_clear_only_beyond_what_chance_explains():
    leads = [cycle("won", source="fair")] * 20 + [cycle("inquiry", source="fair")] * 20
    leads += [cycle("inquiry", source="ads")] * 60 + [cycle("won", source="ads")] * 20
    leads += [cycle("inquiry", source="web")] * 20 + [cycle("won", source="web")] * 11
    rows = {row.name: row for row in fed(ProfileMeasure(SOURCE), leads)}
    assert {name: row.beyond_chance for name, row in rows.items()} == {
        "fair": True, "web": False, "ads": False,
    }  # fmt: skip
    assert rows["fair"].affinity == pytest.approx(0.5 / (51 / 151))


@LAW
@given(st.one_of(histories, MANY), HOURS, st.sampled_from([None, 10.0]))
def test_hours_needed_beside_hours_there(found, hours, week):
    result = fed(CapacityMeasure(NOW, hours, week), found)
    assert {row.owner: tuple(row)[1:] for row in result} == reference.capacity(
        found, NOW, DAY, hours, week
    )


@LAW
@given(histories, st.sampled_from(PHASES))
def test_the_funnel_in_the_buyers_words(found, words):
    assert [tuple(row) for row in fed(PhaseMeasure(words), found)] == reference.phases(found, words)


@LAW
@given(st.one_of(histories, MANY), st.sampled_from([0, 200 * DAY]))
def test_what_a_score_meant_then_and_means_now(found, published):
    result = fed(CalibrationMeasure(published, 65), found)
    plain = [(*row[:5], *row[6:9], row.moved) for row in result]
    assert plain == reference.calibration(found, published)
    assert CalibrationMeasure(published, 65).unknown(asking(found)) == sum(
        one.given_score is None and "handed_off" in one.reached
        and one.state in {"won", "lost", "rejected", "recycled"} for one in found
    )  # fmt: skip
    assert fed(CalibrationMeasure(None, 65), found) == ()


def test_a_band_that_no_longer_buys_has_moved():
    then = [cycle("handed_off", "won", score=90)] * 20
    now = [cycle("handed_off", "lost", score=90)] * 20
    leads = [one._replace(score=None, given_score=90, reached={"handed_off": at}) for many, at in ((then, 0), (now, DAY)) for one in many]  # fmt: skip
    moved = {row.least: row.moved for row in fed(CalibrationMeasure(DAY, 65), leads)}
    assert moved == {0: None, 25: None, 50: None, 65: None, 80: True}


@LAW
@given(histories)
def test_the_flow_from_sales_ready_on(found):
    result = fed(FlowMeasure(), found)
    assert [tuple(row) for row in result] == reference.flow(found)
    for row in result:
        ends = sum(row[3:])
        won = row.reached - row.on - ends
        assert won == (sum("won" in one.states for one in found) if row.stage == "won" else 0)


@LAW
@given(st.one_of(histories, MANY))
def test_values_that_are_new_or_gone(found):
    for key, slow in (KEYS["source"], KEYS["segment"]):
        result = fed(NoveltyMeasure(NOW, key), found)
        assert sorted(map(tuple, result)) == reference.novelties(found, NOW, DAY, slow)


def test_a_source_is_new_once_and_gone_when_it_should_have_come():
    def came(source, *days):
        return [
            cycle("inquiry", source=source)._replace(reached={"inquiry": NOW - d * DAY})
            for d in days
        ]

    leads = [
        *came("ads", *range(31, 95)),
        *came("fair", 40, 41),
        *came("fresh", 3),
        *came("web", 5, 60),
    ]
    found = fed(NoveltyMeasure(NOW, SOURCE), leads)
    assert [(row.value, row.what) for row in found] == [("fresh", "new"), ("ads", "gone")]


@LAW
@given(st.lists(st.integers(0, 500), min_size=1, max_size=40))
def test_a_months_number_beyond_what_months_differ_by(numbers):
    months = [(f"m{at:02}", n) for at, n in enumerate(numbers)]
    found = control(months)
    assert (found and (found.name, found.number, found.beyond)) == reference.control(months)


def test_a_type_is_gone_that_came_each_day_and_not_one_that_is_rare():
    counts = {"visit": 77, "webinar": 40}
    assert gone(counts, 77 * DAY, 14 * DAY) == ("visit",)
    assert control([("m", 5)]) is None
