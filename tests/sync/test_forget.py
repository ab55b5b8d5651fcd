"""A person who asked to be forgotten: gone from the store, kept out, and still counted."""

from __future__ import annotations

import pytest

from connector.domain.moment import DAY
from connector.errors import UsageError
from connector.store.database import open_store
from connector.sync.upkeep.forget import forget

NAME = "Adalbertine"
ADDRESS = "adalbertine@acme.example"


def erase(world, address=ADDRESS, *, allow_return=False):
    store = open_store(world.loaded.store_url())
    try:
        return forget(store, address, world.now, allow_return=allow_return)
    finally:
        store.close()


def live(world):
    """A person of whom the store knows about everything there is."""
    world.lead("old", title="Clerk")
    world.start()
    world.hot("l1", email="Adalbertine@ACME.example", name=NAME, reason="")
    world.put("leads", "l2", email=ADDRESS, name=NAME, status="new")
    world.event("l1", "download", asset="guide")
    world.run()
    world.pass_time()
    world.put("leads", "l1", status="bad", reason=f"{NAME} has no budget")
    world.put(
        "deals", "d1", lead="l1", owner="anna", amount=7.5, stage="open", reason=f"for {NAME}"
    )
    world.run()


def everything(world):
    """All the store holds, table by table, as text."""
    from connector.store.schema import metadata

    return {t: repr(world.rows(f'SELECT * FROM "{t}"')).casefold() for t in metadata.tables}


def test_a_forgotten_person_is_in_no_table_any_more_and_the_counts_stay(world):
    live(world)
    before = everything(world)
    assert sum("adalbertine" in text for text in before.values()) >= 6
    cycles = world.rows("SELECT count(*) FROM cycle")
    moves = world.rows("SELECT count(*) FROM move")
    verdicts = world.rows("SELECT count(*) FROM disposition")
    journal = world.rows("SELECT count(*) FROM journal")
    done = erase(world, " Adalbertine@Acme.Example\n")
    assert (done.counts["people"], done.counts["records"]) == (1, 2)
    assert done.suppressed
    after = everything(world)
    assert [name for name, text in after.items() if "adalbertine" in text] == []
    assert [name for name, text in after.items() if "lead/l1" in text or "'l1'" in text] == []
    assert world.rows("SELECT count(*) FROM cycle") == cycles
    assert world.rows("SELECT count(*) FROM move") == moves
    assert world.rows("SELECT count(*) FROM disposition") == verdicts
    assert world.rows("SELECT count(*) FROM journal") == journal
    assert world.rows("SELECT DISTINCT reason FROM disposition") == [(None,)]
    amount = [doc for (doc,) in world.rows("SELECT doc FROM record WHERE kind = 'opportunity'")]
    assert "7.5" in amount[0]


def test_who_did_something_under_a_forgotten_address_is_scored_without_it(world):
    live(world)
    world.hot("other", company="")  # no colleague of the one who goes
    world.run()
    mine = "SELECT person FROM record WHERE id = 'other'"
    behaviour = f"SELECT behaviour FROM score WHERE person IN ({mine})"
    ((before,),) = world.rows(behaviour)
    store = open_store(world.loaded.store_url())
    with store.write() as tx:
        tx.exec_driver_sql(f"UPDATE activity SET email = '{ADDRESS}' WHERE person IN ({mine})")
    store.close()
    erase(world)
    world.run()
    assert before > 0
    assert world.rows(behaviour) == [(0,)]


def test_nothing_of_a_forgotten_person_can_be_read_out_of_the_file(world):
    if not world.store_url.startswith("sqlite"):
        pytest.skip("a server's files are its own")
    live(world)
    files = list((world.folder / "state").iterdir())
    assert any(b"adalbertine" in f.read_bytes().lower() for f in files)
    erase(world)
    for file in (world.folder / "state").iterdir():
        assert b"adalbertine" not in file.read_bytes().lower(), file.name


def test_a_forgotten_person_does_not_come_back_by_record_address_activity_or_deal(world):
    live(world)
    erase(world)
    world.pass_time()
    world.put("leads", "l1", title="CEO")
    world.put("leads", "l2", email="other@acme.example", name=NAME)
    world.put("leads", "l3", email="ADALBERTINE@acme.example", name=NAME, status="new")
    world.event("l1", url="/pricing")
    world.put("deals", "d1", reason=f"still {NAME}", amount=9.0)
    world.lead("l4")
    result = world.run()
    assert result.counts["resolve"]["new people"] == 1
    text = everything(world)
    assert [name for name, found in text.items() if "adalbertine" in found] == []
    assert world.rows("SELECT id FROM record WHERE kind = 'person' ORDER BY id") == [
        ("l4",),
        ("old",),
    ]
    assert "9.0" in world.rows("SELECT doc FROM record WHERE kind = 'opportunity'")[0][0]
    world.pass_time()
    assert world.run().status == "ok"


def test_somebody_forgotten_before_we_ever_met_them_is_never_taken_in(world):
    world.lead("old", title="Clerk")
    world.start()
    assert erase(world).counts == {}
    world.put("leads", "l2", email=ADDRESS, name=NAME, status="new")
    world.run()
    assert world.rows("SELECT id FROM record WHERE kind = 'person'") == [("old",)]


def test_who_may_return_does_with_the_next_change(world):
    live(world)
    erase(world)
    again = erase(world, allow_return=True)
    assert again.counts["allowed to return"] >= 3
    world.put("leads", "l1", title="CEO")
    world.run()
    assert ("l1",) in world.rows("SELECT id FROM record WHERE kind = 'person'")


def test_what_waits_to_be_written_about_a_forgotten_person_is_not_sent(world):
    world.lead("old", title="Clerk")
    world.start()
    for name in ("l1", "l2"):
        world.hot(name, email=f"{name}@acme.example")
    plan = world.plan().plan
    erase(world, "l1@acme.example")
    world.written()
    world.apply(plan.id)
    assert {ident for ident, *_ in world.written()} == {"l2"}


def test_a_role_address_shared_by_two_records_is_erased_from_both(world):
    world.lead("l1", email="info@acme.example")
    world.lead("l2", email="info@acme.example")
    world.lead("l3", email="info2@acme.example")
    world.start()
    assert erase(world, "info@acme.example").counts["records"] == 2
    assert world.rows("SELECT id FROM record WHERE kind = 'person'") == [("l3",)]


def test_what_is_no_address_is_refused_without_being_repeated(world):
    world.start()
    with pytest.raises(UsageError) as caught:
        erase(world, "canary word")
    assert "canary" not in f"{caught.value} {caught.value.hint}"


def test_what_is_old_is_cleared_once_a_day_and_the_score_follows(world):
    world.hot("l1")
    world.hot("l2")
    world.start()
    text = (world.folder / "leadloop.yaml").read_text()
    world.write("leadloop.yaml", text + "retention: {activities: 30d, journal: 20d}\n")
    world.pass_time(10 * DAY)
    world.event("l2", url="/pricing/new", ago=0)
    assert world.run().counts["retain"] == {}
    values = "SELECT count(*) FROM journal WHERE changes <> '{}'"
    assert world.rows(values)[0][0] > 0
    assert world.run().counts["retain"] == {}
    world.pass_time(25 * DAY)
    cleared = world.run().counts["retain"]
    assert cleared["activities"] == 2
    assert cleared["journal values"] > 0
    assert world.rows("SELECT score FROM score ORDER BY person") == [(60,), (80,)]
    assert world.rows("SELECT what FROM audit WHERE what = 'retention'") == [("retention",)]
    before = world.rows("SELECT count(*) FROM audit")
    assert world.run().counts["retain"] == {}
    assert world.rows("SELECT count(*) FROM audit") == before
