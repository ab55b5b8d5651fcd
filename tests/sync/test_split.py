"""Taking apart what was wrongly joined."""

from __future__ import annotations

import pytest

from connector.domain.moment import DAY, HOUR
from connector.errors import UsageError
from connector.store.database import open_store
from connector.sync.opening import alone
from connector.sync.upkeep.forget import forget
from connector.sync.upkeep.split import join_again, split
from tests.sync.world import MAPPING, World

EMAILED = """
  mailing:
    is: activity
    source: mailings
    key: id
    changed: changed_at
    email: email
    type: kind
    at: at
    fields: {url: url}
"""
SHARED = "family@acme.example"


@pytest.fixture
def world(small):
    """Most of this is the same whatever the database; two tests look at both."""
    return small


@pytest.fixture
def either(tmp_path, store_url, in_this_process):
    return World(tmp_path, store_url)


def apart(world, *records, what=split):
    store = open_store(world.loaded.store_url())
    try:
        with alone(world.loaded, store, "by hand") as held:
            return what(held, list(records), world.now)
    finally:
        store.close()


def people(world):
    """The records of each person."""
    found: dict[str, set[str]] = {}
    for person, record in world.rows("SELECT person, id FROM record WHERE kind = 'person'"):
        found.setdefault(person, set()).add(record)
    return found


def cycles(world):
    return world.rows("SELECT person, number, state FROM cycle WHERE current ORDER BY person")


def test_two_who_use_one_address_are_two_people_again_and_stay_two(either):
    either.lead("l1", email=SHARED)
    either.lead("l2", email=SHARED, title="Clerk")
    either.event("l1", url="/pricing")
    either.start()
    assert people(either) == {"crm/lead/l1": {"l1", "l2"}}
    assert either.shown("l2")["ll_score"] == 80
    either.pass_time()
    done = apart(either, "crm/lead/l2")
    assert (done.person, done.new, done.shared) == ("crm/lead/l1", "crm/lead/l2", ("email",))
    either.run()
    both = {"crm/lead/l1": {"l1"}, "crm/lead/l2": {"l2"}}
    assert people(either) == both
    assert either.shown("l1")["ll_score"] == 80
    assert either.shown("l2")["ll_score"] == 24  # a clerk of a big company who did nothing
    either.pass_time()
    either.put("leads", "l2", title="Clerk of works")
    either.put("leads", "l1", title="VP Sales")
    either.lead("l3", email=SHARED)
    either.run()
    assert people(either) == {**both, "crm/lead/l3": {"l3"}}
    either.written()
    either.run()
    assert either.written() == []


def test_keys_that_only_one_of_them_has_go_on_to_join(world):
    world.write(
        "mapping.yaml", MAPPING.replace("    opted_out:", "    ids: [country]\n    opted_out:")
    )
    world.lead("l1", country="7")
    world.lead("l2", country="7")
    world.start()
    assert people(world) == {"crm/lead/l1": {"l1", "l2"}}
    assert apart(world, "crm/lead/l2").shared == ("crm.country",)
    world.lead("l4", email="l2@acme.example")
    world.lead("l5", email="l1@acme.example", country="7")
    world.run()
    assert people(world) == {"crm/lead/l1": {"l1", "l5"}, "crm/lead/l2": {"l2", "l4"}}


def mailed(world, ident, address):
    at = "2026-03-01T09:00:00Z"
    world.put("mailings", ident, email=address, kind="download", at=at, url=None)


def test_what_was_done_under_the_shared_address_alone_counts_for_neither(world):
    world.write("mapping.yaml", MAPPING + EMAILED)
    for n in range(4):
        world.lead(f"other{n}", title="Clerk")
    world.lead("l1", email=SHARED, title="Clerk")
    world.lead("l2", email=SHARED, title="Clerk")
    mailed(world, "m1", SHARED)
    world.start()
    assert world.shown("l1")["ll_score"] == world.shown("l2")["ll_score"] == 44
    world.pass_time()
    apart(world, "crm/lead/l2")
    world.run()
    assert world.rows("SELECT id, person FROM activity") == [("m1", None)]
    assert world.shown("l1")["ll_score"] == world.shown("l2")["ll_score"] == 24


def test_what_was_done_under_an_address_of_its_own_goes_along(world):
    world.write("mapping.yaml", MAPPING + EMAILED)
    for n in range(4):
        world.lead(f"other{n}", title="Clerk")
    world.lead("l1", email=SHARED, title="Clerk")
    world.lead("l2", email=SHARED, title="Clerk")
    mailed(world, "m1", "nobody@acme.example")
    world.start()
    world.put("leads", "l2", email="l2@acme.example")
    mailed(world, "m2", "l2@acme.example")
    world.pass_time()
    world.run()
    assert people(world)["crm/lead/l1"] == {"l1", "l2"}
    assert apart(world, "crm/lead/l2").shared == ()
    world.run()
    assert ("m2", "crm/lead/l2") in world.rows("SELECT id, person FROM activity")
    assert (world.shown("l1")["ll_score"], world.shown("l2")["ll_score"]) == (24, 44)


def test_the_hand_off_stays_with_the_record_it_was_made_with(either):
    either.lead("old", title="Clerk")
    either.lead("l1", email="one@acme.example", title="Clerk")
    either.start()
    either.hot("l2", email="two@acme.example")
    either.run()
    given = either.shown("l2")
    assert given["ll_state"] == "handed_off"
    either.put("leads", "l1", email="two@acme.example")
    either.pass_time(HOUR)
    either.run()
    assert people(either)["crm/lead/l1"] == {"l1", "l2"}
    either.written()
    done = apart(either, "crm/lead/l2")
    assert done.new == "crm/lead/l2"
    either.pass_time(HOUR)
    either.run()
    assert [c for c in cycles(either) if "old" not in c[0]] == [
        ("crm/lead/l1", 1, "nurture"),
        ("crm/lead/l2", 1, "handed_off"),
    ]
    assert either.shown("l2")["owner"] == given["owner"]
    assert [e for e in either.written() if e[1] == "owner"] == []
    assert either.rows("SELECT count(*) FROM handoff") == [(1,)]
    either.put("leads", "l2", status="good")
    either.pass_time(DAY)
    either.run()
    assert ("crm/lead/l2", 1, "qualified") in cycles(either)


def test_a_verdict_on_a_record_goes_along_with_it(world):
    world.lead("l1", email=SHARED, title="Clerk")
    world.pass_time(HOUR)
    world.lead("l2", email=SHARED, status="bad", reason="student", owner="anna")
    world.start()
    done = apart(world, "crm/lead/l2")
    assert done.passes == 1
    world.pass_time()
    world.run()
    assert cycles(world) == [("crm/lead/l1", 1, "nurture"), ("crm/lead/l2", 1, "rejected")]
    assert world.rows("SELECT person, verdict FROM disposition") == [("crm/lead/l2", "rejected")]


def test_what_was_taken_apart_can_be_joined_again(world):
    world.lead("l1", email=SHARED)
    world.lead("l2", email=SHARED)
    world.start()
    apart(world, "crm/lead/l2")
    world.run()
    assert len(people(world)) == 2
    assert apart(world, "crm/lead/l2", what=join_again) == 1
    world.run()
    assert people(world) == {"crm/lead/l1": {"l1", "l2"}}
    done = [what for (what,) in world.rows("SELECT what FROM audit ORDER BY seq")]
    assert [what for what in done if what in {"split", "join again"}] == ["split", "join again"]


def test_who_forgets_a_shared_address_forgets_that_it_was_shared(world):
    world.lead("l1", email=SHARED)
    world.lead("l2", email=SHARED)
    world.start()
    apart(world, "crm/lead/l2")
    world.run()
    store = open_store(world.loaded.store_url())
    forget(store, SHARED, world.now, allow_return=False)
    with store.read() as tx:
        tables = ("record", "person", "shared_key", "identity_key")
        left = [tx.exec_driver_sql(f"SELECT count(*) FROM {t}").scalar() for t in tables[1:]]
    store.close()
    assert left == [0, 0, 0]


@pytest.mark.parametrize(
    ("records", "said", "hint"),
    [
        (["crm/lead/none"], "no record of a person is known as `crm/lead/none`", "connection/"),
        (["l2"], "no record of a person is known as `l2`", "connection/object/id"),
        (["crm/lead/l3"], "nothing else belongs to crm/lead/l3", "not named stay together"),
        (["crm/lead/l1"], "is called after, and stays", "leadloop split crm/lead/l2"),
        (["crm/lead/l2", "crm/lead/l3"], "belong to several people", "one person at a time"),
    ],
)
def test_what_cannot_be_taken_apart_is_said_with_the_next_step(world, records, said, hint):
    world.lead("l1", email=SHARED)
    world.lead("l2", email=SHARED)
    world.lead("l3")
    world.start()
    with pytest.raises(UsageError, match=said) as told:
        apart(world, *records)
    assert hint in told.value.hint
    assert len(people(world)) == 2


def test_what_the_crm_merged_is_undone_there(world):
    world.lead("l1")
    world.lead("l2")
    world.start()
    world.crm.delete("leads", "l2", merged_into="l1")
    world.run()
    assert people(world) == {"crm/lead/l1": {"l1", "l2"}}
    with pytest.raises(UsageError, match="the CRM itself merged crm/lead/l2 into crm/lead/l1"):
        apart(world, "crm/lead/l2")
