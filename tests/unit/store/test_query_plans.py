"""What is asked for each page is found by index: its cost must not grow with the store."""

from __future__ import annotations

import pytest
from sqlalchemy import event

from connector.store.database import open_store
from connector.store.outgoing import outbox
from connector.store.passes import cycles
from connector.store.persons import people
from connector.store.scored import scores, tallies

ASKED = {
    "the next batch": lambda tx: outbox.batch(tx, "crm", 200, ("approved",)),
    "what a person has under way": lambda tx: outbox.live(tx, ["crm/lead/l1"]),
    "who waits": lambda tx: people.pending(tx, "", 10),
}


@pytest.fixture
def store(tmp_path):
    opened = open_store(f"sqlite:///{tmp_path}/s.db")
    with opened.write() as tx:
        row = outbox.Planned(
            "crm", "lead", "l1", "score", "crm/lead/l1", "approved", {"s": (None, 1)}, quiet=True
        )
        outbox.add(tx, "p", [row])
    yield opened
    opened.close()


@pytest.mark.parametrize("name", ASKED)
def test_no_question_of_every_batch_reads_or_sorts_the_whole_outbox(store, name):
    steps = []
    with store.read() as tx:

        def explain(connection, _cursor, statement, parameters, *_):
            if " outbox" in statement:
                driver = connection.connection.driver_connection
                rows = driver.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
                steps.extend(row[-1] for row in rows)

        event.listen(tx, "before_cursor_execute", explain)
        ASKED[name](tx)
    assert any("USING INDEX outbox_" in step or "COVERING INDEX" in step for step in steps)
    assert not [step for step in steps if step.startswith("SCAN outbox")]
    if name == "the next batch":
        assert not [step for step in steps if "TEMP B-TREE" in step]


RECORDS = {
    "owners": (lambda tx: people.records_of_kind(tx, "crm", "owner"), "kind=?"),
    "accounts": (lambda tx: people.records_by_id(tx, "crm", "account", ["a1", "a2"]), "id=?"),
    "opportunities": (lambda tx: people.opportunities_of(tx, "crm", ["l1", "l2"]), "subject=?"),
    "of people": (lambda tx: people.records_of(tx, ["crm/lead/l1"]), "person=?"),
    "of accounts": (
        lambda tx: people.people_of_records(tx, "crm", "person", "account", ["a1"]),
        "account=?",
    ),
}


@pytest.mark.parametrize("name", RECORDS)
def test_no_question_of_every_page_reads_all_records_of_a_connection(store, name):
    steps = []
    with store.read() as tx:

        def explain(connection, _cursor, statement, parameters, *_):
            driver = connection.connection.driver_connection
            rows = driver.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            steps.extend(row[-1] for row in rows)

        event.listen(tx, "before_cursor_execute", explain)
        RECORDS[name][0](tx)
    assert steps[0].startswith("SEARCH record USING INDEX record_")
    assert RECORDS[name][1] in steps[0]


def test_sums_of_people_with_news_are_found_person_by_person(store):
    steps = []
    with store.write() as tx:

        def explain(connection, _cursor, statement, parameters, *_):
            driver = connection.connection.driver_connection
            rows = driver.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            steps.extend(row[-1] for row in rows)

        event.listen(tx, "before_cursor_execute", explain)
        tallies.drop_stale(tx, ["crm/lead/l1", "crm/lead/l2"])
    searched = [step for step in steps if step.startswith("SEARCH")]
    assert any("tally" in step and "person=?" in step for step in searched), steps
    assert any("person USING" in step and "id=?" in step for step in searched), steps
    assert not [s for s in steps if s.startswith(("SCAN tally", "SCAN person"))]


NOTED = {
    "more": lambda tx: people.mark_active(tx, {("crm/lead/l1", "visit"): 5}),
    "other": lambda tx: people.recount(tx, [("crm/lead/l1", "visit")]),
    "gone": lambda tx: people.forget_counted(tx, ["crm/lead/l1"]),
    "joined": lambda tx: people.merge(tx, {"crm/lead/l1": "crm/lead/l2"}, "1"),
}


@pytest.mark.parametrize("name", NOTED)
def test_whose_sums_are_not_true_any_more_is_noted_person_by_person(store, name):
    steps = []
    with store.write() as tx:

        def explain(connection, _cursor, statement, parameters, _context, many):
            if many:  # rows to insert
                return
            driver = connection.connection.driver_connection
            rows = driver.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            steps.extend(row[-1] for row in rows)

        event.listen(tx, "before_cursor_execute", explain)
        NOTED[name](tx)
    assert any(step.startswith("SEARCH tally") and "person=?" in step for step in steps), steps
    tables = ("tally", "recount", "person", "activity")
    assert not [s for s in steps if s.startswith("SCAN") and s.split()[1] in tables]


FLAGGED = {
    "new versions of records": (lambda tx: people.dirty_records(tx, "person", 10), "record_dirty"),
    "who is to be scored": (lambda tx: scores.count_stale(tx, 5), "person_stale"),
    "who is to be planned": (lambda tx: people.pending(tx, "", 10), "person_pending"),
    "who is to be decided": (lambda tx: cycles.waiting(tx, 5, "", 10), "person_pending"),
    "whose date has come": (lambda tx: cycles.waiting(tx, 5, "", 10), "cycle_due"),
    "who waits for an owner": (lambda tx: cycles.waiting(tx, 5, "", 10), "cycle_state"),
    "what the CRM put off": (lambda tx: outbox.try_again(tx, "crm", 5), "outbox_queue"),
    "what excluded people wait for": (lambda tx: outbox.cancel_excluded(tx, 5), "INDEX outbox_"),
}


@pytest.mark.parametrize("name", FLAGGED)
def test_a_run_with_nothing_to_do_reads_no_table_from_end_to_end(store, name):
    ask, index = FLAGGED[name]
    steps = []
    with store.write() as tx:

        def explain(connection, _cursor, statement, parameters, *_):
            driver = connection.connection.driver_connection
            rows = driver.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            steps.extend(row[-1] for row in rows)

        event.listen(tx, "before_cursor_execute", explain)
        ask(tx)
    assert [step for step in steps if index in step], steps
    tables = ("person", "record", "cycle", "score", "outbox")
    whole = [s for s in steps if s.startswith("SCAN") and s.split()[1] in tables]
    assert not [step for step in whole if "USING" not in step]
