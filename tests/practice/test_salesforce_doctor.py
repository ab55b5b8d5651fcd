"""Doctor at a practice org: each right the guide names, told with the one step that gives it."""

from __future__ import annotations

import json
import re

import pytest
import requests

from connector.sync.health import examine
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
