"""Owners who leave, and records that somebody takes, between the choice of an owner and its write."""

from __future__ import annotations

import pytest

from connector.domain.moment import DAY, HOUR
from connector.store.database import open_store
from connector.sync.writing.undo import undo
from tests.sync.world import SETTINGS


@pytest.fixture
def company(small):
    """A company whose loop runs unattended, and whose CRM shows what owners do."""
    from tests.sync.world import MAPPING

    small.write(
        "mapping.yaml", MAPPING.replace("asset: asset, form", "asset: asset, owner: owner, form")
    )
    small.lead("seed", title="Clerk")
    small.event("seed", "call", owner="ben")
    small.start()
    small.pass_time()
    return small


def holding_owners(world, most=0):
    text = SETTINGS.replace("owners: 100", f"owners: {most}")
    world.write("leadloop.yaml", text.format(store=world.store_url, stage="route"))


def cycle(world, who="l1"):
    return world.rows(
        f"SELECT state, owner FROM cycle WHERE person = 'crm/lead/{who}' AND current"
    )[0]


def test_a_lead_whose_chosen_owner_left_before_the_write_goes_to_somebody_else(company):
    company.hot("l1")
    company.run(send=False)
    assert cycle(company) == ("sales_ready", "crm/anna")
    company.put("users", "anna", active=False)
    company.run()
    assert company.shown("l1")["owner"] == "ben"
    assert cycle(company) == ("handed_off", "crm/ben")
    ((owner, package, began),) = company.rows("SELECT owner, package, began_at FROM handoff")
    assert owner == "crm/ben"
    assert "crm/anna: not active" in package
    assert began == company.now
    assert [(t.owner, t.record) for t in company.crm.tasks.values()] == [("ben", "l1")]
    company.written()
    company.run()
    assert company.written() == []


def test_a_lead_that_somebody_took_before_the_write_is_handed_off_to_them(company):
    company.hot("l1")
    company.run(send=False)
    company.put("leads", "l1", owner="carla")
    company.run()
    assert company.shown("l1")["owner"] == "carla"
    assert cycle(company) == ("handed_off", "crm/carla")
    assert company.rows("SELECT owner FROM handoff") == [("crm/carla",)]
    assert company.shown("l1")["ll_state"] == "handed_off"


def test_where_our_word_counts_a_record_that_somebody_took_is_given_as_chosen(company):
    mapping = (company.folder / "mapping.yaml").read_text()
    company.write(
        "mapping.yaml", mapping.replace("{to: owner, owner: theirs}", "{to: owner, owner: ours}")
    )
    company.run()
    company.hot("l1")
    company.run(send=False)
    company.put("leads", "l1", owner="carla")
    company.run()  # what was planned over nobody is not sent over somebody
    company.run()
    assert company.shown("l1")["owner"] == "anna"
    assert cycle(company) == ("handed_off", "crm/anna")


def test_nobody_who_left_while_a_plan_waited_for_approval_is_given_a_record(company):
    holding_owners(company)
    company.hot("l1")
    company.hot("l2")
    waiting = company.run()
    assert waiting.status == "needs_approval"
    assert {cycle(company, who)[1] for who in ("l1", "l2")} == {"crm/anna", "crm/ben"}
    (left,) = [who for who in ("l1", "l2") if cycle(company, who)[1] == "crm/anna"]
    (other,) = {"l1", "l2"} - {left}
    company.put("users", "anna", active=False)
    company.written()
    done = company.apply(waiting.plan.id)
    assert [w for w in company.written() if w[1] == "owner"] == [(other, "owner", None, "ben")]
    assert done.counts["apply"]["conflict"] == 1
    assert company.rows("SELECT record FROM outbox WHERE code = 'owner_left'") == [(left,)]
    assert company.rows("SELECT count(*) FROM journal WHERE changes LIKE '%anna%'") == [(0,)]
    (said,) = company.warnings
    assert said.startswith("crm: 1 records were to be given to owners who left")
    assert "(anna)" in said
    holding_owners(company, 100)
    company.run()
    assert company.shown(left)["owner"] == "ben"
    assert cycle(company, left) == ("handed_off", "crm/ben")


def test_an_owner_who_was_deleted_meanwhile_counts_as_left(company):
    holding_owners(company)
    company.hot("l1")
    waiting = company.run()
    company.crm.delete("users", "anna")
    assert company.apply(waiting.plan.id).counts["apply"]["conflict"] == 1
    assert company.shown("l1").get("owner") is None


def test_an_undo_gives_no_record_back_to_somebody_who_left(company):
    mapping = (company.folder / "mapping.yaml").read_text()
    company.write(
        "mapping.yaml", mapping.replace("{to: owner, owner: theirs}", "{to: owner, owner: ours}")
    )
    company.run()
    company.put("users", "dan", active=True)
    company.hot("l1")
    company.run(send=False)
    company.put("leads", "l1", owner="dan")
    company.run()
    done = company.run()
    assert company.shown("l1")["owner"] == "anna"
    company.put("users", "dan", active=False)
    with company.open("runs undo", candidate=True) as loop:
        back = undo(loop, done.run)
    company.apply(back.id)
    assert company.shown("l1")["owner"] == "anna"
    assert company.rows("SELECT record FROM outbox WHERE code = 'owner_left'") == [("l1",)]


# --- who was handed off before -------------------------------------------------------------------


def given_on_paper(world, to="anna", **lead):
    """As an earlier version left it: late with ben, given to `to` in our book alone."""
    world.hot("l1", owner="ben", **lead)
    world.run()
    assert cycle(world) == ("handed_off", "crm/ben")
    world.pass_time(3 * DAY)
    store = open_store(world.store_url)
    with store.write() as tx:
        tx.exec_driver_sql(
            f"UPDATE cycle SET state = 'sales_ready', owner = 'crm/{to}', routed_at = {world.now}, "
            f"next_at = {world.now + DAY} WHERE person = 'crm/lead/l1'"
        )
        tx.exec_driver_sql(
            f"UPDATE handoff SET owner = 'crm/{to}', began_at = NULL, step = '', turn = 1, "
            f"task = 'wanted', touch_due = {world.now + HOUR} WHERE person = 'crm/lead/l1'"
        )
        tx.exec_driver_sql("UPDATE person SET pending = false")
    store.close()


def test_who_stood_as_ready_for_good_is_with_the_owner_whom_the_crm_shows_by_the_next_run(company):
    given_on_paper(company)
    tasks = dict(company.crm.tasks)
    company.run()
    assert cycle(company) == ("handed_off", "crm/ben")
    assert company.rows("SELECT owner, turn, began_at IS NULL FROM handoff") == [
        ("crm/ben", 1, False)
    ]
    assert company.shown("l1")["owner"] == "ben"
    assert company.crm.tasks == tasks, "the task that was made stands; no second one is"
    assert company.rows(
        "SELECT why, \"by\" FROM move WHERE person = 'crm/lead/l1' ORDER BY seq DESC LIMIT 1"
    ) == [("the record stayed with its owner in the CRM", "crm")]
    company.put("leads", "l1", status="good")
    company.pass_time(HOUR)
    company.run()
    assert cycle(company) == ("qualified", "crm/ben")


def test_who_stood_as_ready_for_good_is_given_on_where_both_owners_left(company):
    given_on_paper(company, country="fr")
    company.put("users", "anna", active=False)
    company.put("users", "ben", active=False)
    for _ in range(3):
        company.pass_time(13 * HOUR)
        company.run()
    assert company.shown("l1")["owner"] == "carla"
    assert cycle(company)[1] == "crm/carla"


def test_a_late_record_whose_second_owner_left_before_the_write_is_late_with_the_first_as_before(
    company,
):
    company.hot("l1")
    company.run()
    assert company.shown("l1")["owner"] == "anna"
    for _ in range(2):
        company.pass_time(HOUR)
        company.run()
    holding_owners(company)
    company.pass_time(DAY + HOUR)
    assert company.run().status == "needs_approval"
    assert cycle(company) == ("sales_ready", "crm/ben")
    company.put("users", "ben", active=False)
    company.run()
    assert cycle(company) == ("handed_off", "crm/anna"), "it is late with its first owner as before"
    assert company.shown("l1")["owner"] == "anna"
    assert company.rows("SELECT owner, step FROM handoff") == [("crm/anna", "escalated")]
    company.pass_time(DAY + HOUR)
    company.run()
    assert cycle(company) == ("handed_off", "crm/anna"), "nobody else is left to ask"
    assert company.rows("SELECT owner, step FROM handoff") == [("crm/anna", "reassigned")]
