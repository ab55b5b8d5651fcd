"""What no window shows: found by webhooks, by an index's late rows; and what is not offered."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connector.adapters.base import Window
from connector.adapters.memory import MemoryAdapter
from connector.domain.moment import DAY, HOUR, MINUTE, format_iso
from connector.errors import FeatureError
from connector.store.database import open_store
from connector.sync.reading import hints


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


# --- an index that trails, an object that is not offered -----------------------------------------


def test_a_row_the_index_showed_late_is_found_within_two_hours(world, monkeypatch):
    monkeypatch.setattr(
        MemoryAdapter, "capabilities", replace(MemoryAdapter.capabilities, late=HOUR)
    )
    world.lead("l1")
    world.start()
    hidden = format_iso(world.now + 10 * MINUTE)
    for _ in range(3):
        world.pass_time(10 * MINUTE)
        world.run()
    # Changed twenty minutes ago; every window over that time is closed already.
    world.lead("l2")
    world.crm.objects["leads"]["l2"]["changed_at"] = hidden
    world.run()
    assert world.rows("SELECT id FROM record WHERE id = 'l2'") == []
    for _ in range(12):
        world.pass_time(10 * MINUTE)
        world.run()
    assert world.rows("SELECT id FROM record WHERE id = 'l2'") == [("l2",)]
    assert world.rows("SELECT count(*) FROM checkpoint WHERE window_until IS NOT NULL") == [(0,)]


def test_after_a_pause_of_a_week_only_the_hour_that_was_read_young_is_read_again(
    world, monkeypatch
):
    monkeypatch.setattr(
        MemoryAdapter, "capabilities", replace(MemoryAdapter.capabilities, late=HOUR)
    )
    whole, windows = MemoryAdapter.read, []

    def read(self, source, names, window: Window, after):
        if source == "leads":
            windows.append((window.since, window.until))
        return whole(self, source, names, window, after)

    world.lead("l1")
    world.start()
    world.pass_time(2 * HOUR)
    world.run()
    last = world.now
    hidden = format_iso(last - 5 * MINUTE)
    world.pass_time(7 * DAY)
    world.lead("l2")
    world.crm.objects["leads"]["l2"]["changed_at"] = hidden
    monkeypatch.setattr(MemoryAdapter, "read", read)
    world.run()
    again = [(since, until) for since, until in windows if since and until < world.now - HOUR]
    assert sum(until - since for since, until in again) <= HOUR + 10 * MINUTE
    assert world.rows("SELECT id FROM record WHERE id = 'l2'") == [("l2",)]
    windows.clear()
    world.pass_time(10 * MINUTE)
    world.run()
    assert not [one for one in windows if one[0] and one[0] < last]


def test_an_object_that_is_not_offered_costs_a_line_and_not_the_run(world, monkeypatch):
    whole = MemoryAdapter.read

    def read(self, source, names, window: Window, after):
        if source == "deals":
            raise FeatureError("deals cannot be read: a scope is missing", hint="Give it")
        return whole(self, source, names, window, after)

    monkeypatch.setattr(MemoryAdapter, "read", read)
    world.hot("l1")
    world.start()
    world.pass_time(HOUR)
    world.hot("l2")
    done = world.run()
    assert done.status == "ok"
    assert [w for w in world.warnings if "deals" in w] == [
        "deals cannot be read: a scope is missing; it is left out. Give it"
    ]
    assert world.shown("l2")["ll_score"] is not None
    assert world.rows("SELECT done_until FROM checkpoint WHERE object = 'deal'") == [(None,)]
