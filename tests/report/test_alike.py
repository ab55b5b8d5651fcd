"""One of a kind stands for all of that kind, and no measure can tell."""

from __future__ import annotations

import pickle
from random import Random
from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from connector.config.settings import Report
from connector.funnel.bands import BandMeasure
from connector.funnel.handoffs import HandoffMeasure
from connector.funnel.headline import HeadlineMeasure
from connector.funnel.maturity import MaturityMeasure
from connector.funnel.measure import Aspect
from connector.funnel.returns import ReturnMeasure
from connector.funnel.segments import SegmentMeasure, band_namer, month_of, owner_of, source_of
from connector.funnel.stages import StageMeasure
from connector.funnel.untouched import UntouchedMeasure
from connector.report.feeding import alike_of, feed
from connector.report.kinds import kind_measures, spell_measures
from tests.unit.funnel.histories import DAY, NOW, mixed
from tests.unit.funnel.test_measures import LAW
from tests.unit.funnel.test_stages import cycle

START = NOW - 60 * DAY


@LAW
@given(mixed)
def test_counting_alike_ones_together_changes_no_figure(found):
    one_by_one, together = _measures(), _measures()
    for history in found:
        for measure in one_by_one:
            measure.add(history)
    feed(found, alike_of(NOW, START, 65, exceeds=False), together)
    for slow, quick in zip(one_by_one, together, strict=True):
        assert _plain(slow) == _plain(quick)


def test_most_inquiries_are_counted_without_being_measured_each():
    def inquiry(day):
        return cycle("inquiry")._replace(reached={"inquiry": NOW - day * DAY}, last_at=None)

    alike = alike_of(NOW, START, 65, exceeds=False)
    assert all(alike.add(inquiry(day)) for day in range(100, 120) for _ in range(50))
    kinds = list(alike.result(Aspect.SOURCE))
    assert sum(times for _, times in kinds) == 1_000
    assert len(kinds) <= 2
    assert not alike.add(cycle("handed_off"))


@LAW
@given(mixed, st.integers(0, 2**32))
def test_parts_of_a_count_add_up_to_the_whole(found, seed):
    """Whoever counts whom: people are shared out as chance has it."""
    luck = Random(seed)
    shares = [luck.sample(range(3), 1)[0] for _ in found]
    whole, parts = _measures(), [_measures() for _ in range(3)]
    feed(found, alike_of(NOW, START, 65, exceeds=False), whole)
    for part, measures in enumerate(parts):
        mine = [one for one, share in zip(found, shares, strict=True) if share == part]
        feed(mine, alike_of(NOW, START, 65, exceeds=False), measures)
    for all_of_them, *others in zip(whole, *parts, strict=True):
        one = others[0]
        for other in others[1:]:
            one.absorb(pickle.loads(pickle.dumps(other.state())))
        assert _plain(one) == _plain(all_of_them)


def _measures():
    report = Report(segment="industry")
    return [
        *(HeadlineMeasure(), StageMeasure(), HandoffMeasure(NOW), MaturityMeasure(NOW)),
        BandMeasure(65),
        *(
            SegmentMeasure(*key)
            for key in (
                (source_of, Aspect.SOURCE),
                (owner_of, Aspect.HANDS),
                (month_of, Aspect.MONTH),
                (band_namer(65), Aspect.BAND),
            )
        ),
        ReturnMeasure({"a": 500}, {"inquiry": 3, "handed_off": 50}, 0.4),
        *spell_measures(report, SimpleNamespace(threshold=65, exceeds=False)),
        *kind_measures(
            report,
            SimpleNamespace(threshold=65, exceeds=False),
            NOW,
            START,
        ),
    ]


def _plain(measure):
    """What a measure says, whatever the order in which its lists were filled."""
    if isinstance(measure, UntouchedMeasure):
        return measure.result({})
    return measure.result()
