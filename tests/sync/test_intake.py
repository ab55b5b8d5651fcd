"""Unusually little input: nothing is written because of it before somebody has looked."""

from __future__ import annotations

import pytest

from connector.domain.moment import DAY, HOUR
from connector.sync.reading import intake
from tests.sync import world as worlds


@pytest.fixture
def many(small):
    small.crm.page = 50
    for n in range(60):
        small.lead(f"l{n:02}", title="Clerk")
    small.start()
    return small


def hide(world, count):
    """Our user loses the right to see some leads: they are not deleted, they just do not come."""
    leads = world.crm.objects["leads"]
    return {ident: leads.pop(ident) for ident in sorted(leads)[-count:]}


def test_a_crm_that_shows_a_fraction_of_its_records_stops_the_plan_until_it_shows_them_again(many):
    hidden = hide(many, 50)
    many.pass_time(DAY + HOUR)
    many.hot("l00", status="new")
    result = many.run()
    assert result.status == "needs_approval"
    assert result.plan.held == ["crm: a whole reading of lead gave 10 rows, 60 are usual"]
    assert any("unusually little" in said for said in many.warnings)
    assert [e[1] for e in many.written()] == ["title"]
    assert many.run().status == "needs_approval", "as long as it lasts"
    many.crm.objects["leads"].update(hidden)
    many.pass_time(DAY + HOUR)
    result = many.run()
    assert result.status == "ok"
    assert ("l00", "ll_state", "nurture", "handed_off") in many.written()


def test_what_somebody_approved_is_usual_from_then_on(many):
    hide(many, 50)
    many.pass_time(DAY + HOUR)
    many.hot("l00")
    result = many.run()
    many.apply(result.plan.id)
    assert {e[0] for e in many.written() if e[1] == "ll_score"} == {"l00"}
    for _ in range(3):
        many.pass_time(DAY + HOUR)
        assert many.run().status == "ok"


def test_a_fifth_less_is_nothing_unusual(many):
    hide(many, 12)
    many.pass_time(DAY + HOUR)
    many.hot("l00")
    assert many.run().status == "ok"


def test_zero_per_cent_switches_it_off(many):
    settings = worlds.SETTINGS.replace("clears: 50%", "clears: 50%, input: 0%")
    many.write("leadloop.yaml", settings.format(store=many.store_url, stage="route"))
    hide(many, 50)
    many.pass_time(DAY + HOUR)
    many.hot("l00")
    assert many.run().status == "ok"


def test_a_day_far_below_its_weekday_holds_scores_and_lets_hand_offs_go(many, monkeypatch):
    """A source ran dry: scores would fall for want of news, but who is hot is still given."""
    monkeypatch.setattr(intake, "FEW_A_DAY", 5)
    many.crm.page = 500

    def week(events):
        many.pass_time(7 * DAY)
        for n in range(events):
            many.event(f"l{n % 50:02}", "download", asset="guide")

    for _ in range(4):
        week(100)
        assert many.run().status != "needs_approval" or many.apply(
            many.rows("SELECT max(id) FROM plan")[0][0]
        )
    many.written()
    week(2)
    many.hot("l59")
    result = many.run()
    assert result.status == "needs_approval"
    assert [said.partition(": ")[2] for said in result.plan.held if said.startswith("score")] == [
        "crm: 0 new event rows came in a day, 14 are usual"
    ]
    assert {e[:2] for e in many.written() if e[1] != "title"} == {("l59", "owner")}
    week(100)
    assert many.run().plan.held == []
    assert "ll_score" in {e[1] for e in many.written()}


def test_a_day_is_judged_by_what_was_covered_and_only_when_three_weeks_are_known():
    def day(number, rows, span=DAY):
        return {str(number): [rows, span]}

    now = 100 * DAY + HOUR
    weeks = {**day(71, 700), **day(78, 700), **day(85, 700), **day(92, 100)}
    assert intake._rates({**weeks, **day(99, 10)}, now) == (10, 700)
    assert intake._rates({**weeks, **day(99, 10, DAY // 3), **day(98, 9)}, now) == (0, 0)
    assert intake._rates({**day(85, 700), **day(92, 700), **day(99, 10)}, now) == (0, 0)
    assert intake._rates({**weeks, **day(99, 350, 7 * DAY)}, now) == (50, 700)
    assert intake._rates({**weeks, **day(100, 0)}, now) == (100, 700), "today is not over"


FOLDER = """
version: 1
store: {store}
model: model.yaml
routing: routing.yaml
stage: score
connections: [{{name: crm, kind: files, mapping: mapping.yaml, files: {{folder: data}}}}]
write: {{limits: {{records: 100%}}}}
"""
PEOPLE = """
version: 1
objects:
  lead:
    is: person
    source: people
    key: id
    fields: {email: email, title: title}
    write: {score: {to: ll_score, owner: ours}, state: {to: ll_state, owner: ours}}
"""


def test_an_export_that_broke_off_stops_the_plan_and_one_of_changes_only_is_learnt(small):
    (small.folder / "data").mkdir()
    small.write("leadloop.yaml", FOLDER.format(store=small.store_url))
    small.write("mapping.yaml", PEOPLE)

    def export(count, title):
        rows = "".join(f"l{n},l{n}@a.example,{title}\n" for n in range(count))
        small.write("data/people.csv", f"id,email,title\n{rows}")
        small.pass_time(HOUR)
        return small.run()

    small.apply(export(100, "Clerk").plan.id)
    cut = export(9, "CEO")
    assert cut.plan.held == ["crm: a whole reading of lead gave 9 rows, 100 are usual"]
    assert small.run().status == "needs_approval", "an unchanged file is no news"
    small.apply(small.run().plan.id)
    assert export(8, "Boss").status == "ok"
