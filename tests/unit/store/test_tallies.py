"""Which kept sums serve a scoring, and which activities must be read: never too few, never twice."""

from __future__ import annotations

from collections import Counter

import pytest
from sqlalchemy import select

from connector.domain.moment import DAY, HOUR
from connector.domain.tally import Tally
from connector.store.database import open_store
from connector.store.persons import people
from connector.store.schema import activity, person, recount, tally
from connector.store.scored import tallies
from connector.store.scored.feed import activities_sql, feed, tallies_sql
from connector.store.scored.tallies import Kept

NOW = 20_000 * DAY + 9 * HOUR
OPEN = NOW - 9 * HOUR - DAY
"""When the days began that are open now."""
KEPT = Kept("mine", NOW, frozenset({"asset's"}))
OLD, NEW, LOOKED = ("x", OPEN - 1), ("x", OPEN), ("asset's", OPEN)
CASES = {  # units, as of, until, stale, what was done; whether the sums serve, activities read
    "for good": ("mine", NOW, None, False, [OLD], True, 0),
    "just counted": ("mine", NOW, NOW + 1, False, [OLD, NEW], True, 0),
    "ends now": ("mine", NOW - 5, NOW, False, [OLD], False, 1),
    "ended": ("mine", NOW - 5, NOW - 1, False, [OLD], False, 1),
    "from later": ("mine", NOW + 1, None, False, [OLD], False, 1),
    "of another count": ("other", NOW, None, False, [OLD], False, 1),
    "never counted": (None, 0, None, False, [OLD, NEW], False, 2),
    "more": ("mine", NOW, None, True, [OLD, NEW, ("x", NOW)], True, 2),
    "more since long ago": ("mine", NOW - 9 * DAY, None, True, [OLD, NEW], True, 2),
    "other facts": ("mine", NOW, None, True, [OLD], True, 0),
    "looked at": ("mine", NOW, None, True, [OLD, LOOKED], False, 2),
    "looked at before": ("mine", NOW, None, True, [("asset's", OPEN - 1), NEW], True, 1),
    "looked at, and counted": ("mine", NOW, None, False, [LOOKED], True, 0),
    "more, never counted": (None, 0, None, True, [OLD, NEW], False, 2),
}
SERVE, READ = -2, -1
STALE = {who for who, case in CASES.items() if case[3]}


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
                tallies.save(tx, {who: Tally(None, until, "1;2", "1;0")}, units, as_of)
            tx.execute(activity.insert(), [_did(who, n, *one) for n, one in enumerate(done)])
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
    assert {who for who, row in told.items() if row.more} == set(told) & STALE
    assert {(row.sums, row.open) for row in told.values()} == {("1;2", "1;0")}
    assert told["just counted"].until == NOW + 1


def test_who_is_settled_without_being_counted_loses_what_was_counted_before(store):
    with store.write() as tx:
        tallies.drop_stale(tx, CASES)
        people.mark_all(tx, stale=False)
    held = read(store, tallies_sql(store.dialect, KEPT, only_stale=False))
    assert set(held) == {"for good", "just counted", "looked at, and counted"}
    with store.read() as tx:
        assert tallies.lacking_share(tx, KEPT) == 11 / 14
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
        assert _people(tx, recount) == {"more"}


def test_more_of_a_day_that_is_closed_has_its_type_counted_anew_and_nothing_else(store):
    since = {("for good", "x"): OPEN - 1, ("for good", "y"): OPEN, ("just counted", "x"): OPEN}
    with store.write() as tx:
        people.mark_active(tx, {**since, ("ended", "x"): NOW, ("never counted", "x"): OPEN - 1})
        assert CASES.keys() - _people(tx, tally) == NEVER
        assert tx.execute(select(recount)).all() == [("for good", "x")]
        marked = select(person.c.id).where(person.c.stale, person.c.pending)
        active = {"for good", "just counted", "ended", "never counted"}
        assert set(tx.execute(marked).scalars()) == active | STALE
    held = read(store, tallies_sql(store.dialect, KEPT, only_stale=True))
    assert {"for good", "just counted"} < set(held)


def test_days_are_closed_as_of_when_a_person_was_counted_and_not_as_of_now(store):
    with store.write() as tx:
        more = {("more", "x"): OPEN - DAY, ("more since long ago", "x"): OPEN - DAY}
        people.mark_active(tx, more)
        assert tx.execute(select(recount)).all() == [("more", "x")]


def _people(tx, table):
    return set(tx.execute(select(table.c.person)).scalars())
