"""Funnels by kind and month, silence, and quality: each against the slow reference, exactly."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.moment import to_datetime
from connector.funnel.cohorts import (
    CAMPAIGN,
    PARTNER,
    SEGMENT,
    THEME,
    CohortMeasure,
    PeriodMeasure,
    before,
)
from connector.funnel.contact import ContactMeasure
from connector.funnel.leakage import LeakageMeasure
from connector.funnel.lifetime import LifetimeMeasure
from connector.funnel.quality import QualityMeasure
from connector.funnel.segments import SOURCE
from connector.funnel.spells import SpellMeasure
from connector.funnel.stalls import StallMeasure
from connector.funnel.statistics import wilson
from connector.funnel.waiting import WaitMeasure
from tests.unit.funnel import reference
from tests.unit.funnel.histories import DAY, NOW, _histories, histories
from tests.unit.funnel.test_measures import LAW, fed
from tests.unit.funnel.test_stages import cycle

MANY = st.builds(_histories, st.integers(0, 2**32), st.just(400))
KEYS = {
    "source": (SOURCE, lambda o: o.source or "unknown"),
    "segment": (SEGMENT, lambda o: o.segment),
    "partner": (PARTNER, lambda o: o.partner),
    "theme": (THEME, lambda o: o.theme),
    "campaign": (CAMPAIGN, lambda o: next((n for _, n in o.campaigns), None)),
    "six months before": (
        before(NOW, 182, "then"),
        lambda o: (
            "then" if NOW - 182 * DAY <= o.reached.get("inquiry", -1) < NOW else None
        ),
    ),
}  # fmt: skip


def month(at):
    return to_datetime(at).isoformat()[:7]


def quarter(at):
    return f"{month(at)[:4]}-Q{(int(month(at)[5:]) - 1) // 3 + 1}"


@LAW
@given(st.one_of(histories, MANY))
@pytest.mark.parametrize("name", KEYS)
def test_every_kind_has_its_quarters(name, found):
    key, slow = KEYS[name]
    result = fed(SpellMeasure(key), found)
    rows, ranks = reference.quarters_of_kinds(found, slow, quarter)
    assert {(one.quarter, one.name): one.reached for one in result} == rows
    assert {(one.quarter, one.name): one.rank for one in result if one.rank} == ranks
    assert [one[:2] for one in result] == sorted(
        rows, key=lambda place: (place[0], -rows[place][0], place[1])
    )
    for one in result:
        _, ready, handed, accepted, _, won = one.reached
        assert one.to_sale == (won / ready if ready else None)
        assert one.acceptance == (accepted / handed if handed else None)
        assert one.to_sale_interval == (wilson(won, ready) if won <= ready else None)


@LAW
@given(st.one_of(histories, MANY))
@pytest.mark.parametrize("name", KEYS)
def test_every_kind_has_its_own_funnel(name, found):
    key, slow = KEYS[name]
    result = fed(CohortMeasure(key), found)
    rows, ranks = reference.cohorts(found, slow)
    assert {r.name: [(s.cycles, s.share, *s[3:]) for s in r.steps] for r in result} == rows
    assert {r.name: r.rank for r in result if r.rank is not None} == ranks
    for row in result:
        for at, step in enumerate(row.steps):
            wanted = wilson(step.cycles, row.steps[at - 1].cycles) if at else None
            assert step.interval == wanted


def test_few_leads_are_not_ranked_however_well_they_did():
    few = [cycle("won", source="fair")] * 29
    many = [cycle("sales_ready", source="ads")] * 30
    ranks = {r.name: r.rank for r in fed(CohortMeasure(SOURCE), [*few, *many])}
    assert ranks == {"ads": 1, "fair": None}


@LAW
@given(histories)
def test_months_count_what_happened_in_them(found):
    result = fed(PeriodMeasure(), found)
    assert [tuple(row) for row in result] == reference.periods(found, month)


@LAW
@given(st.one_of(histories, MANY))
def test_silence_is_measured_by_what_is_usual_for_the_segment(found):
    result = fed(StallMeasure(NOW), found)
    assert {row[:2]: tuple(row)[2:] for row in result} == reference.stalls(found, NOW)


def test_a_quick_segment_stalls_sooner_than_a_slow_one():
    def went(segment, days, *states, last=0):
        return cycle(*states)._replace(
            segment=segment, last_at=last,
            reached={"handed_off": 0, "accepted": days * DAY} if days else {"handed_off": 0},
        )  # fmt: skip

    leads = [went("quick", 2, "accepted")._replace(newest=False) for _ in range(10)]
    leads += [went("slow", 50, "accepted")._replace(newest=False) for _ in range(10)]
    leads += [went(name, 0, "handed_off", last=NOW - 20 * DAY) for name in ("quick", "slow")]
    stalled = {row.segment: row.stalled for row in fed(StallMeasure(NOW), leads)}
    assert stalled == {"quick": 1, "slow": 0}


@LAW
@given(histories)
def test_quality(found):
    result = fed(QualityMeasure(NOW, 65), found)._asdict()
    result["trend"] = {t.month: tuple(t)[1:5] for t in result["trend"]}
    result["nurtured"] = {tuple(n)[:3]: tuple(n)[3:7] + tuple(n)[8:] for n in result["nurtured"]}
    result["passes"] = {p.number: tuple(p)[1:] for p in result["passes"]}
    assert result == reference.quality(found, NOW, DAY, month)


@LAW
@given(histories)
def test_leaks_by_segment_add_up_to_the_leaks(found):
    whole = fed(LeakageMeasure(), found).leaks
    apart = fed(LeakageMeasure(by_segment=True), found).leaks
    assert {leak.segment for leak in whole} <= {None}
    for leak in whole:
        mine = [one for one in apart if one[:3] == leak[:3]]
        assert len({one.segment for one in mine}) == len(mine)
        assert sum(one.cycles for one in mine) == leak.cycles
        assert sum(one.cents for one in mine) == leak.cents


@LAW
@given(histories)
def test_where_people_wait(found):
    result = fed(WaitMeasure(NOW), found)
    assert {row.state: tuple(row)[1:] for row in result} == reference.waits(found, NOW)


@LAW
@given(histories)
def test_contact_of_what_marketing_gave_and_of_what_sales_found(found):
    result = fed(ContactMeasure(), found)
    plain = {row.origin: (*row[1:4], *row[5:]) for row in result}
    assert plain == reference.contact(found)


@LAW
@given(histories)
def test_what_customers_are_worth_over_all_their_purchases(found):
    result = fed(LifetimeMeasure(), found)
    figures, products = reference.lifetime(found)
    assert tuple(result)[:8] == figures
    assert {one.name: tuple(one)[1:] for one in result.products} == products
