"""Which kept sums serve a scoring, and which activities must be read: never too few, never twice."""

from __future__ import annotations

from collections import Counter

import pytest
from sqlalchemy import select

from connector.domain.moment import DAY, HOUR
from connector.domain.tally import TOO_MANY, Tally
from connector.store.database import open_store
from connector.store.persons import people
from connector.store.schema import activity, person, recount, tally
from connector.store.scored import tallies
from connector.store.scored.feed import (
    activities_sql,
    again_sql,
    changed_sql,
    feed,
    tallies_sql,
)
from connector.store.scored.tallies import Kept

NOW = 20_000 * DAY + 9 * HOUR
OPEN = NOW - 9 * HOUR - DAY
"""When the days began that are open now."""
KEPT = Kept("mine", NOW, (("x", "x"), ("x", "with x"), ("y", "y")))
OLD, NEW, OTHER = ("x", OPEN - 1), ("x", OPEN), ("y", OPEN - 1)
WITH, FAR = ("with x", OPEN - 1), ("far", OPEN - 1)
CASES = {  # units, as of, until, stale, what was done; whether the sums serve, activities read
    "for good": ("mine", NOW, None, False, [OLD], True, 0),
    "just counted": ("mine", NOW, NOW + 1, False, [OLD, NEW], True, 0),
    "ends now": ("mine", NOW - 5, NOW, False, [OLD], True, 0),
    "ended": ("mine", NOW - 5, NOW - 1, False, [OLD, NEW, ("x", NOW)], True, 2),
    "from later": ("mine", NOW + 1, None, False, [OLD], False, 1),
    "of another count": ("other", NOW, None, False, [OLD], False, 1),
    "never counted": (None, 0, None, False, [OLD, NEW], False, 2),
    "more": ("mine", NOW, None, True, [OLD, NEW, ("x", NOW)], True, 2),
    "more since long ago": ("mine", NOW - 9 * DAY, None, True, [OLD, NEW], True, 2),
    "other facts": ("mine", NOW, None, True, [OLD], True, 0),
    "more, never counted": (None, 0, None, True, [OLD, NEW], False, 2),
    "too many": ("mine", NOW, NOW + 1, False, [OLD, NEW], True, 0),
    "too many, and more": ("mine", NOW, None, True, [OLD, NEW], False, 2),
    "too many, and ended": ("mine", NOW, NOW, False, [OLD, NEW], False, 2),
    "changed": ("mine", NOW, None, True, [OLD, NEW, WITH, OTHER, FAR], True, 1),
    "changed of another count": ("other", NOW, None, True, [OLD, OTHER], False, 2),
}
NOTED = {("changed", "x"), ("changed of another count", "x")}
SERVE, READ = -2, -1
STALE = {who for who, case in CASES.items() if case[3]}
DUE = {who for who, case in CASES.items() if case[2] is not None and case[2] <= NOW}


@pytest.fixture
def store(store_url):
    opened = open_store(store_url)
    with opened.write() as tx:
        rows = [{"id": who, "facts": "{}", "doc": "{}", "excluded": None} for who in CASES]
        people.save_people(tx, rows, "1")
        people.mark_all(tx, stale=False)
        for who, (units, as_of, until, stale, done, *_) in CASES.items():
            people.mark(tx, [who], stale=stale)
            if units is not None:
                entries = TOO_MANY if who.startswith("too many") else "[]"
                tallies.save(tx, {who: Tally(NOW, until, "1;2", "1;0", entries)}, units, as_of)
            tx.execute(activity.insert(), [_did(who, n, *one) for n, one in enumerate(done)])
        people.recount(tx, NOTED)
    yield opened
    opened.close()


def _did(who, number, kind, time):
    told = {"connection": "c", "object": "o", "id": f"{who} {number}", "person": who, "type": kind}
    return told | {"time": time, "machine": False, "duplicate": False}


def read(store, query):
    with store.read() as tx:
        found = Counter(row.person for row in tx.exec_driver_sql(query))
    del found[""]
    return found


@pytest.mark.parametrize("few", [False, True])
def test_what_sums_do_not_tell_is_read_of_everybody_and_nothing_else(store, few):
    held = read(store, tallies_sql(store.dialect, KEPT, only_stale=False))
    done = activities_sql(store.dialect, [], only_stale=False, kept=KEPT, few=few)
    assert set(held) == {who for who, case in CASES.items() if case[SERVE]}
    assert read(store, done) == Counter({who: case[READ] for who, case in CASES.items()})


def test_of_people_with_news_what_is_new_is_read_and_the_sums_it_is_added_to(store):
    held = read(store, tallies_sql(store.dialect, KEPT, only_stale=True))
    done = activities_sql(store.dialect, [], only_stale=True, kept=KEPT)
    assert set(held) == {who for who in STALE if CASES[who][SERVE]}
    assert read(store, done) == Counter({who: CASES[who][READ] for who in STALE})


def test_sums_say_whether_there_is_more_and_what_open_days_added(store):
    with store.read() as tx:
        rows = tx.exec_driver_sql(tallies_sql(store.dialect, KEPT, only_stale=False)).all()
    told = {row.person: row for row in rows if row.person}
    assert {who for who, row in told.items() if row.more} == set(told) & (STALE | DUE)
    assert {(row.sums, row.open) for row in told.values()} == {("1;2", "1;0")}
    assert {row.entries for who, row in told.items() if who != "too many"} == {"[]"}
    assert told["just counted"].until == NOW + 1


@pytest.mark.parametrize("only_stale", [False, True])
def test_where_something_changed_all_is_read_again_that_rules_about_it_read(store, only_stale):
    query = again_sql(store.dialect, [], KEPT, only_stale=only_stale)
    with store.read() as tx:
        rows = tx.exec_driver_sql(query).all()
        changed = tx.exec_driver_sql(changed_sql(store.dialect, KEPT, only_stale=only_stale)).all()
    read_again = Counter((row.person, row.type) for row in rows if row.person)
    assert read_again == {("changed", "x"): 2, ("changed", "with x"): 1}
    assert [tuple(row) for row in changed if row.person] == [("changed", "x")]


def test_rules_may_read_any_number_of_types(store):
    types = ["x", *(f"type {n}" for n in range(40))]
    many = KEPT._replace(read_with=tuple((one, other) for one in types for other in types))
    found = read(store, again_sql(store.dialect, [], many, only_stale=True))
    assert found == {"changed": 2}


def test_nothing_is_taken_for_a_new_person_s_that_was_counted_of_somebody_erased(store):
    with store.write() as tx:
        tx.execute(person.delete().where(person.c.id == "for good"))
        row = {"id": "for good", "facts": "{}", "doc": "{}", "excluded": None}
        people.save_people(tx, [row], "2")
        assert "for good" not in _people(tx, tally)


def test_what_changed_twice_is_read_once(store):
    both = KEPT._replace(read_with=(("x", "x"), ("y", "x"), ("y", "y"), ("x", "y")))
    with store.write() as tx:
        people.recount(tx, [("changed", "y")])
    found = read(store, again_sql(store.dialect, [], both, only_stale=True))
    assert found == {"changed": 3}


def test_a_model_without_rules_about_activities_reads_none_again(store):
    nothing = KEPT._replace(read_with=())
    assert not read(store, again_sql(store.dialect, [], nothing, only_stale=True))


def test_when_the_last_was_done_is_looked_up_where_the_last_may_be_gone(store):
    with store.read() as tx:
        rows = tx.exec_driver_sql(tallies_sql(store.dialect, KEPT, only_stale=True)).all()
    newest = {row.person: row.newest for row in rows if row.person}
    assert newest == dict.fromkeys(newest, NOW) | {"changed": OPEN}
    with store.write() as tx:  # a machine's, it was thought, and the only thing that was done
        tx.execute(tally.update().where(tally.c.person == "changed").values(newest=None))
    with store.read() as tx:
        rows = tx.exec_driver_sql(tallies_sql(store.dialect, KEPT, only_stale=True)).all()
    assert {row.newest for row in rows if row.person == "changed"} == {OPEN}


def test_what_was_counted_anew_is_not_counted_anew_again(store):
    with store.write() as tx:
        tallies.save(tx, {"changed": Tally(None, None, "")}, "mine", NOW)
        assert _people(tx, recount) == {"changed of another count"}
        tallies.drop_stale(tx, ["changed of another count"])
        assert _people(tx, recount) == set()


def test_who_is_settled_without_being_counted_loses_what_was_counted_before(store):
    with store.write() as tx:
        tallies.drop_stale(tx, CASES)
        people.mark_all(tx, stale=False)
    held = read(store, tallies_sql(store.dialect, KEPT, only_stale=False))
    assert set(held) == {"for good", "just counted", "ends now", "ended", "too many"}
    with store.read() as tx:
        assert tallies.lacking_share(tx, KEPT) == 11 / 16
        many = feed(tx, KEPT._replace(now=0), {}, [], only_stale=False)
    assert "person p LEFT JOIN" not in many.activities.partition("CROSS JOIN")[0]  # one scan


NEVER = {who for who, case in CASES.items() if case[0] is None}


def test_what_was_counted_stays_of_whom_there_is_news_until_it_is_forgotten(store):
    with store.write() as tx:
        people.mark(tx, ["for good", "just counted"], stale=True, pending=True)
        people.recount(tx, [("for good", "x"), ("more", "x")])
        assert CASES.keys() - _people(tx, tally) == NEVER
        people.forget_counted(tx, ["for good", "just counted"])
        assert CASES.keys() - _people(tx, tally) == {"for good", "just counted", *NEVER}
        assert _noted(tx) == {("more", "x")}


def test_more_of_a_day_that_is_closed_has_its_type_counted_anew_and_nothing_else(store):
    since = {("for good", "x"): OPEN - 1, ("for good", "y"): OPEN, ("just counted", "x"): OPEN}
    with store.write() as tx:
        people.mark_active(tx, {**since, ("ended", "x"): NOW, ("never counted", "x"): OPEN - 1})
        assert CASES.keys() - _people(tx, tally) == NEVER
        assert _noted(tx) == {("for good", "x")}
        marked = select(person.c.id).where(person.c.stale, person.c.pending)
        active = {"for good", "just counted", "ended", "never counted"}
        assert set(tx.execute(marked).scalars()) == active | STALE
    held = read(store, tallies_sql(store.dialect, KEPT, only_stale=True))
    assert {"for good", "just counted"} < set(held)


def test_days_are_closed_as_of_when_a_person_was_counted_and_not_as_of_now(store):
    with store.write() as tx:
        more = {("more", "x"): OPEN - DAY, ("more since long ago", "x"): OPEN - DAY}
        people.mark_active(tx, more)
        assert _noted(tx) == {("more", "x")}


def _people(tx, table):
    return set(tx.execute(select(table.c.person)).scalars())


def _noted(tx):
    return {tuple(row) for row in tx.execute(select(recount)).all()} - NOTED
