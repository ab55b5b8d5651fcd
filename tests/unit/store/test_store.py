"""The store keeps its promises on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.engine.interfaces import CacheStats

from connector.domain.record import Activity, Record, Rejected
from connector.errors import LoginError, TryLaterError, UsageError
from connector.store.database import open_store
from connector.store.incoming import checkpoints, records
from connector.store.incoming.checkpoints import Checkpoint
from connector.store.persons import people
from connector.store.schema import metadata, record

FULL = 2
"""PRAGMA synchronous, of a file to which every commit is synced."""


@pytest.fixture
def store(empty_url):
    store = open_store(empty_url)
    yield store
    store.close()


def page(tx, rows, *, mapping="h", gone=None, targets=None):
    return records.store_page(
        tx,
        targets=targets,
        connection="c",
        object="lead",
        kind="person",
        records=rows,
        mapping_hash=mapping,
        run="r",
        gone=gone or {},
    )


def lead(ident, title="x", score=None):
    return Record(str(ident), 5, {"title": title}, {"score": score})


def test_the_migrated_tables_are_those_the_code_speaks_of(store):
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    def of_this_database(thing, _name, _kind, _reflected, _other):
        condition = getattr(thing, "_ddl_if", None)
        return condition is None or condition.dialect == store.dialect

    with store.read() as tx:
        here = MigrationContext.configure(tx, opts={"include_object": of_this_database})
        differences = compare_metadata(here, metadata)
    assert differences == []


def test_an_unchanged_row_is_not_written(store):
    with store.write() as tx:
        assert page(tx, [lead(1), lead(2)]).new == 2
        people.clean(tx, people.dirty_records(tx, "person", 10))
    with store.write() as tx:
        assert page(tx, [lead(1), lead(2, "y")])[:3] == (0, 1, 1)
        assert [r.id for r in people.dirty_records(tx, "person", 10)] == ["2"]


@pytest.mark.parametrize(
    ("coming", "known"),
    [(range(1250, 1550), 50), (range(950, 1250), 250), (range(9, 409), 0), (range(8, 1009), 9)],
    ids=["above", "below", "shorter", "across"],
)
def test_what_is_known_of_a_large_page_is_found_wherever_its_ids_stand(store, coming, known):
    with store.write() as tx:
        assert page(tx, map(lead, range(1000, 1300))).new == 300
    with store.write() as tx:
        found = page(tx, map(lead, coming), gone={"1299": None})
    assert (found.unchanged, found.new) == (known, len(coming) - known)
    assert found.gone == (1299 not in coming)


def test_another_mapping_makes_every_row_new_to_resolve(store):
    with store.write() as tx:
        page(tx, [lead(1)])
        assert page(tx, [lead(1)], mapping="other").changed == 1


def test_a_change_of_what_we_write_does_not_make_a_record_dirty(store):
    with store.write() as tx:
        page(tx, [lead(1, score=1)])
        people.clean(tx, people.dirty_records(tx, "person", 10))
        assert page(tx, [lead(1, score=2)]).remote_changed == 1
        assert people.dirty_records(tx, "person", 10) == []
        assert people.record_remote(tx, "c", "lead", "1") == {"score": 2}


def test_a_record_is_looked_at_anew_once_when_other_fields_are_written_though_they_are_empty(store):
    def counts(targets):
        with store.write() as tx:
            found = page(tx, [lead(1)], targets=targets)
            return found.remote_changed, found.unchanged

    with store.write() as tx:
        page(tx, [lead(1)])
        people.clean(tx, people.dirty_records(tx, "person", 10))
    assert [counts(mark) for mark in ("a", "a", "b", "b")] == [(1, 0), (0, 1), (1, 0), (0, 1)]
    with store.read() as tx:
        assert people.dirty_records(tx, "person", 10) == []


@pytest.mark.parametrize("held", [None, "", False])
def test_an_empty_field_that_was_kept_by_name_is_no_news_without_it(store, held):
    kept, left_out = (Record("1", None, {}, remote) for remote in ({"score": held}, {}))
    with store.write() as tx:
        page(tx, [kept])
        assert page(tx, [left_out])[:4] == (0, 0, 1, 0)
        assert page(tx, [kept])[:4] == (0, 0, 1, 0)


def test_a_record_that_is_gone_is_kept_as_gone_and_can_come_back(store):
    with store.write() as tx:
        page(tx, [lead(1), lead(2)])
        assert page(tx, [], gone={"1": "2", "7": None}).gone == 1
        assert people.record_remote(tx, "c", "lead", "1") is None
        assert page(tx, [lead(1)]).changed == 1
        assert people.record_remote(tx, "c", "lead", "1") == {"score": None}


def test_rows_and_checkpoint_are_kept_together_or_not_at_all(store):
    saved = Checkpoint("c", "lead", "increment", None, None, 9, "p", "h", "r", 1)
    with pytest.raises(RuntimeError), store.write() as tx:
        page(tx, [lead(1)])
        checkpoints.save(tx, saved)
        raise RuntimeError
    with store.read() as tx:
        assert people.count_records(tx, "person") == 0
        assert checkpoints.load(tx, "c", "lead") is None


def test_a_row_kept_aside_is_forgotten_when_it_is_read_well(store):
    with store.write() as tx:
        assert records.quarantine_rows(tx, "c", "lead", [Rejected("f:3", "bad", "1")], "r") == 1
        assert records.quarantine_rows(tx, "c", "lead", [Rejected("f:3", "bad", "1")], "s") == 0
        records.clear_quarantine(tx, "c", "lead", ["1"])
        assert records.quarantined(tx) == []


def test_a_row_that_is_gone_takes_all_its_activities_along_and_no_other(store):
    ids = ("7:1", "7:2", "7", "77:1", "8:1", "7x", "6:7")
    with store.write() as tx:
        found = [Activity(one, "call", 5, f"lead/{one}", None) for one in ids]
        records.store_activities(tx, connection="c", object="o", activities=found)
        records.store_activities(tx, connection="c", object="p", activities=found[:1])
        done = records.store_activities(
            tx, connection="c", object="o", activities=[], gone=["7", "9"]
        )
        left = tx.exec_driver_sql("SELECT object, id FROM activity").all()
    assert done.gone == 3
    assert {tuple(one) for one in left} == {
        ("p", "7:1"), ("o", "77:1"), ("o", "8:1"), ("o", "7x"), ("o", "6:7")
    }  # fmt: skip


def test_an_activity_that_changes_is_placed_and_scored_again(store):
    one = Activity("a", "page_view", 5, person="lead/1")
    with store.write() as tx:
        kwargs = {"connection": "c", "object": "visit"}
        assert records.store_activities(tx, activities=[one, one], **kwargs).new == 1
        assert records.store_activities(tx, activities=[one], **kwargs).unchanged == 1
        moved = one._replace(time=6)
        assert records.store_activities(tx, activities=[moved], **kwargs).changed == 1


LAW = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@LAW
@given(
    rows=st.lists(st.tuples(st.integers(0, 5), st.sampled_from("ab")), max_size=12),
    cuts=st.lists(st.integers(1, 4), min_size=1, max_size=12),
)
def test_however_pages_are_cut_or_repeated_the_last_version_stands(tmp_path_factory, rows, cuts):
    store = open_store(f"sqlite:///{tmp_path_factory.mktemp('s')}/s.db")
    todo = [lead(i, t) for i, t in rows]
    while todo:
        size = cuts.pop(0) if cuts else 3
        with store.write() as tx:
            page(tx, todo[:size])
        with store.write() as tx:
            page(tx, todo[:size])
        todo = todo[size:]
    with store.read() as tx:
        found = {r.id: r.doc["title"] for r in people.dirty_records(tx, "person", 100)}
    assert found == {str(i): t for i, t in rows}
    store.close()


def test_a_store_survives_its_writer_being_killed(tmp_path):
    url = f"sqlite:///{tmp_path}/s.db"
    open_store(url).close()
    code = (
        "import sys\n"
        "from connector.store.database import open_store\n"
        "from connector.store.incoming import records\n"
        "from connector.domain.record import Record\n"
        "s = open_store(sys.argv[1]); n = 0\n"
        "while True:\n"
        "    with s.write() as tx:\n"
        "        rows = [Record(str(n * 50 + i), 1, {'t': 'x' * 500}, {}) for i in range(50)]\n"
        "        records.store_page(tx, connection='c', object='o', kind='person', records=rows,\n"
        "                           mapping_hash='h', run='r', gone={})\n"
        "    n += 1; print(n, flush=True)\n"
    )
    child = subprocess.Popen([sys.executable, "-c", code, url], stdout=subprocess.PIPE, text=True)
    for _ in range(5):
        child.stdout.readline()
    time.sleep(0.05)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()
    store = open_store(url)
    with store.read() as tx:
        assert tx.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        rows = people.count_records(tx, "person")
    assert rows >= 250
    assert rows % 50 == 0
    store.close()


def test_a_commit_waits_for_the_disk(opened_for_real, tmp_path):
    with closing(sqlite3.connect(tmp_path / "s.db")) as connection:
        opened_for_real(connection, None)
        (synced,) = connection.execute("PRAGMA synchronous").fetchone()
    assert synced == FULL


def test_what_was_compiled_for_one_opening_serves_the_next(empty_url):
    query = select(record.c.id, record.c.object, record.c.person).where(record.c.hash == "nobody's")
    tried = []
    for _ in range(2):
        store = open_store(empty_url)
        with store.read() as tx:
            tried.append(tx.execute(query).context.cache_hit)
        store.close()
    assert tried == [CacheStats.CACHE_MISS, CacheStats.CACHE_HIT]


def test_who_writes_alone_again_goes_on_with_the_pages_at_hand(tmp_path):
    """Each connection keeps pages: taken by turns, as many times as much would be kept."""
    store = open_store(f"sqlite:///{tmp_path}/s.db")
    with store.read(), store.read(), store.read():
        pass
    used = set()
    for _ in range(6):
        with store.write() as tx:
            used.add(id(tx.connection.dbapi_connection))
    store.close()
    assert len(used) == 1


def test_a_newer_store_is_refused(tmp_path):
    url = f"sqlite:///{tmp_path}/s.db"
    store = open_store(url)
    with store.write() as tx:
        tx.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    store.close()
    with pytest.raises(UsageError, match="version 9999"):
        open_store(url)


def test_a_file_that_is_no_database_is_said_to_be_none(tmp_path):
    (tmp_path / "s.db").write_text("hello, I am a letter" * 100)
    with pytest.raises(UsageError, match="no SQLite database"):
        open_store(f"sqlite:///{tmp_path}/s.db")


def test_somebody_elses_database_is_left_alone(tmp_path):
    import sqlite3

    with sqlite3.connect(tmp_path / "s.db") as other:
        other.execute("CREATE TABLE invoices (id)")
    other.close()
    with pytest.raises(UsageError, match="none of a Leadloop store"):
        open_store(f"sqlite:///{tmp_path}/s.db")


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("mysql://x/y", UsageError),
        ("nonsense", UsageError),
        ("sqlite://", UsageError),
        ("postgresql://u:canary-pw@127.0.0.1:9/db", TryLaterError),
    ],
)
def test_an_address_that_leads_nowhere_is_said_without_its_secret(url, error):
    with pytest.raises((error, LoginError)) as caught:
        open_store(url)
    assert caught.value.hint
    assert "canary" not in str(caught.value)


def test_the_store_file_is_for_us_only(tmp_path):
    open_store(f"sqlite:///{tmp_path}/new/s.db").close()
    assert (tmp_path / "new" / "s.db").stat().st_mode & 0o077 == 0


def test_documents_are_the_same_bytes_whatever_the_order_of_their_keys(store):
    with store.write() as tx:
        page(tx, [Record("1", 1, {"b": 1, "a": 2}, {})])
        assert page(tx, [Record("1", 1, {"a": 2, "b": 1}, {})]).unchanged == 1
        text = tx.execute(record.select()).one().doc
    assert text == '{"a":2,"b":1}'
