"""One live row for each record and group: what a new wish does to what waits already."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace

import pytest

from connector.store.outgoing.outbox import Planned, Row
from connector.store.persons.people import dumps
from connector.sync.planning.scope import within
from connector.sync.planning.wishes import Turn, against_live

KEY = ("crm", "lead", "l1", "score")


def row(state="planned", after=5, *, plan="old", person="p", quiet=True, before=None, ident=7):
    return Row(ident, plan, *KEY, person, state, dumps({"s": (before, after)}), quiet, 0)


def wish(after=5, *, quiet=True, **more):
    changes = {"s": (None, after), **more}
    return Planned(*KEY, "p", "planned", changes, quiet)


@pytest.fixture
def done():
    """What is to be done to rows that wait, as (what, row)."""
    return []


@pytest.fixture
def ask(done):
    """Settles wishes of person `p`; gives rows to add, whether to plan again, and counts."""

    def settled(wanted, *, live=None, dead=None, undone=None, undoing=()):
        known = SimpleNamespace(
            live={KEY: live} if live else {},
            live_of={live.person: [(KEY, live)]} if live else {},
            dead={KEY: dead} if dead else {},
            undone={KEY: undone} if undone else {},
            undoing=frozenset(undoing),
        )
        counts: Counter[str] = Counter()
        turn = Turn()
        against_live(turn, known, "p", wanted, counts)
        done.extend(("adopt", one) for one in turn.adopted)
        done.extend(("superseded", one) for one in turn.superseded)
        return turn.fresh, "p" in turn.later, dict(+counts)

    return settled


def test_a_new_wish_is_planned(ask, done):
    assert ask([wish()]) == ([wish()], False, {"score": 1})
    assert done == []


def test_a_wish_that_waits_already_travels_with_the_newer_plan(ask, done):
    assert ask([wish()], live=row()) == ([], False, {"score": 1})
    assert done == [("adopt", 7)]


@pytest.mark.parametrize("state", ["approved", "retry"])
def test_a_wish_that_passed_the_guard_needs_no_second_look(ask, done, state):
    assert ask([wish()], live=row(state)) == ([], False, {"waiting": 1})
    assert done == []


@pytest.mark.parametrize("state", ["planned", "approved", "retry"])
def test_another_wish_takes_the_place_of_what_waits(ask, done, state):
    assert ask([wish(6)], live=row(state)) == ([wish(6)], False, {"score": 1})
    assert done == [("superseded", 7)]


def test_a_wish_that_must_be_heard_takes_the_place_of_a_quiet_one(ask, done):
    assert ask([wish(quiet=False)], live=row())[0] == [wish(quiet=False)]
    assert done == [("superseded", 7)]


@pytest.mark.parametrize("state", ["sending", "unknown"])
def test_what_is_on_its_way_is_settled_first(ask, done, state):
    assert ask([wish(6)], live=row(state)) == ([], True, {})
    assert done == []


@pytest.mark.parametrize("state", ["planned", "approved", "retry"])
def test_what_nobody_wants_any_more_is_superseded(ask, done, state):
    assert ask([], live=row(state)) == ([], False, {})
    assert done == [("superseded", 7)]


@pytest.mark.parametrize("state", ["sending", "unknown"])
def test_what_is_on_its_way_is_not_superseded(ask, done, state):
    ask([], live=row(state))
    assert done == []


def test_other_peoples_rows_are_left_alone(ask, done):
    ask([], live=row(person="q"))
    assert done == []


def test_an_undo_that_waits_is_left_alone(ask, done):
    assert ask([wish(6)], live=row(plan="u"), undoing=["u"]) == ([], False, {})
    assert ask([], live=row(plan="u"), undoing=["u"]) == ([], False, {})
    assert done == []


def test_what_was_refused_is_not_wished_again_until_it_is_another_wish(ask, done):
    assert ask([wish()], dead=row("dead")) == ([], False, {"refused before": 1})
    assert ask([wish(6)], dead=row("dead"))[0] == [wish(6)]


def test_the_runs_own_name_makes_no_other_wish(ask, done):
    told = dumps({"s": (None, 5), "ll_run": (None, "a")})
    refused = Row(7, "old", *KEY, "p", "dead", told, True, 1)
    assert ask([wish(ll_run=(None, "b"))], dead=refused)[0] == []
    assert ask([wish(Leadloop_Run__c=(None, "b"))], dead=row("dead"))[0] == []


def test_what_was_taken_back_is_not_wished_again_until_it_is_another_wish(ask, done):
    back = row("applied", None, before=5)
    assert ask([wish(5)], undone=back) == ([], False, {"undone before": 1})
    assert ask([wish(6)], undone=back)[0] == [wish(6)]
    assert ask([wish(5, t=(None, 1))], undone=back)[0] == [wish(5, t=(None, 1))]


@pytest.mark.parametrize(
    ("facts", "scope", "is_in"),
    [
        ({"country": "FR"}, {"country": ["fr", "de"]}, True),
        ({"country": "fr"}, {"country": "FR"}, True),
        ({"country": "it"}, {"country": ["fr", "de"]}, False),
        ({}, {"country": "fr"}, False),
        ({}, {}, True),
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, False),
    ],
)
def test_a_scope_names_fields_and_the_values_they_may_hold(facts, scope, is_in):
    assert within(facts, scope) is is_in
