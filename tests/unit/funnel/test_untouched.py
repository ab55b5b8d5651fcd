"""Hand-offs nobody touched, and why, likely."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.funnel.history import Handoff
from connector.funnel.untouched import (
    ABSENT,
    FULL,
    OWN_FIRST,
    SOURCE,
    UNKNOWN,
    OwnerDays,
    UntouchedMeasure,
)
from tests.unit.funnel import reference
from tests.unit.funnel.histories import DAY, NOW, _histories
from tests.unit.funnel.passes import asking
from tests.unit.funnel.test_measures import LAW
from tests.unit.funnel.test_stages import cycle


def told(found, worked):
    return UntouchedMeasure(NOW).result(worked, asking(found))


def _worked(seed):
    luck = Random(seed)
    return {
        owner: OwnerDays(
            {luck.randrange(430) for _ in range(luck.choice([0, 30, 300]))},
            {luck.randrange(430) for _ in range(luck.choice([0, 30, 300]))},
        )
        for owner in ("crm/anna", "crm/ben", "unknown")
    }


@LAW
@given(st.integers(0, 2**32), st.sampled_from([0, 5, 60, 300]))
def test_causes_are_those_of_the_slow_reference(seed, size):
    found, worked = _histories(seed, size), _worked(seed)
    result = told(found, worked)
    due, causes = reference.untouched(found, NOW, DAY, worked)
    flat = sorted((owner, c) for owner, mine in result.owners.items()
                  for c, n in mine.items() for _ in range(n))  # fmt: skip
    assert (result.due, result.untouched, flat) == (due, len(causes), causes)
    assert sum(result.causes.values()) == result.untouched


def given_at(day, *, touched=None, source=None, states=("handed_off",)):
    handoff = Handoff(day * DAY, (day + 1) * DAY, touched, None, None, watched=True)
    return cycle(*states, source=source)._replace(owner="crm/anna", handoff=handoff)


@pytest.mark.parametrize(("handed", "own", "more", "cause"), [
    (set(), set(), [], ABSENT),
    ({100}, set(), [given_at(101), given_at(50, touched=50 * DAY)], FULL),
    (set(), {101}, [], OWN_FIRST),
    ({100}, set(), [given_at(7 * w, touched=7 * w * DAY, source="list") for w in range(20, 40)]
     + [given_at(7 * w, touched=7 * w * DAY, source="web", states=("accepted",))
        for w in range(20, 40)], SOURCE),
    ({100}, set(), [], UNKNOWN),
])  # fmt: skip
def test_each_cause_is_told_by_what_the_owner_did(handed, own, more, cause):
    late = given_at(100, source="list")
    result = told([late, *more], {"crm/anna": OwnerDays(handed, own)})
    assert cause in result.owners["crm/anna"]


def test_what_is_not_due_or_cannot_be_seen_is_not_untouched():
    hidden = given_at(100)
    hidden = hidden._replace(handoff=hidden.handoff._replace(watched=False))
    result = told([given_at(400), hidden], {})
    assert (result.due, result.untouched, result.share) == (0, 0, None)
