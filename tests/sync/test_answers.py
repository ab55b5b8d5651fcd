"""Answers to qualification questions, given at any touch, are known of the person and score."""

from __future__ import annotations

import pytest

from connector.domain.moment import DAY, HOUR, format_iso
from connector.errors import UsageError
from connector.mapping.document import load_mapping
from connector.store.database import open_store
from connector.sync.opening import alone
from connector.sync.studies.then import facts_then
from connector.sync.upkeep.forget import forget
from connector.sync.upkeep.split import split
from tests.sync.world import MAPPING, MODEL

ANSWERS = """
  call:
    is: answers
    source: calls
    key: id
    changed: changed_at
    person: lead
    at: at
    fields: {budget: {from: budget, as: int}, timeframe: timeframe}
"""
RULE = "        - {name: Budget, field: budget, range: [10000, null], points: 8}\n"


@pytest.fixture
def asked(small):
    return asking(small)


def asking(world):
    """A company whose callers ask for the budget: 8 of 20 points of fit are for a large one."""
    world.write("mapping.yaml", MAPPING + ANSWERS)
    world.write("model.yaml", MODEL.replace("behaviour:\n", RULE + "behaviour:\n", 1))
    for n in range(4):
        world.lead(f"other{n}", title="Clerk", company=None)
    called(world, "none", "nobody", budget=None)
    return world


def called(world, ident, lead, *, ago=HOUR, **answers):
    at = format_iso(world.now - ago)
    world.put("calls", ident, **{"lead": lead, "at": at, "timeframe": None, **answers})


def known(world, ident, name="budget"):
    found = world.rows(f"SELECT facts FROM person WHERE id = 'crm/lead/{ident}'")
    import orjson

    return orjson.loads(found[0][0]).get(name)


def test_what_somebody_told_a_caller_counts_as_a_field_of_theirs(asked):
    asked.lead("l1", title="Clerk", company=None)
    asked.start()
    assert asked.shown("l1")["ll_score"] == 0
    asked.pass_time()
    called(asked, "c1", "l1", budget="25000", timeframe="This Quarter")
    asked.run()
    assert (known(asked, "l1"), known(asked, "l1", "timeframe")) == (25000, "this quarter")
    assert asked.shown("l1")["ll_score"] == 24
    assert asked.shown("other1")["ll_score"] == 0


def test_the_latest_answer_counts_whenever_its_record_was_touched(asked):
    asked.lead("l1")
    called(asked, "c1", "l1", ago=5 * DAY, budget="25000")
    called(asked, "c2", "l1", ago=2 * DAY, budget="500", timeframe="next year")
    asked.start()
    assert known(asked, "l1") == 500
    asked.pass_time()
    asked.put("calls", "c1", timeframe="soon")  # somebody corrects the older note
    asked.run()
    assert (known(asked, "l1"), known(asked, "l1", "timeframe")) == (500, "next year")
    asked.crm.delete("calls", "c2")
    asked.pass_time()
    asked.run()
    assert (known(asked, "l1"), known(asked, "l1", "timeframe")) == (25000, "soon")


def test_answers_of_somebody_unknown_wait_for_the_record(asked):
    called(asked, "c1", "l1", budget="25000")
    asked.start()
    asked.pass_time()
    asked.lead("l1")
    asked.run()
    assert known(asked, "l1") == 25000


def test_answers_ascribed_to_another_lead_leave_the_first(asked):
    asked.lead("l1")
    asked.lead("l2")
    called(asked, "c1", "l1", budget="25000")
    asked.start()
    asked.pass_time()
    asked.put("calls", "c1", lead="l2")
    asked.run()
    assert (known(asked, "l1"), known(asked, "l2")) == (None, 25000)


def test_answers_follow_their_record_through_a_join_and_a_split(world):
    asked = asking(world)
    asked.lead("l1")
    asked.lead("l2")
    called(asked, "c2", "l2", budget="25000")
    asked.start()
    asked.pass_time()
    asked.put("leads", "l2", email="l1@acme.example")
    asked.run()
    assert known(asked, "l1") == 25000
    store = open_store(asked.loaded.store_url())
    with alone(asked.loaded, store, "by hand") as held:
        split(held, ["crm/lead/l2"], asked.now)
    store.close()
    asked.pass_time()
    asked.run()
    assert (known(asked, "l1"), known(asked, "l2")) == (None, 25000)


def test_who_is_forgotten_is_forgotten_with_the_answers(asked):
    asked.lead("l1")
    called(asked, "c1", "l1", budget="25000")
    asked.start()
    store = open_store(asked.loaded.store_url())
    done = forget(store, "l1@acme.example", asked.now, allow_return=False)
    store.close()
    assert done.counts["answers"] == 1
    asked.pass_time()
    asked.put("calls", "c1", budget="30000")
    asked.run()
    assert asked.rows("SELECT id FROM record WHERE kind = 'answers'") == [("none",)]


def test_a_look_back_knows_only_what_had_been_answered_by_then(asked):
    asked.lead("l1")
    called(asked, "c1", "l1", ago=5 * DAY, budget="500")
    called(asked, "c2", "l1", ago=2 * DAY, budget="25000")
    asked.start()
    moments = [("crm/lead/l1", asked.now - days * DAY) for days in (7, 3, 1)]
    store = open_store(asked.loaded.store_url())
    with store.read() as tx:
        found = facts_then(tx, moments, ["budget"], {"crm": 0})
    store.close()
    assert found.facts[0].get("budget") is None
    assert found.facts[1]["budget"] == 500
    assert 2 not in found.facts  # as today


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ("    person: lead\n    at", "    at", "needs `person:` and `fields:`"),
        ("budget: {", "email: {", "`fields: email` cannot be answered"),
        ("    at: at\n    fields: {b", "    at: at\n    owner: o\n    fields: {b", "`owner:` is no answer"),
        ("    at: at\n    fields: {b", "    at: at\n    type: x\n    fields: {b", "`type` and `events`"),
    ],
)  # fmt: skip
def test_a_mapping_of_answers_that_makes_no_sense_is_refused(world, was, becomes, said):
    assert was in ANSWERS
    world.write("mapping.yaml", MAPPING + ANSWERS.replace(was, becomes))
    with pytest.raises(UsageError, match=said):
        load_mapping(world.folder / "mapping.yaml")
