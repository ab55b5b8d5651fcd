"""A store that an earlier version filled is brought up to date with all that is in it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text

from connector.store.database import open_store
from connector.store.incoming import checkpoints
from connector.store.migrations import HEAD
from connector.store.outgoing import outbox, plans, written
from connector.store.persons import people
from connector.store.schema import metadata
from connector.store.upgrade import _FOLDER

ROWS = {
    "run": "('r1', 'run', 'ok', 1, 1, 2, 1, 'm', 'p1', '{}', NULL)",
    "connection": "('crm', 'memory', 'memory', 1)",
    "checkpoint": (
        "('crm', 'lead', 'increment', 500, NULL, NULL, NULL, 'h', 'r1', 1),"
        "('crm', 'deal', 'increment', NULL, NULL, 900, 'd7', 'h', 'r1', 1),"
        "('crm', 'event', 'increment', 400, 400, 900, 'e7', 'h', 'r1', 1)"
    ),
    "record": (
        "('crm', 'lead', 'l1', 'person', 5, 'x', '{\"email\":\"a@b.example\"}', '{\"s\":1}', "
        "{false}, NULL, 'crm/lead/l1', NULL, NULL, 'r1', {false})"
    ),
    "person": "('crm/lead/l1', '{}', '{}', NULL, {false}, {true}, 'r1')",
    "plan": "('p1', 'r1', 'write', 'open', 'b', 1, NULL, '{}', '[]')",
    "outbox": (
        "(1, 'p1', 'crm', 'lead', 'l1', 'score', 'crm/lead/l1', 'applied', '{\"s\":[null,1]}', "
        "{true}, 1, NULL, NULL, NULL, 2),"
        "(2, 'p1', 'crm', 'lead', 'l1', 'score', 'crm/lead/l1', 'sending', '{\"s\":[1,2]}', "
        "{true}, 1, NULL, NULL, NULL, NULL),"
        "(3, 'p1', 'crm', 'lead', 'l1', 'owner', 'crm/lead/l1', 'dead', '{\"o\":[null,\"a\"]}', "
        "{false}, 1, 'RULE', 'o', 'no', 2)"
    ),
    "last_written": "('crm', 'lead', 'l1', 's', '1', 2, 'r1')",
    "journal": "(1, 1, 'crm', 'lead', 'l1', 's', 'null', '1', 1, 'r1')",
}
KEY = ("crm", "lead", "l1")


def differences(tx):
    """How the tables differ from what they should be; some indexes are of one database alone."""

    def ours(item, _name, kind, *_):
        only = getattr(item, "_ddl_if", None) if kind == "index" else None
        return only is None or only.dialect == tx.dialect.name

    context = MigrationContext.configure(tx, opts={"include_object": ours})
    return compare_metadata(context, metadata)


def first_version(url, rows, upto="0001"):
    """A store as the first version made and filled it."""
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    truths = (
        {"{true}": "true", "{false}": "false"}
        if "postgresql" in url
        else {"{true}": "1", "{false}": "0"}
    )
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, upto)
        for table, values in rows.items():
            spelled = values.replace(":", "\\:")
            for ours, theirs in truths.items():
                spelled = spelled.replace(ours, theirs)
            connection.execute(text(f"INSERT INTO {table} VALUES {spelled}"))
        connection.commit()
    engine.dispose()


@pytest.fixture
def old(empty_url, tmp_path):
    (tmp_path / "state").mkdir(exist_ok=True)
    first_version(empty_url, ROWS)
    return empty_url


def test_a_store_of_the_first_version_comes_up_to_date_and_keeps_all_it_holds(old):
    store = open_store(old)
    with store.read() as tx:
        assert differences(tx) == []
        assert tx.execute(text("SELECT version_num FROM alembic_version")).scalar() == HEAD
        for table, values in ROWS.items():
            count = tx.execute(text(f"SELECT count(*) FROM {table}")).scalar()
            assert count == max(1, values.count("),(") + 1) + (2 if table == "checkpoint" else 0)
        assert people.pending(tx, "", 10) == ["crm/lead/l1"]
        live = outbox.live(tx, ["crm/lead/l1"])
        assert [row.state for row in live.values()] == ["sending"]
        assert outbox.dead(tx)[0].hint is None
        assert written.bases(tx, [KEY]) == {KEY: {"s": (1, 2)}}
        assert written.journal_of_run(tx, "r1", 0, 10)[0].changes == {"s": [None, 1]}
        assert plans.newest_plan(tx).id == "p1"
    store.close()


def test_a_first_reading_that_was_under_way_goes_on_as_a_backfill(old):
    store = open_store(old)
    with store.read() as tx:
        found = {
            (obj, kind): checkpoints.load(tx, "crm", obj, kind)
            for obj in ("lead", "deal", "event")
            for kind in ("increment", "backfill")
        }
    store.close()
    assert found["lead", "increment"].done_until == 500
    assert found["lead", "backfill"].done_until == 500
    assert found["lead", "backfill"].window_until is None
    assert found["deal", "increment"] is None
    open_one = found["deal", "backfill"]
    assert (open_one.window_until, open_one.position, open_one.done_until) == (900, "d7", None)
    news = found["event", "increment"]
    assert (news.window_since, news.window_until, news.position) == (400, 900, "e7")


def test_killed_in_the_middle_of_an_upgrade_the_next_opening_finishes_it(old):
    code = (
        "import os, signal, sys\n"
        "from alembic import op\n"
        "whole, seen = op.create_table, []\n"
        "def dying(*a, **k):\n"
        "    seen.append(1)\n"
        "    if len(seen) == 4: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return whole(*a, **k)\n"
        "op.create_table = dying\n"
        "from connector.store.database import open_store\n"
        "open_store(sys.argv[1])\n"
    )
    died = subprocess.run([sys.executable, "-c", code, old], env=dict(os.environ), check=False)
    assert died.returncode == -signal.SIGKILL
    store = open_store(old)
    with store.read() as tx:
        assert differences(tx) == []
        assert tx.execute(text("SELECT count(*) FROM outbox")).scalar() == 3
    store.close()


def test_a_store_that_was_upgraded_is_the_same_as_one_made_new(old, tmp_path):
    if not old.startswith("sqlite"):
        pytest.skip("alembic compares the tables of PostgreSQL in the test above")
    upgraded, fresh = open_store(old), open_store(f"sqlite:///{tmp_path}/new.db")
    assert shape(upgraded) == shape(fresh)
    upgraded.close()
    fresh.close()


def test_the_indexes_of_live_rows_are_made_anew_by_what_is_settled(old):
    upgraded = open_store(old)
    partial = some_rows(upgraded)
    for name in ("outbox_live", "outbox_live_person", "outbox_queue"):
        assert partial[name] == "settled_at is null"
    upgraded.close()


def test_every_index_of_some_rows_is_such_in_a_store_made_new(empty_url):
    fresh = open_store(empty_url)
    some = {
        index.name
        for table in metadata.tables.values()
        for index in table.indexes
        if index.info and (index._ddl_if is None or index._ddl_if.dialect == fresh.dialect)
    }
    assert len(some) > 15
    assert some <= some_rows(fresh).keys()
    fresh.close()


def test_a_row_that_ended_without_saying_when_is_not_taken_for_a_live_one(old):
    engine = create_engine(old.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        connection.execute(text("UPDATE outbox SET settled_at = NULL WHERE state <> 'sending'"))
        connection.execute(text("UPDATE outbox SET settled_at = 7 WHERE state = 'sending'"))
    engine.dispose()
    store = open_store(old)
    with store.read() as tx:
        assert [row.state for row in outbox.live(tx, ["crm/lead/l1"]).values()] == ["sending"]
    store.close()


def some_rows(store):
    """The condition of each index that holds some rows only."""
    from_where = {
        "sqlite": "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL",
        "postgresql": "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    }
    with store.read() as tx:
        found = tx.execute(text(from_where[store.dialect])).all()
    parts = {name: sql.casefold().partition(" where ")[2].strip("() ") for name, sql in found}
    return {name: where for name, where in parts.items() if where}


def test_the_score_of_a_hand_off_is_taken_out_of_its_package(tmp_path):
    url = f"sqlite:///{tmp_path}/old.db"
    first_version(url, {}, upto="0019")
    engine = create_engine(url)
    with engine.begin() as connection:
        for who, package in (
            ("p1", "Score 78 of 100, grade A1\nFit 80"),
            ("p2", ""),
            ("p3", "Score 100 of 100"),
        ):
            connection.execute(text(
                "INSERT INTO handoff (person, number, record, owner, tier, crossed_at, step, turn, package, do_next,"
                " alert, task) VALUES (:who, 1, 'r', 'o', '', 1, '', 0, :package, '', '{}', 'none')"
            ), {"who": who, "package": package})  # fmt: skip
    engine.dispose()
    store = open_store(url)
    with store.read() as tx:
        found = tx.execute(text("SELECT person, score FROM handoff ORDER BY person")).all()
    store.close()
    assert [tuple(row) for row in found] == [("p1", 78), ("p2", None), ("p3", 100)]


def shape(store):
    """What the database says of its tables, indexes and triggers."""
    found = {}
    with store.read() as tx:
        master = tx.execute(text("SELECT type, name, tbl_name, sql FROM sqlite_master")).all()
        for kind, name, table, sql in master:
            if kind == "table":
                columns = tx.exec_driver_sql(f'PRAGMA table_info("{name}")').all()
                found[name] = sorted((c[1], c[2], c[3], c[5]) for c in columns)
            elif sql is not None:
                found[name] = (kind, table, sql.replace('"', "").casefold().split())
    return found
