"""Maturity: as good as what it lacks, and never better for knowing less."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from connector.domain.moment import DAY
from connector.funnel.history import Handoff, History
from connector.funnel.maturity import LEVELS, Counts, Facts, MaturityMeasure, maturity, overall
from tests.unit.funnel.passes import asking

NOW = 400 * DAY
NOTHING = Facts(
    people=0, fields_known=None, kept_aside=0, targets=0, questions=0, filters=0,
    signed=False, days_since_review=None, survey_answers=0, themes=0, holdout=False,
    routing_rules=0, capacity=False, overflow=False, sla_agreed=False, goals=0, goals_owned=0, costs=False,
)  # fmt: skip
EVERYTHING = Facts(
    people=1000, fields_known=0.9, kept_aside=0, targets=3, questions=1, filters=2,
    signed=True, days_since_review=30, survey_answers=25, themes=4, holdout=True,
    routing_rules=3, capacity=True, overflow=True, sla_agreed=True, goals=4, goals_owned=4, costs=True,
)  # fmt: skip
FINE = Counts(
    cycles=1000, sourced=990, handed=100, passed=0.1, acceptance=0.8, due=100, decided=95, refused=50,
    reasoned=49, watched=100, touched=99, in_time=95, resting=500, nurtured=400, came_back=30,
    again_won=4, won=30, valued=29,
)  # fmt: skip


def levels(counts, facts):
    return {part.name: part.level for part in maturity(counts, facts)}


def test_an_empty_store_is_average_everywhere_with_three_steps_each():
    parts = maturity(MaturityMeasure(NOW).result(asking([])), NOTHING)
    assert {part.level for part in parts} == {"average"}
    assert [part.name for part in parts] == ["capture", "qualify", "nurture", "route", "measure"]
    assert all(len(part.steps) == 3 for part in parts)


def test_where_nothing_is_lacking_it_is_best_and_no_step_is_left():
    parts = maturity(FINE, EVERYTHING)
    assert overall(parts) == "best"
    assert all(part.steps == () for part in parts)


def test_raw_leads_passed_on_are_average_qualification():
    assert levels(FINE._replace(handed=750, passed=0.75), EVERYTHING)["qualify"] == "average"


def test_a_part_that_lacks_what_only_the_best_have_is_good_and_says_what_it_lacks():
    parts = maturity(FINE, EVERYTHING._replace(signed=False))
    (qualify,) = [part for part in parts if part.name == "qualify"]
    assert qualify.level == "good"
    assert qualify.steps == ("Sign the definition: `leadloop review record`",)
    assert overall(parts) == "good"


def test_a_share_of_too_few_is_not_known_and_does_not_count():
    parts = maturity(FINE._replace(due=5, decided=5), EVERYTHING)
    (qualify,) = [part for part in parts if part.name == "qualify"]
    assert qualify.level == "average"
    assert any(check.holds is None and "only 5" in check.evidence for check in qualify.checks)


FACTS = st.fixed_dictionaries(
    {
        name: st.sampled_from(sorted({getattr(NOTHING, name), getattr(EVERYTHING, name)}, key=str))
        for name in Facts._fields
    }
).map(lambda values: Facts(**values))


@given(
    FACTS,
    st.sampled_from(
        [name for name in Facts._fields if name not in {"people", "kept_aside", "goals"}]
    ),
)
def test_having_more_never_makes_a_part_worse(facts, name):
    better = facts._replace(**{name: getattr(EVERYTHING, name), "goals_owned": 4, "goals": 4})
    before = levels(FINE, facts._replace(goals=4))
    for part, level in levels(FINE, better).items():
        assert LEVELS.index(level) >= LEVELS.index(before[part])


def test_cycles_are_counted_by_what_was_due():
    found = []
    early, late = NOW - 10 * DAY, NOW - 2 * DAY

    def cycle(state, handoff=None, **more):
        number = more.pop("number", 1)
        found.append(History("p", number, state, frozenset({state}), {}, handoff=handoff, **more))

    cycle("nurture", source="web")
    cycle("inquiry")
    cycle("handed_off", Handoff(early, late, None, late, None, watched=True))
    cycle(
        "rejected",
        Handoff(early, late, early + DAY, late, early + 2 * DAY, watched=True),
        reason="x",
    )
    cycle("handed_off", Handoff(NOW, NOW + DAY, None, NOW + DAY, None, watched=True))
    cycle("won", number=2, won_cents=5)
    found = MaturityMeasure(NOW).result(asking(found))
    assert (found.cycles, found.sourced, found.handed) == (6, 1, 4)
    assert (found.due, found.decided) == (2, 1)
    assert (found.watched, found.touched, found.in_time) == (2, 1, 1)
    assert (found.resting, found.nurtured) == (2, 1)
    assert (found.refused, found.reasoned) == (1, 1)
    assert (found.came_back, found.again_won, found.valued) == (1, 1, 1)
