"""Many rows by one statement leave what one by one would have left, on both databases."""

from __future__ import annotations

import pytest
from sqlalchemy import bindparam, select, update
from sqlalchemy.exc import IntegrityError

from connector.store.database import open_store
from connector.store.schema import identity_key, person
from connector.store.statements.bulk import execute_many, insert_many
from connector.store.statements.upsert import insert_missing

NAMES = ("stale", "id", "facts", "doc", "excluded", "pending", "first_run")
TEXTS = ["", "\t \\N \\ \n", "Zoë 株式会社 \U0001f600", '{"a": 1}', "%s %(x)s :y ?"]
_MIXED = (("c", None), ("d", "y"))
MARK = update(person).where(person.c.id == bindparam("i")).values(pending=True, doc=bindparam("d"))


@pytest.fixture
def store(store_url):
    store = open_store(store_url)
    yield store
    store.close()


def add(tx, *ids):
    insert_many(tx, person, NAMES, [(False, i, "{}", "{}", None, False, "r") for i in ids])


def test_every_text_comes_back_as_it_went_in(store):
    rows = [(True, f"p{n}", text, text, text, False, "r") for n, text in enumerate(TEXTS)]
    with store.write() as tx:
        insert_many(tx, person, NAMES, rows)
    with store.read() as tx:
        columns = [person.c[name] for name in NAMES]
        found = [tuple(r) for r in tx.execute(select(*columns).order_by(person.c.id))]
    assert found == rows


def test_what_no_row_holds_stays_empty_and_a_truth_comes_back_as_one(store):
    with store.write() as tx:
        insert_many(tx, person, NAMES, [(True, "a", "{}", "{}", None, False, "r")])
        insert_many(tx, person, NAMES, [(False, "b", "{}", "{}", "x", True, "r")])
        insert_many(tx, person, NAMES, [(False, n, "{}", "{}", e, True, "r") for n, e in _MIXED])
    query = select(person.c.id, person.c.stale, person.c.excluded, person.c.pending)
    with store.read() as tx:
        found = {row[0]: tuple(row[1:]) for row in tx.execute(query)}
    assert found == {
        "a": (True, None, False),
        "b": (False, "x", True),
        "c": (False, None, True),
        "d": (False, "y", True),
    }


@pytest.mark.parametrize("many", [1, 165, 166, 167, 500])
def test_each_row_is_inserted_once_however_many_go_by_a_statement(store, many):
    ids = [f"p{n:03}" for n in range(many)]
    with store.write() as tx:
        insert_many(tx, person, NAMES, [(False, i, i, "{}", None, True, "r") for i in ids])
    with store.read() as tx:
        found = tx.execute(select(person.c.id, person.c.facts).order_by(person.c.id)).all()
    assert [tuple(one) for one in found] == [(i, i) for i in ids]


def test_a_key_given_twice_among_many_is_refused_and_none_of_them_stays(store):
    with pytest.raises(IntegrityError), store.write() as tx:
        add(tx, *(f"p{n}" for n in range(400)), "p7")
    with store.read() as tx:
        assert tx.execute(select(person.c.id)).scalars().all() == []


def test_fixed_and_given_values_reach_the_rows_named(store):
    with store.write() as tx:
        add(tx, "a", "b", "c")
        execute_many(tx, MARK, [{"i": "a", "d": "1"}, {"i": "b", "d": "2"}])
    with store.read() as tx:
        found = tx.execute(select(person.c.id, person.c.doc, person.c.pending)).all()
    assert sorted(map(tuple, found)) == [("a", "1", True), ("b", "2", True), ("c", "{}", False)]


def test_a_key_that_stands_there_is_refused_and_the_transaction_with_it(store):
    with store.write() as tx:
        add(tx, "a")
    with pytest.raises(IntegrityError), store.write() as tx:
        add(tx, "b", "a")
    with store.read() as tx:
        assert tx.execute(select(person.c.id)).scalars().all() == ["a"]


def test_a_key_that_stands_there_is_left_as_it_is_where_only_missing_rows_are_wanted(store):
    row = {"kind": "email", "value": "a", "person": "first"}
    with store.write() as tx:
        insert_missing(tx, identity_key, [row])
        insert_missing(tx, identity_key, [row | {"person": "late"}, row | {"value": "b"}, row])
    with store.read() as tx:
        found = tx.execute(select(identity_key.c.value, identity_key.c.person)).all()
    assert sorted(map(tuple, found)) == [("a", "first"), ("b", "first")]


def test_no_rows_are_no_statement(store):
    with store.write() as tx:
        insert_missing(tx, identity_key, [])
        insert_many(tx, identity_key, ("kind", "value", "person"), [])
        execute_many(tx, MARK, [])
