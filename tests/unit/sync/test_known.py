"""What planning knows of one page of people, put together without a store."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from connector.decisions.nurture import Place
from connector.decisions.routing import Owner
from connector.decisions.standing import Cycle
from connector.domain.cycle import State
from connector.domain.moment import DAY
from connector.domain.outward import Group
from connector.mapping.compile import WriteTarget
from connector.store.passes.nurture import Asked
from connector.sync.planning.known import Known

NOW = 100 * DAY
KEY = ("crm", "lead", "l1")


def cycle(person, state=State.INQUIRY, theme=None, number=1):
    return Cycle(person, number, state, "why", NOW, None, NOW, theme=theme)


@pytest.fixture
def shelf(monkeypatch):
    """What the store would answer; each test puts on it what it is about."""
    shelf = SimpleNamespace(
        published={}, current={}, handoffs={}, docs={}, facts={}, assets={}, owners=[], asked=[],
        mailable=lambda facts: facts.get("mail") is not False,
    )  # fmt: skip

    def of(name):
        def read(_tx, *_more):
            shelf.asked.append(name)
            return getattr(shelf, name, {})

        return read

    for place, name in {
        "scores.published": "published", "cycles.current": "current", "handoffs.of": "handoffs",
        "people.records_of": "records", "people.documents_of": "docs", "people.facts_of": "facts",
        "written.bases": "bases", "written.edits": "edits", "flapping.turns": "turns",
        "outbox.live": "live", "outbox.dead_same": "dead", "outbox.undone": "undone",
        "questions.of_people": "questions", "primaries": "primaries", "assets": "assets",
    }.items():  # fmt: skip
        monkeypatch.setattr(f"connector.sync.planning.known.{place}", of(name))

    def undoing(_tx, since):
        shelf.undoing_since = since
        return {}

    def may(_settings, _consent, _doc, facts, *, asked):
        return SimpleNamespace(mail=shelf.mailable(facts) or asked)

    monkeypatch.setattr("connector.sync.planning.known.plans.undoing", undoing)
    monkeypatch.setattr("connector.sync.planning.known.owners_in", lambda *_: shelf.owners)
    monkeypatch.setattr("connector.sync.planning.known.may", may)
    themes = {"guide": "planning"}
    monkeypatch.setattr(
        "connector.sync.planning.known.matrix_of",
        lambda _: SimpleNamespace(
            theme=lambda had: next((themes[a] for a in had if a in themes), "general"),
            place=lambda theme, had: Place(theme, f"phase {len(had)}"),
        ),
    )
    return shelf


def loop(*, stages=("score", "nurture", "route"), alongside=None, scope=None):
    connection = SimpleNamespace(name="crm", scope=SimpleNamespace(write=scope or {}))
    nurture = SimpleNamespace(alongside=alongside, segment="region")
    source = SimpleNamespace(name="crm")
    return SimpleNamespace(
        now=NOW,
        allows=lambda stage: stage in stages,
        settings=SimpleNamespace(connections=[connection], nurture=nurture),
        consent=None,
        sources=[source],
        handoff=source,
    )


def known(shelf, page=("p1",), **how):
    return Known(loop(**how), None, list(page))


def test_who_has_no_score_or_no_cycle_is_not_planned_and_the_others_come_in_order(shelf):
    shelf.published = {"p1": "s1", "p2": "s2", "p4": "s4"}
    shelf.current = {one: cycle(one) for one in ("p4", "p3", "p1")}
    shelf.handoffs = {("p1", 1): "h1", ("p4", 2): "of another cycle"}
    found = known(shelf, ("p1", "p2", "p3", "p4", "p5")).people
    assert [(p.id, p.published, p.handoff) for p in found] == [
        ("p1", "s1", "h1"),
        ("p4", "s4", None),
    ]


def test_an_undo_waits_seven_days_for_its_approval(shelf):
    known(shelf)
    assert shelf.undoing_since == NOW - 7 * DAY


def test_owners_are_known_by_their_remote_id_whatever_is_in_it(shelf):
    shelf.owners = [
        Owner("crm/a/1", "", "", active=True),
        Owner("crm/b/2", "", "", active=False),
        Owner("crm/q/3", "", "", active=True, queue=True),
    ]
    found = known(shelf)
    assert (found.inactive, found.queues) == ({"b/2"}, {"q/3"})
    found = known(shelf, stages=("score", "nurture"))
    assert (found.inactive, found.queues) == (set(), set())
    assert found.groups == [Group.SCORE, Group.NURTURE]


def test_facts_are_read_only_where_a_scope_for_writing_asks_for_them(shelf):
    shelf.facts = {"p1": {"country": "fr"}}
    assert known(shelf).facts == {}
    assert known(shelf, scope={"country": "fr"}).facts == {"p1": {"country": "fr"}}


# --- nurture -------------------------------------------------------------------------------------


def placed(shelf, page=("p1",), **how):
    shelf.published = dict.fromkeys(page, "s")
    return {p.id: (p.place, p.segment) for p in known(shelf, page, **how).people}


def test_only_who_belongs_into_nurture_and_may_be_mailed_has_a_place_there(shelf):
    shelf.current = {
        "p1": cycle("p1", State.NURTURE), "p2": cycle("p2", State.HANDED_OFF),
        "p3": cycle("p3", State.RECYCLED), "p4": cycle("p4", State.NURTURE),
        "p5": cycle("p5", State.NURTURE),
    }  # fmt: skip
    shelf.facts = {"p3": {"mail": False}}
    found = placed(shelf, ("p1", "p2", "p3", "p4", "p5"))
    assert {one for one, (place, _) in found.items() if place is not None} == {"p1", "p4", "p5"}


def test_a_request_of_a_person_is_no_consent_to_marketing_mail(shelf):
    shelf.current = {"p1": cycle("p1", State.NURTURE)}
    shelf.mailable = lambda _facts: False
    assert placed(shelf) == {"p1": (None, None)}


def test_nothing_more_is_read_where_nobody_is_in_nurture_or_its_stage_is_not_reached(shelf):
    shelf.current = {"p1": cycle("p1", State.HANDED_OFF)}
    assert placed(shelf) == {"p1": (None, None)}
    assert "docs" not in shelf.asked
    shelf.current = {"p1": cycle("p1", State.NURTURE)}
    assert placed(shelf, stages=("score", "route")) == {"p1": (None, None)}
    assert "docs" not in shelf.asked
    assert placed(shelf)["p1"][0] is not None
    assert "docs" in shelf.asked


def test_the_theme_that_was_set_stands_and_an_unset_one_follows_what_was_asked_for(shelf):
    shelf.current = {
        "p1": cycle("p1", State.NURTURE, "security"), "p2": cycle("p2", State.NURTURE),
        "p3": cycle("p3", State.NURTURE),
    }  # fmt: skip
    shelf.assets = {"p1": [Asked("guide", NOW)], "p2": [Asked("guide", NOW)]}
    shelf.facts = {"p1": {"region": "emea"}, "p2": {"region": 7}}
    assert placed(shelf, ("p1", "p2", "p3")) == {
        "p1": (Place("security", "phase 1"), "emea"),
        "p2": (Place("planning", "phase 1"), "7"),
        "p3": (Place("general", "phase 0"), None),
    }


def test_who_is_with_sales_has_a_place_beside_it_only_where_that_is_agreed(shelf):
    shelf.current = {"p1": cycle("p1", State.QUALIFIED)}
    assert placed(shelf) == {"p1": (None, None)}
    assert placed(shelf, alongside="customers")["p1"][0] is not None


# --- fields and questions ------------------------------------------------------------------------


def test_a_group_has_its_own_fields_less_those_the_crm_lost_looked_up_once(shelf):
    def target(name):
        return WriteTarget(name, f"f_{name}", "ours", None, clear=False)

    names = ("score", "state", "owner", "nurture")
    one = SimpleNamespace(writes={name: target(name) for name in names})
    source = SimpleNamespace(
        name="crm", lost={"lead": frozenset({"f_state"})}, objects={"lead": one}
    )
    found = known(shelf)
    assert set(found.targets(source, "lead", Group.SCORE)) == {"score"}
    assert set(found.targets(source, "lead", Group.OWNER)) == {"owner"}
    assert set(found.targets(source, "lead", Group.NURTURE)) == {"nurture"}
    one.writes = {}
    assert set(found.targets(source, "lead", Group.SCORE)) == {"score"}, "looked up once a page"


def test_an_answer_counts_for_the_very_values_it_was_given_about(shelf):
    said = SimpleNamespace(theirs="ben", ours="anna", answer="ours")
    found = known(shelf)
    found.questions = {(*KEY, "owner"): said}
    assert found.decided(KEY, "owner", "ben", "anna") == "ours"
    assert not found.asks(KEY, "owner", "ben", "anna")
    for theirs, ours in (("carla", "anna"), ("ben", "carla"), (None, "anna"), ("ben", None)):
        assert found.decided(KEY, "owner", theirs, ours) is None
        assert found.asks(KEY, "owner", theirs, ours)
    assert found.decided(KEY, "status", "ben", "anna") is None
