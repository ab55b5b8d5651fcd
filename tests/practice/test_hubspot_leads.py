"""HubSpot's own leads (0-136): what their stage says of the contact, and portals without them."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from connector.domain.moment import DAY
from connector.store.incoming.deals import deals_of


@pytest.fixture
def work(opened):
    one = opened("hubspot")
    one.hot("eve")
    return one


def lead(work, name, stage, owner):
    portal = work.crm.portal
    values = {"hs_lead_name": name, "hs_pipeline": "lead-pipeline-id", "hs_pipeline_stage": stage}
    made = portal.insert("leads", values | {"hubspot_owner_id": work.owners[owner]}, "anna").id
    portal.tie("leads", made, "contacts", work.ids[name])
    return made


def said(work):
    return work.rows("SELECT verdict, by FROM disposition ORDER BY at, verdict")


def state(work, name):
    return work.mirrored(name, "state")


def test_a_portal_without_leads_costs_one_line_of_each_run_and_nothing_else(work):
    work.go()
    assert state(work, "eve") is not None
    for _ in range(2):
        work.pass_time()
        assert work.run().status == "ok"
        told = [line for line in work.warnings if "leads" in line]
        assert len(told) == 1
        assert "it is left out" in told[0]


def test_a_lead_that_sales_works_on_accepts_its_contact_and_a_disqualified_one_rejects_it(work):
    work.crm.steer("rules", {"leads_enabled": True})
    work.go()
    assert not [line for line in work.warnings if "leads" in line]
    made = lead(work, "eve", "new-stage-id", "anna")
    work.pass_time()
    work.go()
    assert said(work) == [], "a new lead says nothing yet"
    work.crm.steer(
        "edit", {"type": "leads", "id": made, "set": {"hs_pipeline_stage": "connected-stage-id"}}
    )
    moved = work.now
    work.pass_time()
    work.go()
    assert said(work) == [("accepted", "crm/71")]
    assert work.rows("SELECT at FROM disposition") == [(moved,)], "by the stage's own history"
    assert state(work, "eve") == "accepted"
    work.pass_time(DAY)
    work.crm.steer(
        "edit", {"type": "leads", "id": made, "set": {"hs_pipeline_stage": "unqualified-stage-id"}}
    )
    work.pass_time()
    work.go()
    assert [verdict for verdict, _ in said(work)] == ["accepted", "rejected"]
    assert state(work, "eve") == "rejected"


def test_a_lead_is_no_deal_that_counts_as_open_or_has_a_worth(work):
    work.crm.steer("rules", {"leads_enabled": True})
    lead(work, "eve", "qualified-stage-id", "ben")
    work.go()
    ((lead_doc,),) = work.rows("SELECT doc FROM record WHERE object = 'lead'")
    assert "qualified" in lead_doc
    worth = SimpleNamespace(deals=0, without_amount=0, other_currency=0)
    row = ("eve", "contact", work.ids["eve"], None, "lead", "1", lead_doc)
    assert deals_of([row], "EUR", worth) == []
    assert worth.deals == 0
