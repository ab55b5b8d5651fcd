"""Every measure says what a slow reference says that shares no code with it, exactly."""

from __future__ import annotations

import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.domain.moment import to_datetime
from connector.funnel.bands import BandMeasure, band_edges
from connector.funnel.handoffs import HandoffMeasure
from connector.funnel.headline import HeadlineMeasure
from connector.funnel.leakage import LeakageMeasure
from connector.funnel.segments import MONTH, OWNER, SOURCE, SegmentMeasure, band_namer
from connector.funnel.stages import StageMeasure
from connector.funnel.statistics import wilson, within
from tests.unit.funnel import reference
from tests.unit.funnel.histories import NOW, histories
from tests.unit.funnel.passes import asking

LAW = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def fed(measuring, found):
    return measuring.result(asking(found))


@LAW
@given(histories)
def test_stages_and_their_times(found):
    assert [tuple(stage) for stage in fed(StageMeasure(), found).stages] == reference.stages(found)


@LAW
@given(
    histories,
    st.one_of(st.none(), st.integers(1, 900_000)),
    st.dictionaries(st.sampled_from(reference.ORDER), st.sampled_from([0.05, 0.5])),
)
def test_leaks_are_valued_by_deal_then_source_then_estimate(found, assumed, recovery):
    result = fed(LeakageMeasure(assumed, recovery), found)
    wanted, came_back = reference.leaks(found, assumed, recovery)
    assert result.came_back == came_back
    assert {(leak.stage, leak.how, leak.reason) for leak in result.leaks} == set(wanted)
    for leak in result.leaks:
        row = wanted[leak.stage, leak.how, leak.reason]
        assert leak.cycles == row["cycles"]
        assert (leak.by_deal, leak.by_deal_cents) == row["deal"]
        assert (leak.by_segment, leak.by_segment_cents) == row["segment"]
        assert (leak.by_estimate, leak.by_estimate_cents) == row["estimate"]
        assert leak.unvalued == row["unvalued"][0]
        assert leak.recovery_cents == row["recovery"]
    values = [leak.cents for leak in result.leaks]
    assert values == sorted(values, reverse=True)


def test_five_sales_of_a_source_speak_for_its_other_leads_and_four_do_not():
    from tests.unit.funnel.test_stages import cycle

    lost = cycle("handed_off", "rejected", source="ads")
    won = cycle("won", source="ads", won_cents=1000)
    other = cycle("won", source="fair", won_cents=9000)
    few = fed(LeakageMeasure(), [lost, other, *[won] * 4]).leaks[0]
    many = fed(LeakageMeasure(), [lost, other, *[won] * 5]).leaks[0]
    assert (few.by_segment, few.by_estimate, few.cents) == (0, 1, 2600)
    assert (many.by_segment, many.by_estimate, many.cents) == (1, 0, 1000)


def test_without_assumptions_nothing_is_said_to_be_recoverable():
    from tests.unit.funnel.test_stages import cycle

    leak = fed(LeakageMeasure(), [cycle("handed_off", "lost", other_cents=500)]).leaks[0]
    assert leak.recovery_cents is None
    assert leak.cents == 500


@LAW
@given(histories, st.integers(1, 99))
def test_bands_begin_where_people_become_sales_ready(found, threshold):
    result = fed(BandMeasure(threshold), found)
    assert [tuple(band)[:7] for band in result] == reference.bands(found, threshold)
    for band in result:
        assert band.rate == reference.ratio(band.won, band.settled)


def test_the_bands_of_65_are_those_people_know():
    assert band_edges(65) == (0, 25, 50, 65, 80)
    assert band_edges(65, exceeds=True) == (0, 25, 50, 66, 81)
    assert band_edges(64.2) == (0, 25, 50, 65, 80)
    assert band_edges(90) == (0, 25, 50, 75, 90)
    assert band_edges(0) == (0, 15)
    assert band_edges(100) == (0, 25, 50, 75)


def band_of(one):
    """The band of a score where 65 is asked, by its name."""
    bands = ((0, 24), (25, 49), (50, 64), (65, 79), (80, 100))
    return next((f"{a}-{b}" for a, b in bands if one.score is not None and a <= one.score <= b),
                None)  # fmt: skip


@LAW
@given(histories)
@pytest.mark.parametrize("name", ["source", "owner", "month", "band"])
def test_segments(name, found):
    plain = {
        "source": (SOURCE, lambda o: o.source or "unknown"),
        "owner": (
            OWNER,
            lambda o: (
                (o.owner or "unknown") if "handed_off" in reference.stages_of(o) else None
            ),
        ),
        "month": (
            MONTH,
            lambda o: (
                to_datetime(o.reached["inquiry"]).isoformat()[:7]
                if "inquiry" in o.reached
                else None
            ),
        ),
        "band": (
            band_namer(65),
            band_of,
        ),
    }  # fmt: skip
    key, slow = plain[name]
    result = fed(SegmentMeasure(key), found)
    assert {row.name: tuple(row)[1:] for row in result} == reference.segments(found, slow)


@LAW
@given(histories)
def test_hand_offs_in_time(found):
    everybody, owners = fed(HandoffMeasure(NOW), found)
    for row in (everybody, *owners):
        mine = [o for o in found if row.owner is None or (o.owner or "unknown") == row.owner]
        touched = reference.timeliness(mine, "touch_due", "touched_at", NOW, watched=True)
        decided = reference.timeliness(mine, "decide_due", "decided_at", NOW, watched=False)
        assert tuple(row.touched) == touched
        assert tuple(row.decided) == decided
        open_times = [o.handoff.touched_open for o in mine
                      if o.handoff is not None and o.handoff.touched_open is not None]  # fmt: skip
        for percent, value in ((50, row.open_median), (90, row.open_p90)):
            assert value == reference.smallest_not_exceeded(open_times, percent)


@LAW
@given(histories)
def test_the_headline(found):
    assert fed(HeadlineMeasure(), found)._asdict() == reference.headline(found)


@given(st.integers(0, 300), st.integers(1, 300))
def test_wilson_is_where_the_share_lies_z_standard_errors_away(k, n):
    k = min(k, n)
    low, high = wilson(k, n)
    slow = reference.wilson(k, n)
    assert math.isclose(low, slow[0], abs_tol=1e-7)
    assert math.isclose(high, slow[1], abs_tol=1e-7)
    assert 0 <= low <= k / n + 1e-12
    assert k / n - 1e-12 <= high <= 1


@given(st.lists(st.integers(-50, 50), max_size=30), st.integers(1, 100))
def test_within_is_the_smallest_value_that_enough_do_not_exceed(values, percent):
    assert within(values, percent) == reference.smallest_not_exceeded(values, percent)
