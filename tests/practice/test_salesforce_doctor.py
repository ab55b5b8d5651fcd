"""Doctor at a practice org: each right the guide names, told with the one step that gives it."""

from __future__ import annotations

import json
import re

import pytest
import requests

from connector.sync.upkeep.health import examine
from tests.practice.at_work import CLIENT, SECRET

GUIDE = {
    "permissions": ["ApiEnabled", "TransferAnyEntity", "EditTask", "ViewSetup"],
    "objects": {
        "Lead": ["Read", "Edit", "ViewAllRecords"],
        "Contact": ["Read", "Edit", "ViewAllRecords"],
        "Account": ["Read", "ViewAllRecords"],
        "Opportunity": ["Read", "ViewAllRecords"],
        "Campaign": ["Read", "Edit", "ViewAllRecords"],
    },
    "marketing": True,
}


@pytest.fixture
def work(opened):
    return opened("salesforce")


def rights(work, **less):
    """Our user has what the guide gives, but for what is named: permissions, objects, marketing."""
    given = {**GUIDE, **less}
    given["permissions"] = [one for one in GUIDE["permissions"] if one not in less.get("lacks", ())]
    given["objects"] = {**GUIDE["objects"], **less.get("objects", {})}
    integration = [
        id_
        for id_, row in work.crm.org.tables["PermissionSet"].items()
        if row["Name"] == "Leadloop_Integration"
    ]
    work.crm.steer("rights", {"user": work.us, **given})
    assert integration
    return findings(work)


def findings(work, admin=None):
    found = examine(work.loaded, lambda: work.now, admin)
    return [one for one in found if one.what in {"crm rights", "crm log-in", "crm fields"}]


def amiss(found):
    return {(one.state, one.said): one.fix for one in found if one.state != "ok"}


def only(found, words):
    (one,) = [one for one in found if words in one.said]
    return one


def test_a_user_with_what_the_guide_gives_is_told_nothing_amiss(work):
    found = rights(work)
    assert amiss(found) == {}
    said = {one.said for one in found}
    for name in ("Lead", "Contact", "Account", "Opportunity", "Campaign"):
        assert f"our user sees every {name}" in said
    assert "our user may give each Lead to an owner" in said
    assert "our user may make tasks" in said
    assert "our user may fill the campaigns of nurture" in said


@pytest.mark.parametrize(
    ("less", "state", "words", "step"),
    [
        pytest.param(
            {"lacks": ["TransferAnyEntity"]}, "fail", "not give a Lead", "tick Transfer Record",
            id="transfer",
        ),
        pytest.param(
            {"lacks": ["EditTask"]}, "look", "may make no tasks", "tick Edit Tasks", id="tasks"
        ),
        pytest.param(
            {"marketing": False}, "look", "no Marketing User", "tick Marketing User", id="marketing"
        ),
        pytest.param(
            {"objects": {"Campaign": ["Read", "ViewAllRecords"]}}, "look", "may not edit campaigns",
            "Campaigns: tick Edit", id="campaigns",
        ),
        pytest.param(
            {"objects": {"Opportunity": ["Read"]}}, "look", "does not see every Opportunity",
            "Opportunity: tick View All Records", id="view all",
        ),
        pytest.param(
            {"objects": {"Lead": ["Read", "ViewAllRecords"]}}, "fail", "may not edit Lead",
            "Lead: tick Edit", id="edit",
        ),
    ],
)  # fmt: skip
def test_a_right_that_lacks_is_told_with_the_step_that_gives_it(work, less, state, words, step):
    one = only(rights(work, **less), words)
    assert one.state == state
    assert step in one.fix


def test_rights_that_only_giving_leads_away_takes_are_asked_for_at_that_stage_alone(work):
    settings = work.folder / "leadloop.yaml"
    text = settings.read_text()
    settings.write_text(text.replace("stage: route", "stage: score"))
    found = rights(work, lacks=["TransferAnyEntity", "EditTask"], marketing=False)
    assert amiss(found) == {}
    settings.write_text(text)
    assert len(amiss(findings(work))) == 4, "leads, contacts, tasks and campaigns"


def test_a_user_who_may_do_far_too_much_is_told_what(work):
    one = only(findings(work), "never needs")
    assert one.state == "look"
    assert "modify all data" in one.said
    assert "manage users" in one.said


def test_view_all_data_counts_for_every_object(work):
    bare = {name: ["Read", "Edit"] for name in GUIDE["objects"]}
    work.crm.steer(
        "rights",
        {
            "user": work.us,
            "permissions": [*GUIDE["permissions"], "ViewAllData"],
            "objects": bare,
            "marketing": True,
        },
    )
    assert amiss(findings(work)) == {}


def test_without_api_enabled_the_log_in_check_names_the_permission(work):
    found = rights(work, lacks=["ApiEnabled"])
    one = found[0]
    assert one.state == "fail"
    assert "API Enabled" in one.fix


def test_a_user_without_the_rights_is_refused_what_doctor_said_it_may_not_do(work):
    """The practice org means what it tells: the doctor's word is what a run meets."""
    rights(work, lacks=["TransferAnyEntity", "EditTask"])
    work.hot("one")
    work.go()
    work.run()
    assert work.owner("one") is None
    tasks = work.crm.org.tables["Task"].values()
    assert not [one for one in tasks if one["CreatedById"] == work.us]


# --- conversion ----------------------------------------------------------------------------------


def ours(work):
    fields = work.crm.org.schema["Lead"].fields
    return {name: name for name in fields if name.startswith("Leadloop_") and name != "Reason__c"}


def told(found):
    return only(found, "onversion")


def test_doctor_says_which_of_our_fields_a_conversion_leaves_behind(work):
    one = told(findings(work))
    assert one.state == "look"
    assert "does not take" in one.said
    assert "Map Lead Fields" in one.fix
    mapped = ours(work)
    work.crm.steer("rules", {"conversion": mapped})
    one = told(findings(work))
    assert one.state == "ok"
    mapped.pop("Leadloop_Score__c")
    work.crm.steer("rules", {"conversion": {**mapped, "Leadloop_Grade__c": "Leadloop_Fit__c"}})
    one = told(findings(work))
    assert "does not take 2 of our" in one.said
    assert "Leadloop_Score__c" in one.said
    assert "Leadloop_Grade__c" in one.said


def test_a_user_without_metadata_rights_is_told_who_may_ask(work):
    work.hot("one")
    work.go()
    assert "--admin-cli" in told(rights(work)).said
    work.crm.steer("convert", {"leadId": work.ids["one"], "ownerId": work.owners["anna"]})
    assert "Map Lead Fields" in only(findings(work), "1 converted leads").fix


def test_an_admins_log_in_is_asked_for_the_mapping_alone_and_not_for_our_rights(work, monkeypatch):
    form = {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": SECRET}
    address = re.search(r"http://[^\s]+", (work.folder / "leadloop.yaml").read_text())[0]
    given = requests.post(f"{address}/services/oauth2/token", data=form, timeout=10).json()
    clerk = {"Username": "clerk", "LastName": "Clerk", "IsActive": True, "Email": "c@us.example"}
    (other,) = work.crm.steer("load", {"User": [clerk]})["User"]
    work.crm.steer("app", {"client": CLIENT, "secret": SECRET, "user": other})
    work.us = other
    work.crm.org.insert(
        "PermissionSetAssignment",
        {"AssigneeId": other, "PermissionSetId": next(iter(work.crm.org.rights))},
        "",
    )
    folder = work.folder / "bin"
    folder.mkdir()
    program = folder / "sf"
    told_by = {"accessToken": given["access_token"], "instanceUrl": given["instance_url"]}
    program.write_text(f"#!/bin/sh\necho '{json.dumps({'result': told_by})}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    assert "may not ask" in told(rights(work)).said
    found = findings(work, admin="my-admin")
    assert "does not take" in told(found).said
    assert not [one for one in found if "never needs" in one.said], "those are the admin's rights"


# --- words ---------------------------------------------------------------------------------------


def reworded(work, old, new):
    mapping = work.folder / "mapping.yaml"
    text = mapping.read_text()
    assert old in text
    mapping.write_text(text.replace(old, new, 1))
    return amiss(rights(work))


def test_words_of_leads_are_held_against_what_salesforce_says_they_mean(work):
    said = {one.said for one in rights(work)}
    assert "4 lead statuses, 1 of them of converted leads" in said
    assert "8 stages of opportunities, 1 won and 1 lost" in said
    found = reworded(work, "Closed - Converted: accepted", "Closed - Converted: rejected")
    ((_, one),) = found
    assert "a status of converted leads, and the mapping reads it as `rejected`" in one
    found = reworded(work, "Closed - Converted: rejected", "Closed - Converted: accepted")
    assert found == {}
    found = reworded(work, "Open - Not Contacted: null", "Open - Not Contacted: accepted")
    ((_, one),) = found
    assert "the status of new leads, and the mapping reads it as a verdict, `accepted`" in one


def test_a_mapping_that_names_stages_is_held_against_what_they_mean(work):
    by_name = (
        "from: StageName\n      values: {Prospecting: open, Qualification: lost, Closed Won: won, "
        "Closed Lost: lost}"
    )
    found = reworded(
        work,
        "from: [IsClosed, IsWon]\n      values: {false/false: open, true/true: won, "
        "true/false: lost}",
        by_name,
    )
    said = sorted(one for _, one in found)
    assert said[0].startswith("4 values of Opportunity.StageName mean nothing to the mapping")
    assert said[1] == (
        "the stage `Qualification` is open in Salesforce, and the mapping reads it as `lost`"
    )
    assert any("[IsClosed, IsWon]" in fix for fix in found.values())


def test_an_org_whose_deals_can_never_be_lost_is_told_so(work):
    for row in work.crm.org.tables["OpportunityStage"].values():
        row["IsActive"] = row["ApiName"] != "Closed Lost"
    ((_, one),) = amiss(rights(work))
    assert "no active stage of opportunities is lost" in one


def test_a_status_that_an_admin_adds_is_said_once_by_the_run_and_by_doctor_until_it_is_mapped(work):
    work.person("one")
    work.go()
    known = work.crm.org.schema["Lead"].fields["Status"].values
    now = [*known, "Parked"]
    work.crm.steer("field", {"object": "Lead", "field": "Status", "set": {"values": now}})
    work.run()
    (line,) = [said for said in work.warnings if "Parked" in said]
    assert "Lead.Status offers `Parked` now" in line
    assert "`status: values:` of `lead`" in line
    work.run()
    assert [said for said in work.warnings if "Parked" in said] == []
    assert any("Parked" in one for _, one in amiss(rights(work)))
    work.crm.steer("field", {"object": "Lead", "field": "Status", "set": {"values": list(known)}})
    work.run()
    work.crm.steer("field", {"object": "Lead", "field": "Status", "set": {"values": now}})
    assert (
        reworded(work, "Recycled: recycled", "Recycled: recycled\n        Parked: recycled") == {}
    )
    work.run()
    assert [said for said in work.warnings if "Parked" in said] == []


def test_campaigns_cost_what_the_org_says_and_are_called_as_they_are_called_there(work):
    from connector.report.figures import report_figures
    from connector.store.database import open_store

    work.person("one", title="Clerk")
    campaign = {"Name": "Spring Fair", "Type": "Trade Show", "ActualCost": 900,
                "StartDate": "2026-02-01"}  # fmt: skip
    made = work.crm.steer("load", {"Campaign": [campaign]})["Campaign"]
    member = {"CampaignId": made[0], "LeadId": work.ids["one"], "Status": "Responded"}
    work.crm.steer("load", {"CampaignMember": [member]})
    work.go()
    work.run()
    store = open_store(work.loaded.store_url())
    try:
        figures = report_figures(store, work.loaded, work.now, [])
    finally:
        store.close()
    (row,) = [one for one in figures["campaigns"]["rows"] if not one["unknown"]]
    assert row["name"] == "Spring Fair"
    assert (row["cost"], row["cost_from"], row["type"]) == (900.0, "crm", "Trade Show")
    assert (row["begins"], row["touched"]) == ("2026-02-01", 1)
