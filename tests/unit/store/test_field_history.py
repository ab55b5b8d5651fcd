"""What fields held before is kept on both databases: what a CRM tells, and what readings show."""

from __future__ import annotations

import pytest
from sqlalchemy import insert

from connector.domain.record import Edit, Record
from connector.store.database import open_store
from connector.store.incoming import field_history, records
from connector.store.incoming.field_history import Kept
from connector.store.persons import people, retention, suppressed
from connector.store.schema import run

KEY = ("c", "lead", "l1")


@pytest.fixture
def tx(store_url):
    store = open_store(store_url)
    with store.write() as tx:
        blank = {"command": "run", "status": "ok", "started_at": 1}
        tx.execute(insert(run), [{"id": f"r{n}", "now": 100 * n, **blank} for n in (1, 2)])
        yield tx
    store.close()


def read(tx, title, *, changed=5, run="r1", mapping="h", remote=None, dated=None):
    one = Record("l1", changed, {"title": title, "name": "Ada"}, remote or {})
    records.store_page(
        tx,
        connection="c",
        object="lead",
        kind="person",
        records=[one],
        mapping_hash=mapping,
        run=run,
        gone={},
        dated={"title": None} if dated is None else dated,
        now=900,
    )


def told(ident, at, before, after, field="status", by="u1"):
    return Edit(ident, "l1", field, at, before, after, by)


def kept(tx):
    return field_history.edits_of(tx, [KEY]).get(KEY, [])


def test_two_readings_that_differ_leave_an_edit_without_author(tx):
    read(tx, "Clerk")
    read(tx, "CEO", changed=70, run="r2")
    read(tx, "CEO", changed=80, run="r2")
    assert kept(tx) == [Kept(70, "title", "Clerk", "CEO", None, told=False)]


def test_what_a_changed_mapping_makes_of_a_row_is_no_edit(tx):
    read(tx, "Clerk")
    read(tx, "clerk", run="r2", mapping="other")
    assert kept(tx) == []


def test_the_owner_that_we_write_ourselves_is_compared_where_the_crm_holds_it(tx):
    dated = {"owner": "OwnerId"}
    read(tx, "Clerk", remote={"OwnerId": "a"}, dated=dated)
    read(tx, "Clerk", remote={"OwnerId": "b"}, changed=60, run="r2", dated=dated)
    assert [(one.before, one.after) for one in kept(tx)] == [("a", "b")]


def test_an_object_without_dated_fields_leaves_nothing(tx):
    read(tx, "Clerk", dated={})
    read(tx, "CEO", run="r2", dated={})
    assert kept(tx) == []


def test_edits_that_a_crm_tells_are_kept_once_and_oldest_first(tx):
    edits = [told("h2", 20, "accepted", None), told("h1", 10, None, "accepted")]
    assert field_history.store_edits(tx, "c", "lead", edits, "r1") == 2
    assert field_history.store_edits(tx, "c", "lead", edits, "r2") == 0
    assert [(one.at, one.before, one.after, one.by) for one in kept(tx)] == [
        (10, None, "accepted", "u1"),
        (20, "accepted", None, "u1"),
    ]
    assert field_history.told_since(tx) == {("c", "lead", "status"): 10}


def test_edits_within_one_second_stand_in_the_order_of_their_ids(tx):
    edits = [told("h2", 10, "b", "c"), told("h1", 10, "a", "b")]
    field_history.store_edits(tx, "c", "lead", edits, "r1")
    assert [one.after for one in kept(tx)] == ["b", "c"]


def test_a_new_edit_is_news_of_its_person(tx):
    from connector.store.persons.news import take_news

    read(tx, "Clerk")
    row = people.records_by_id(tx, "c", "person", ["l1"])["l1"]
    people.clean(tx, [row._replace(person="p")])
    blank = {"id": "p", "facts": "{}", "doc": "{}", "excluded": None}
    people.save_people(tx, [blank], "r1")
    people.mark(tx, ["p"], pending=False)
    field_history.store_edits(tx, "c", "lead", [told("h1", 10, "a", "b")], "r1")
    take_news(tx, 10)
    assert people.pending(tx, "", 10) == ["p"]


def test_a_forgotten_record_has_no_past_and_gets_none(tx):
    field_history.store_edits(tx, "c", "lead", [told("h1", 10, "a", "b")], "r1")
    assert field_history.drop(tx, [KEY]) == 1
    suppressed.suppress(tx, [], [KEY], "forgotten/x", 5)
    assert field_history.store_edits(tx, "c", "lead", [told("h1", 10, "a", "b")], "r1") == 0
    assert kept(tx) == []


def test_what_is_older_than_agreed_is_cleared(tx):
    edits = [told("h1", 10, "a", "b"), told("h2", 30, "b", "c")]
    field_history.store_edits(tx, "c", "lead", edits, "r1")
    assert retention.clear_history(tx, 20) == 1
    assert [one.after for one in kept(tx)] == ["c"]


def test_a_field_is_watched_from_when_it_was_first_asked_for_until_no_more(tx):
    field_history.watch(tx, "c", "lead", ["title"], 100)
    field_history.watch(tx, "c", "lead", ["title", "country"], 200)
    assert field_history.watched_since(tx, "c", "lead") == {"title": 100, "country": 200}
    field_history.watch(tx, "c", "lead", ["country"], 300)
    field_history.watch(tx, "c", "lead", ["title", "country"], 400)
    assert field_history.watched_since(tx, "c", "lead") == {"title": 400, "country": 200}
    field_history.watch(tx, "c", "lead", [], 500)
    assert field_history.watched_since(tx, "c", "lead") == {}


def test_when_a_record_was_first_read_is_the_time_of_that_run(tx):
    read(tx, "Clerk")
    read(tx, "CEO", run="r2")
    assert field_history.first_seen(tx, [KEY]) == {KEY: 100}
