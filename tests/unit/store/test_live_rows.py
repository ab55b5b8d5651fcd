"""Live outbox rows are those of which nothing is settled: indexes go by the one, code by both."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from connector.store.database import open_store
from connector.store.outgoing import outbox
from connector.store.outgoing.outbox import Failure, Planned
from connector.store.persons import people
from connector.store.schema import LIVE

PERSON = "crm/lead/l1"


@pytest.fixture
def store(store_url):
    opened = open_store(store_url)
    with opened.write() as tx:
        row = {"id": PERSON, "facts": "{}", "doc": "{}", "excluded": None}
        people.save_people(tx, [row], "r")
        outbox.add(tx, "p", [planned()])
    yield opened
    opened.close()


def planned(state="planned", record="l1"):
    changes = {"f_score": (None, 71), "f_state": (None, "new")}
    return Planned("crm", "lead", record, "score", PERSON, state, changes, quiet=True)


def rows_in(tx, *states):
    return outbox.batch(tx, "crm", 10, states)


def begun(tx):
    outbox.approve(tx, "p")
    return outbox.start_sending(tx, rows_in(tx, "approved"), 5, "r")


def failed(state):
    return lambda tx: outbox.failed(tx, [Failure(r, state, "CODE") for r in begun(tx)], 6)


def put_off_too_often(tx):
    for _ in range(outbox.MAX_ATTEMPTS):
        failed("retry")(tx)
        outbox.try_again(tx, "crm", 7)


def armed_again(tx):
    failed("dead")(tx)
    outbox.rearm(tx, 7, plan_id=None, code=None)


ENDS = {
    "planned": lambda _tx: None,
    "approved": lambda tx: outbox.approve(tx, "p"),
    "sending": begun,
    "put back": lambda tx: outbox.put_back(tx, begun(tx)),
    "applied": lambda tx: outbox.applied(tx, begun(tx), 6, "r"),
    "there already": lambda tx: outbox.noop(tx, begun(tx), 6, "r"),
    "unknown": failed("unknown"),
    "put off": failed("retry"),
    "refused": failed("dead"),
    "gone": failed("cancelled"),
    "put off too often": put_off_too_often,
    "armed again": armed_again,
    "superseded": lambda tx: outbox.supersede(tx, "p", 6),
    "of a gone record": lambda tx: outbox.cancel_gone(tx, "crm", "lead", ["l1"], 6),
    "moved": lambda tx: outbox.settle(tx, [r.id for r in begun(tx)], "conflict", 6, "moved"),
}


@pytest.mark.parametrize("name", ENDS)
def test_a_row_is_settled_exactly_when_its_state_is_none_of_the_live_ones(store, name):
    with store.write() as tx:
        ENDS[name](tx)
        ((state, settled),) = tx.execute(text("SELECT state, settled_at FROM outbox")).all()
        assert (settled is None) == (state in LIVE), state
        found = outbox.live(tx, [PERSON])
    assert bool(found) == (state in LIVE)


def test_a_record_has_any_number_of_settled_rows_and_one_live_one(store):
    with store.write() as tx:
        for _ in range(2):
            outbox.settle(tx, [r.id for r in rows_in(tx, "planned")], "superseded", 6)
            outbox.add(tx, "p", [planned()])
        assert outbox.count_states(tx) == {"superseded": 2, "planned": 1}
    with pytest.raises(IntegrityError), store.write() as tx:
        outbox.add(tx, "p", [planned("approved")])


def test_who_only_waits_for_approval_is_planned_again_and_is_no_news(store):
    with store.write() as tx:
        assert people.flagged(tx, "", 10) == [PERSON]
        people.mark(tx, [PERSON], pending=False)
        assert people.flagged(tx, "", 10) == []
        assert people.pending(tx, "", 10) == [PERSON]


def test_what_a_row_says_is_kept_as_it_was_stored_and_read_when_asked_for(store):
    with store.read() as tx:
        (row,) = outbox.live(tx, [PERSON]).values()
    assert row.told == '{"f_score":[null,71],"f_state":[null,"new"]}'
    assert {name: tuple(pair) for name, pair in row.changes.items()} == dict(planned().changes)


def test_more_rows_than_one_statement_binds_are_confirmed_each(store):
    many = [planned("approved", f"m{n}") for n in range(people.CHUNK + 3)]
    with store.write() as tx:
        outbox.add(tx, "q", many)
        rows = outbox.batch(tx, "crm", len(many), ("approved",))
        outbox.applied(tx, outbox.start_sending(tx, rows, 5, "r"), 6, "r")
        assert outbox.count_states(tx, "q") == {"applied": len(many)}
        assert tx.execute(text("SELECT count(*) FROM last_written")).scalar() == len(many)
