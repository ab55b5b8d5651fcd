"""Who did what: every decision by a person is sealed into a chain that cannot be changed unseen."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import DBAPIError

from connector.store.database import open_store
from connector.store.running import audit
from connector.sync.upkeep.forget import forget
from connector.sync.upkeep.health import examine


@pytest.fixture
def store(store_url):
    store = open_store(store_url)
    yield store
    store.close()


def whats(world):
    return [row[0] for row in world.rows("SELECT what FROM audit ORDER BY seq")]


def said(world):
    return {one.what: one for one in examine(world.loaded, lambda: world.now)}["audit log"]


def test_approvals_applies_undo_forgetting_and_changes_of_files_are_written_down(world):
    world.hot("l1")
    world.lead("l2", title="Clerk")
    first = world.run()
    done = world.apply(first.plan.id)
    assert whats(world) == ["files in force changed", "approve", "apply"]
    world.run()
    world.run()
    assert len(whats(world)) == 3, "nothing happened that a person did"
    with world.open("runs undo") as loop:
        from connector.sync.writing.undo import undo

        undo(loop, done.run)
    store = open_store(world.loaded.store_url())
    forget(store, "l2@acme.example", world.now, allow_return=False)
    store.close()
    assert whats(world)[-2:] == ["undo planned", "forget"]
    everything = repr(world.rows("SELECT * FROM audit"))
    assert "l2@" not in everything
    assert "acme" not in everything
    assert {row[0] for row in world.rows("SELECT who FROM audit")} == {audit.os_user()}
    assert said(world).state == "ok"


def test_a_run_that_changes_nothing_adds_no_row(world):
    world.lead("l1", title="Clerk")
    world.start()
    world.run()
    before = whats(world)
    world.run()
    assert whats(world) == before


@pytest.mark.parametrize("change", ["UPDATE audit SET who = 'x'", "DELETE FROM audit"])
def test_the_log_cannot_be_changed_by_statement(store, change):
    with store.write() as tx:
        audit.append(tx, "approve", {"plan": "p"}, 5)
    with pytest.raises(DBAPIError, match="append-only"), store.write() as tx:
        tx.exec_driver_sql(change)
    with store.read() as tx:
        assert audit.verify(tx).broken_at == 0


def without_guard(world, *statements):
    """What somebody with all rights on the database could do."""
    store = open_store(world.loaded.store_url())
    with store.write() as tx:
        if store.dialect == "postgresql":
            tx.exec_driver_sql("ALTER TABLE audit DISABLE TRIGGER ALL")
        else:
            tx.exec_driver_sql("DROP TRIGGER audit_no_update")
            tx.exec_driver_sql("DROP TRIGGER audit_no_delete")
        for one in statements:
            tx.exec_driver_sql(one)
    store.close()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("UPDATE audit SET who = 'nobody' WHERE seq = 2", "row 2 of 3"),
        ("DELETE FROM audit WHERE seq = 2", "row 3 of 2"),
        ("DELETE FROM audit WHERE seq = 3", "rows are missing"),
    ],
)
def test_doctor_sees_a_row_that_was_changed_or_taken_out(world, change, words):
    world.hot("l1")
    world.start()
    assert len(whats(world)) == 3
    assert said(world).said.startswith("3 rows, unbroken")
    without_guard(world, change)
    finding = said(world)
    assert finding.state == "fail"
    assert words in finding.said


def test_the_same_value_has_another_digest_in_another_store(store, tmp_path):
    other = open_store(f"sqlite:///{tmp_path}/other.db")
    with store.write() as tx, other.write() as ty:
        mine, theirs = audit.digest(tx, "a@b.example"), audit.digest(ty, "a@b.example")
        assert audit.digest(tx, "a@b.example") == mine
    assert mine != theirs
    other.close()
