"""Which kept sums serve a scoring, and whose activities must be read instead: never both, or none."""

from __future__ import annotations

import pytest

from connector.domain.tally import Tally
from connector.store.database import open_store
from connector.store.persons import people
from connector.store.schema import activity
from connector.store.scored import tallies
from connector.store.scored.feed import activities_sql, feed, tallies_sql
from connector.store.scored.tallies import Kept

NOW = 1_000_000
KEPT = Kept("mine", NOW)
CASES = {
    "for good": ("mine", NOW, None, False, True),
    "just counted": ("mine", NOW, NOW + 1, False, True),
    "ends now": ("mine", NOW - 5, NOW, False, False),
    "ended": ("mine", NOW - 5, NOW - 1, False, False),
    "from later": ("mine", NOW + 1, None, False, False),
    "of another count": ("other", NOW, None, False, False),
    "news": ("mine", NOW, None, True, False),
    "never counted": (None, 0, None, False, False),
}


@pytest.fixture
def store(store_url):
    opened = open_store(store_url)
    with opened.write() as tx:
        rows = [{"id": who, "facts": "{}", "doc": "{}", "excluded": None} for who in CASES]
        people.save_people(tx, rows, "1")
        people.mark_all(tx, stale=False)
        for who, (units, as_of, until, stale, _) in CASES.items():
            people.mark(tx, [who], stale=stale)
            if units is not None:
                tallies.save(tx, {who: Tally(None, until, "1;2")}, units, as_of)
        done = {"connection": "c", "object": "o", "type": "x", "time": 1, "machine": False}
        tx.execute(
            activity.insert(), [done | {"id": w, "person": w, "duplicate": False} for w in CASES]
        )
    yield opened
    opened.close()


def read(store, query):
    with store.read() as tx:
        return {row.person for row in tx.exec_driver_sql(query)} - {""}


@pytest.mark.parametrize("few", [False, True])
def test_everybody_is_scored_from_sums_that_hold_or_from_activities_and_from_one_alone(store, few):
    held = read(store, tallies_sql(store.dialect, KEPT, only_stale=False))
    done = activities_sql(store.dialect, [], only_stale=False, kept=KEPT, few=few)
    assert held == {who for who, case in CASES.items() if case[-1]}
    assert read(store, done) == CASES.keys() - held


def test_of_people_with_news_alone_no_sum_is_read_and_every_activity(store):
    assert read(store, tallies_sql(store.dialect, KEPT, only_stale=True)) == set()
    done = activities_sql(store.dialect, [], only_stale=True, kept=KEPT)
    assert read(store, done) == {"news"}


def test_what_was_counted_of_people_with_news_is_dropped_and_of_others_kept(store):
    with store.write() as tx:
        tallies.drop_stale(tx, CASES)
        people.mark_all(tx, stale=False)
        tallies.save(tx, {"for good": Tally(7, None, "3;4")}, "mine", NOW)
    held = read(store, tallies_sql(store.dialect, KEPT, only_stale=False))
    assert held == {"for good", "just counted"}
    with store.read() as tx:
        assert tallies.lacking_share(tx, KEPT) == 6 / 8
        few = feed(tx, KEPT._replace(now=0), {}, [], only_stale=False)
    assert "CROSS JOIN" not in few.activities  # all of them are read: one scan
