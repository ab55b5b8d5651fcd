"""Few are scored in the process that has the store open, by its own driver: no other is started."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from random import Random

import pytest
from sqlalchemy import select

from connector.engine import few, run
from connector.engine.steps import Program
from connector.errors import LeadloopError
from connector.scoring.choice import Models
from connector.store.database import open_store
from connector.store.persons import people
from connector.store.running import runs
from connector.store.schema import activity, person, score, tally
from connector.store.statements.streams import rows
from connector.sync import score as score_step
from tests.sync.scoring import score_here
from tests.unit.engine.test_increment import change, event, filled, step  # noqa: F401  a fixture
from tests.unit.engine.test_spark import DAY, MODELS, NOW, SHIPPED

ROWS = (score, tally)


@pytest.fixture
def waiting(filled):  # noqa: F811
    """A store in which everybody was scored, and then some changed."""
    store, luck = filled
    step(store, NOW, noted=True)
    with store.write() as tx:
        change(tx, luck)
    return store


def rows_of(store):
    with store.read() as tx:
        return [
            [tuple(row) for row in tx.execute(select(one).order_by(one.c.person)).all()]
            for one in ROWS
        ]


@pytest.fixture
def no_process(monkeypatch):
    def refuse(*_):
        raise AssertionError("a process was started")

    monkeypatch.setattr(run, "Scorer", refuse)


def test_few_get_the_very_figures_and_sums_that_more_get_by_the_same_program(
    waiting, tmp_path, monkeypatch
):
    with closing(sqlite3.connect(waiting.path)) as here:
        here.execute("VACUUM INTO ?", [f"{tmp_path}/copy.db"])
    other = open_store(f"sqlite:///{tmp_path}/copy.db")
    before = rows_of(waiting)
    step(waiting, NOW + 1)
    monkeypatch.setattr(score_step, "FEW", 0)
    monkeypatch.setattr(score_step, "score_store", score_here)  # one thread too: to the last bit
    step(other, NOW + 1)
    here, there = rows_of(waiting), rows_of(other)
    other.close()
    assert here == there
    changed = [sum(new not in old for new in rows) for old, rows in zip(before, here, strict=True)]
    assert changed[0] >= 9  # with those who share an account
    assert changed[1] == 9


def test_few_are_scored_without_a_process_and_one_more_with_one(waiting, no_process, monkeypatch):
    with waiting.read() as tx:
        many = len(tx.execute(select(person.c.id).where(person.c.stale)).all())
    monkeypatch.setattr(score_step, "FEW", many - 1)
    with pytest.raises(AssertionError, match="a process was started"):
        step(waiting, NOW + 1)
    monkeypatch.setattr(score_step, "FEW", many)
    step(waiting, NOW + 1)
    with waiting.read() as tx:
        assert not tx.execute(select(person.c.id).where(person.c.stale)).all()


def test_everybody_is_scored_by_a_process_however_few_they_are(waiting, no_process):
    with pytest.raises(AssertionError, match="a process was started"):
        step(waiting, NOW + DAY)


def test_few_are_read_as_rules_read_them_on_both_databases(store_url, no_process):
    store, models = open_store(store_url), Models.only(SHIPPED)
    facts = {
        "c/lead/1": {"seniority": "vp", "account.employees": 600, "title": "50% of a:colon"},
        "c/lead/2": {"seniority": 7, "account.employees": "600", "title": "nul\u0000byte ß"},
        "c/lead/3": {},
    }
    with store.write() as tx:
        facts_of = [
            {"id": who, "facts": people.dumps(one), "doc": "{}", "excluded": None}
            for who, one in facts.items()
            if store.dialect == "sqlite" or "\u0000" not in one.get("title", "")
        ]
        people.save_people(tx, facts_of, "1")
        people.mark_all(tx, stale=False)
    published = _scored_once(store, models, [row["id"] for row in facts_of])
    store.close()
    behaviour = pytest.approx(20 * 2 ** (-2 / 90), abs=1e-9)
    assert published.pop("c/lead/1") == (pytest.approx(40 / 60 * 100), behaviour)
    assert list(published.values()) == [(0, behaviour)] * (len(facts_of) - 1)


def _scored_once(store, models, ids):
    """Score these people as the few who changed; gives fit and behaviour of each."""
    seen = event(Random(1), 1, "") | {
        "type": "webinar",
        "time": NOW - 2 * DAY,
        "machine": False,
        "duplicate": False,
    }
    with store.write() as tx:
        runs.start(tx, "full", "run", now=NOW, started=NOW)
        counts = {"scored_all": True}
        runs.finish(tx, "full", status="ok", ended=NOW, counts=counts, model=models.hash)
        events = [{**seen, "id": str(n), "person": who} for n, who in enumerate(ids)]
        tx.execute(activity.insert(), events)
        people.mark(tx, ids, stale=True)
    found = step(store, NOW, models)
    return {who: (one.fit, one.behaviour) for who, one in found.items()}


def test_sql_given_as_text_is_taken_as_it_stands_on_both_databases(store_url):
    store = open_store(store_url)
    with store.read() as tx:
        assert list(rows(tx, "SELECT '50%' AS a, '%s:word' AS b")) == [("50%", "%s:word")]
    store.close()


def test_what_duckdb_has_against_a_program_is_said_as_one_of_our_errors():
    wrong = Program([("fresh", "SELECT nowhere FROM people")], [], [], [])
    with (
        pytest.raises(LeadloopError, match="scoring ended with BinderException"),
        few.scoring_few(MODELS, "500MB") as scoring,
    ):
        for table in ("people", "activities"):
            scoring.fill(table, [])
        scoring.run(wrong, NOW)
