"""The bulk driver carries a second SQLite: it must never be in a process that has the store open."""

from __future__ import annotations

import subprocess
import sys

import pytest

from connector.domain.record import Record
from connector.engine.run import score_store
from connector.errors import BusyError
from connector.scoring.choice import Models
from connector.scoring.model import Model
from connector.store.database import open_store
from connector.store.incoming import records
from connector.store.persons import people
from connector.store.scored.feed import activities_sql, people_sql

MODEL = Model.model_validate(
    {
        "version": 1,
        "name": "m",
        "fit": {
            "full_marks": 10,
            "groups": [
                {
                    "name": "g",
                    "rules": [
                        {"name": "boss", "field": "title", "equals": "Boss", "points": 4},
                        {
                            "name": "big",
                            "field": "account.employees",
                            "range": [500, None],
                            "points": 3,
                        },
                        {"name": "vip", "field": "vip", "equals": True, "points": 2},
                        {"name": "has", "field": "note", "answered": True, "points": 1},
                    ],
                }
            ],
        },
        "behaviour": {
            "full_marks": 10,
            "groups": [
                {
                    "name": "h",
                    "rules": [
                        {"name": "seen", "activity": "page_view", "points": 5, "half_life": "none"}
                    ],
                }
            ],
        },
    }
)
NOW = 1_780_000_000_000_000


def fill(store, facts):
    with store.write() as tx:
        people.save_people(
            tx,
            [
                {"id": f"c/lead/{n}", "facts": people.dumps(one), "doc": "{}", "excluded": None}
                for n, one in enumerate(facts)
            ],
            "run",
        )


def scores(store, *, only_stale=False):
    fields = MODEL.person_fields()
    with score_store(
        Models.only(MODEL),
        NOW,
        url=store.url,
        queries={
            "people": people_sql(store.dialect, fields, only_stale=only_stale),
            "activities": activities_sql(store.dialect, ["url"], only_stale=only_stale),
        },
    ) as found:
        return {score.person: score.fit for _, page in found.pages(2) for score, *_ in page}


@pytest.fixture
def store(store_url):
    store = open_store(store_url)
    yield store
    store.close()


def test_facts_are_read_as_the_rules_read_them_on_both_databases(store):
    fill(
        store,
        [
            {"title": "boss", "account.employees": 500, "vip": True, "note": "x"},
            {"title": 7, "account.employees": "900", "vip": "true", "note": 0},
            {"account.employees": 499.5, "vip": False, "note": None},
            {},
        ],
    )
    assert scores(store) == {
        "c/lead/0": 100.0,
        "c/lead/1": 10.0,
        "c/lead/2": 0.0,
        "c/lead/3": 0.0,
    }


def test_an_empty_store_is_scored_as_nobody(store):
    assert scores(store) == {}


def test_only_those_who_changed_are_scored_when_asked(store):
    fill(store, [{"title": "boss"}, {"title": "boss"}])
    with store.write() as tx:
        people.mark(tx, ["c/lead/0"], stale=False)
    assert list(scores(store, only_stale=True)) == ["c/lead/1"]


def test_a_second_writer_stays_locked_out_while_the_engine_reads(tmp_path):
    store = open_store(f"sqlite:///{tmp_path}/s.db")
    fill(store, [{"title": "boss"}])
    other = open_store(store.url)
    other._engine.dispose()
    with store.write() as tx:
        records.store_page(
            tx,
            connection="c",
            object="lead",
            kind="person",
            records=[Record("1", None, {"a": 1}, {})],
            mapping_hash="h",
            run="r",
            gone={},
        )
        assert scores(store) == {"c/lead/0": 40.0}
        tried = subprocess.run(
            [
                sys.executable,
                "-c",
                "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], timeout=0.2)\n"
                "c.execute('BEGIN IMMEDIATE')",
                str(tmp_path / "s.db"),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        assert "database is locked" in tried.stderr
    with store.read() as tx:
        assert people.count_records(tx, "person") == 1
    store.close()
    other.close()


def test_the_process_with_the_store_never_loads_the_bulk_drivers():
    code = (
        "import sys, connector.sync.run, connector.sync.opening, connector.engine.run\n"
        "import connector.cli.run, connector.demo.play, connector.engine.few\n"
        "print([m for m in sys.modules if m.startswith('adbc')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_pull_loads_neither_engine_nor_report():
    code = (
        "import sys, connector.sync.pull\n"
        "print([m for m in sys.modules if m.startswith(('connector.engine', 'connector.report', 'duckdb'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_run_that_says_nothing_loads_no_library_for_what_it_does_not_do():
    unused = ("structlog", "prometheus_client", "alembic", "sqlalchemy.dialects.postgresql")
    code = (
        "import sys, connector.cli.run, connector.adapters.salesforce.adapter\n"
        "from connector.cli.progress import Progress\n"
        "Progress(quiet=True)('pull', {'read': 1})\n"
        f"print([m for m in {unused!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_store_locked_too_long_is_busy_and_not_a_trace(tmp_path):
    from connector.store.running import leases

    store = open_store(f"sqlite:///{tmp_path}/s.db")
    lease = leases.acquire(store, "run", "first")
    with pytest.raises(BusyError, match="run first holds the lease"):
        leases.acquire(open_store(store.url), "run", "second")
    lease.release(store)
    leases.acquire(store, "run", "third").release(store)
    store.close()
