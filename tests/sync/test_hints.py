"""What a webhook spoke of is read again by the next run, and never believed."""

from __future__ import annotations

import pytest

from connector.domain.moment import HOUR
from connector.store.database import open_store
from connector.sync import hints


def hear(world, *said):
    store = open_store(world.loaded.store_url())
    try:
        return hints.note(store, "crm", said, world.now)
    finally:
        store.close()


def waiting(world):
    return world.rows("SELECT source, id FROM hint ORDER BY source, id")


def test_a_record_that_no_window_shows_is_read_because_a_webhook_spoke_of_it(world):
    world.lead("l1", title="Clerk")
    world.start()
    for _ in range(2):
        world.pass_time(HOUR)
        world.run()
    row = world.crm.objects["leads"]["l1"]
    row["title"] = "VP Sales"  # the CRM's index does not show it yet: no new change time
    world.run()
    assert "VP Sales" not in repr(world.rows("SELECT doc FROM record WHERE id = 'l1'"))
    assert hear(world, "leads/l1", "leads/l1") == 1
    assert world.run().counts["pull"]["changed"] >= 1
    assert "VP Sales" in repr(world.rows("SELECT doc FROM record WHERE id = 'l1'"))
    assert waiting(world) == []


def test_what_is_missing_when_it_is_read_again_is_gone(world):
    world.lead("l1")
    world.start()
    del world.crm.objects["leads"]["l1"]
    hear(world, "leads/l1")
    world.run()
    assert world.rows("SELECT gone FROM record WHERE id = 'l1'") == [(1,)]


def test_what_nobody_mapped_and_nobody_knows_leaves_nothing_behind(world):
    world.start()
    hear(world, "tickets/7", "leads/no-such", "erased:leads/no-such")
    world.run()
    assert waiting(world) == []


def test_a_record_erased_in_the_crm_is_erased_here_and_does_not_come_back(world):
    world.lead("l1", email="adalbertine@acme.example", name="Adalbertine")
    world.event("l1", url="/pricing")
    world.start()
    hear(world, "erased:leads/l1")
    assert world.run().counts["pull"]["erased"] == 1
    for table in ("record", "person", "activity", "identity_key", "score", "journal"):
        assert "adalbertine" not in repr(world.rows(f"SELECT * FROM {table}")).casefold()
    world.put("leads", "l1", title="CEO")  # answered late, as if it were still there
    world.crm.effects.clear()
    world.pass_time()
    world.run()
    assert world.written() == []
    assert world.rows("SELECT count(*) FROM record WHERE id = 'l1'") == [(0,)]


def test_a_person_with_another_record_stays_and_only_the_erased_one_goes(world):
    world.lead("l1", email="ada@acme.example")
    world.lead("l2", email="ada@acme.example")
    world.start()
    hear(world, "erased:leads/l1")
    world.run()
    assert world.rows("SELECT id FROM record WHERE object = 'lead'") == [("l2",)]
    assert len(world.rows("SELECT id FROM person")) == 1


@pytest.mark.parametrize("again", [False, True])
def test_an_erasure_is_not_undone_by_a_later_word_about_the_same_record(world, again):
    world.lead("l1", email="adalbertine@acme.example")
    world.start()
    hear(world, "erased:leads/l1")
    if again:
        hear(world, "leads/l1")
    world.run()
    assert world.rows("SELECT id FROM record WHERE object = 'lead'") == []
