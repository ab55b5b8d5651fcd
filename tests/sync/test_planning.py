"""Planning from end to end, in few runs: what is planned for whom, and what is not."""

from __future__ import annotations

import orjson

from connector.domain.moment import DAY
from connector.store.database import open_store
from connector.store.persons import people
from connector.sync.plan import _ask_anew
from tests.sync import world as worlds


def planned(world):
    rows = world.rows(
        "SELECT record, grp, changes, quiet FROM outbox WHERE state = 'planned' ORDER BY 1, 2"
    )
    return {(r, g): (orjson.loads(c), bool(q)) for r, g, c, q in rows}


def test_a_first_plan_names_every_field_before_and_after_and_nothing_else(small):
    small.hot("l1", ll_fit=9)
    small.lead("l2", title="Clerk", email="l1@acme.example")
    small.lead("l3", title="Clerk", opted_out=True)
    first = small.run()
    assert first.plan.state == "needs_approval"
    assert first.plan.counts == {"score": 3}
    found = planned(small)
    assert set(found) == {("l1", "score"), ("l2", "score"), ("l3", "score")}
    changes, quiet = found["l1", "score"]
    assert quiet
    assert changes["ll_score"] == [None, 80]
    assert changes["ll_fit"] == [9, 100]
    assert changes["ll_state"] == [None, "held"]
    assert "ll_verdict" not in changes
    assert found["l2", "score"][0]["ll_score"] == [None, 80]
    assert small.rows("SELECT count(*) FROM person WHERE pending") == [(0,)]
    second = small.run()  # nobody approved: the rows travel with the newer plan
    assert second.plan.counts == {"score": 3}
    assert planned(small) == found
    assert small.rows("SELECT state FROM plan ORDER BY id") == [
        ("superseded",),
        ("needs_approval",),
    ]


def test_later_plans_hold_owner_and_nurture_of_the_primary_record_alone(small):
    settings = worlds.SETTINGS.replace("50%", "100%")
    small.write("leadloop.yaml", settings.format(store=small.store_url, stage="route"))
    small.lead("a", title="Clerk")
    small.start()
    assert small.shown("a")["ll_nurture"] is True
    small.pass_time(DAY)
    small.hot("l1")
    small.lead("l2", email="l1@acme.example", company=None)
    small.put("leads", "a", ll_nurture=False)
    result = small.run(send=False)
    assert result.plan.state == "open"
    assert dict(result.plan.counts) == {"score": 2, "owner": 1}
    rows = small.rows(
        f"SELECT record, grp, quiet, state FROM outbox WHERE plan = '{result.plan.id}'"
    )
    owners = [r for r in rows if r[1] == "owner"]
    assert len(owners) == 1
    assert not owners[0][2]
    assert {r[3] for r in rows} == {"approved"}
    assert small.rows("SELECT field, value FROM human_edit") == [("ll_nurture", "false")]
    assert "crm/lead/a" not in asked_anew(small)
    small.pass_time(31 * DAY)
    assert "crm/lead/a" in asked_anew(small), "the edit had its time"


def asked_anew(world):
    """Who would be planned although nothing happened to them."""
    store = open_store(world.store_url)
    try:
        with world.open("plan", candidate=True) as loop, store.write() as tx:
            people.mark_all(tx, pending=False)
            _ask_anew(loop, tx, changed=False)
            return people.pending(tx, "", 10)
    finally:
        store.close()


def plans(world):
    return world.rows("SELECT state, counts FROM plan ORDER BY id")


def test_a_wider_scope_plans_people_nothing_happened_to_and_the_same_one_plans_nobody(small):
    narrow = worlds.SETTINGS.replace(
        "own_domains: [us.example]}}}}", "own_domains: [us.example]}}, write: {{country: fr}}}}"
    )
    assert narrow != worlds.SETTINGS
    small.write("leadloop.yaml", narrow.format(store=small.store_url, stage="score"))
    small.lead("l1", title="Clerk", country="de")
    small.lead("l2", title="Clerk", country="fr")
    small.start()
    assert "ll_score" not in small.shown("l1")
    before = plans(small)
    small.run()
    assert plans(small) == before, "nothing is new: no plan is stored, nobody is planned"
    small.stage("score")
    small.run()
    assert small.shown("l1")["ll_score"] == 24
    small.write("leadloop.yaml", narrow.format(store=small.store_url, stage="score"))
    small.run()
    assert plans(small)[-1] == ("applied", "{}"), "what plans rest on changed: that is noted"
