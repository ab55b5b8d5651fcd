"""What is asked for each batch is found by index: its cost must not grow with the outbox."""

from __future__ import annotations

import pytest
from sqlalchemy import event

from connector.store import outbox, people
from connector.store.database import open_store

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
