"""Traps of installing and removing: what a deploy leaves behind, and who sees what it made."""

from __future__ import annotations

import csv
from dataclasses import replace

import pytest
from click.testing import CliRunner

from connector.adapters.base import FieldStep, Use
from connector.cli.main import leadloop
from connector.domain.change import Result
from connector.domain.outward import FieldType
from connector.errors import LoginError, UsageError
from tests.practice.deploys import deploy, fields, removal
from tests.practice.salesforce_traps.conftest import USES

NUMBER = "<type>Number</type><precision>5</precision><scale>0</scale>"
SCORE = FieldStep("Lead", "Points__c", FieldType.NUMBER, "Points", 0, "create")
GRADE = FieldStep("Lead", "Grade__c", FieldType.TEXT, "Grade", 40, "create")
OURS = USES | {"Lead": Use("Id", USES["Lead"].writes | {"Points__c", "Grade__c"})}


def there(salesforce, name):
    return salesforce.crm.org.schema["Lead"].find(name)


def seen(salesforce, name):
    fields = salesforce.json("GET", f"{salesforce.data}/sobjects/Lead/describe")["fields"]
    return name in {field["name"] for field in fields}


@pytest.fixture
def installer(opening, waits):
    """Our adapter with two fields of ours to make."""
    with opening(uses=OURS) as ours:
        yield ours


# --- deploying -----------------------------------------------------------------------------------


def test_trap_07_a_session_that_deployed_sends_its_next_write_as_xml(salesforce):
    (lead,) = salesforce.leads(1)
    salesforce.http.headers["Content-Type"] = "text/xml"  # as a SOAP deploy leaves it behind
    body = {"records": [{"attributes": {"type": "Lead"}, "id": lead, "Title": "CEO"}]}
    answer = salesforce.call("PATCH", f"{salesforce.data}/composite/sobjects", body)
    assert answer.status_code == 415
    assert salesforce.effects() == []


def test_trap_07_ours_writes_as_before_after_a_deploy(salesforce, installer, calls):
    (lead,) = salesforce.leads(1)
    installer.adapter.create_fields([SCORE])
    (outcome,) = installer.write((lead, {"Points__c": 80}))
    assert outcome.result is Result.APPLIED
    assert salesforce.crm.org.find(lead)["Points__c"] == 80
    kinds = {said.partition("/v62.0/")[2]: request.headers["content-type"]
             for said, request in calls if request.method in {"POST", "PATCH"}}  # fmt: skip
    assert kinds["metadata/deployRequest"].startswith("multipart/form-data")
    assert kinds["composite/sobjects"] == "application/json"


def test_trap_37_what_was_deployed_and_assigned_to_nobody_is_not_there(salesforce):
    (lead,) = salesforce.leads(1)
    assert deploy(salesforce, fields(Points__c=f"<label>P</label>{NUMBER}"))["success"]
    assert there(salesforce, "Points__c")
    (result,) = salesforce.write({"id": lead, "Points__c": 80})
    assert result["errors"][0]["statusCode"] == "INVALID_FIELD"


def test_trap_37_ours_assigns_and_looks_whether_it_took_effect(salesforce, installer):
    installer.adapter.create_fields([SCORE])
    assert seen(salesforce, "Points__c")
    assert [s.action for s in installer.adapter.plan_fields([SCORE])] == ["keep"]


@pytest.mark.parametrize("lies", [False, True], ids=["refused", "lost"])
def test_trap_37_ours_says_when_nobody_was_assigned(salesforce, installer, lies):
    refused = [{"errorCode": "INSUFFICIENT_ACCESS", "message": "insufficient access rights"}]
    how = {"status": 201, "body": {"id": "0Pa", "success": True}} if lies else {"status": 403, "body": refused}  # fmt: skip
    salesforce.fail("POST */sobjects/PermissionSetAssignment", **how)
    with pytest.raises(LoginError) as caught:
        installer.adapter.create_fields([SCORE])
    assert "assign" in caught.value.hint
    assert [s.action for s in installer.adapter.plan_fields([SCORE])] == ["create"]
    installer.adapter.create_fields([SCORE])
    assert seen(salesforce, "Points__c")


def test_trap_55_a_deploy_without_a_rollback_leaves_half_of_itself(salesforce):
    bad = "<label>G</label><type>Text</type>"
    both = fields(Points__c=f"<label>P</label>{NUMBER}", Grade__c=bad)
    result = deploy(salesforce, both, rollbackOnError=False)
    assert result["status"] == "SucceededPartial"
    assert there(salesforce, "Points__c")
    assert not there(salesforce, "Grade__c")


def test_trap_55_ours_leaves_nothing_and_names_what_failed(salesforce, installer, calls):
    with pytest.raises(UsageError, match=r"nothing was changed.*Lead\.Grade__c: Must specify"):
        installer.adapter.create_fields([SCORE, replace(GRADE, label="")])
    assert not there(salesforce, "Points__c")
    assert salesforce.query("SELECT Id FROM PermissionSet WHERE IsOwnedByProfile = false") == []
    (sent,) = [r.body for said, r in calls if said.startswith("POST") and "deployRequest" in said]
    assert b'"checkOnly":true' in sent


def test_trap_56_one_field_of_another_type_keeps_the_whole_upgrade_out(salesforce):
    box = "<label>G</label><type>Checkbox</type><defaultValue>false</defaultValue>"
    deploy(salesforce, fields(Grade__c=box))
    text = "<label>G</label><type>Text</type><length>40</length>"
    both = fields(Points__c=f"<label>P</label>{NUMBER}", Grade__c=text)
    assert deploy(salesforce, both)["status"] == "Failed"
    assert not there(salesforce, "Points__c")


def test_trap_56_ours_makes_nothing_twice_and_refuses_another_type(salesforce, installer, calls):
    installer.adapter.create_fields([SCORE, GRADE])
    del calls[:]
    planned = installer.adapter.plan_fields([SCORE, GRADE])
    assert [step.action for step in planned] == ["keep", "keep"]
    installer.adapter.create_fields(planned)
    assert not [said for said, _ in calls if not said.startswith("GET")]
    (clash,) = installer.adapter.plan_fields([replace(SCORE, type=FieldType.BOOLEAN)])
    assert clash.action == "clash"
    assert "double" in clash.note


def test_trap_56_ours_keeps_the_right_to_older_fields_when_it_adds_one(salesforce, installer):
    installer.adapter.create_fields([SCORE])
    installer.adapter.create_fields(installer.adapter.plan_fields([SCORE, GRADE]))
    assert seen(salesforce, "Points__c")
    assert seen(salesforce, "Grade__c")


# --- removing ------------------------------------------------------------------------------------


def test_trap_57_a_field_removed_without_a_look_takes_its_data_along(salesforce, installer):
    (lead,) = salesforce.leads(1)
    installer.adapter.create_fields([SCORE, GRADE])
    installer.write((lead, {"Points__c": 80}))
    salesforce.crm.steer("rules", {"references": {"Lead.Grade__c": ["Flow: Welcome"]}})
    assert deploy(salesforce, removal("Lead.Points__c", "Lead.Grade__c"))["status"] == "Failed"
    assert deploy(salesforce, removal("Lead.Points__c"))["success"]
    assert "Points__c" not in salesforce.crm.org.find(lead)


@pytest.fixture
def installed(opened):
    """The loop at work, and its command line."""
    work = opened("salesforce")
    work.hot("eve")
    work.go()

    def call(*words):
        given = [*words, "--config", str(work.folder / "leadloop.yaml")]
        return CliRunner().invoke(leadloop, given, catch_exceptions=False)

    return work, call


USED = {"Lead.Leadloop_Score__c": ["Lightning page: Lead Record (active)", "Report: Hot leads"]}


def test_trap_57_ours_removes_nothing_while_something_uses_it_and_says_what(installed):
    work, call = installed
    work.crm.steer("rules", {"references": USED})
    done = call("uninstall", "crm", "--fields", "--save", str(work.folder / "kept"), "--yes")
    assert done.exit_code == 2
    for said in USED["Lead.Leadloop_Score__c"]:
        assert said in " ".join(done.stdout.split())
    assert work.mirrored("eve", "score") == 100
    sets = work.crm.org.tables["PermissionSetAssignment"].values()
    assert any(one["PermissionSetId"] in work.crm.org.rights for one in sets)
    assert not (work.folder / "kept").exists()


def test_trap_57_ours_writes_down_what_fields_hold_before_they_go(installed):
    work, call = installed
    done = call("uninstall", "crm", "--fields", "--save", str(work.folder / "kept"), "--yes")
    assert done.exit_code == 0, done.stdout
    with (work.folder / "kept" / "crm-lead.csv").open(encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert (row["Id"], float(row["Leadloop_Score__c"])) == (work.ids["eve"], 100)
    left = [name for name in work.crm.org.schema["Lead"].fields if name.startswith("Leadloop_")]
    assert left == []
    assert all(row["IsOwnedByProfile"] for row in work.crm.org.tables["PermissionSet"].values())


def test_trap_57_ours_keeps_fields_and_data_unless_told_otherwise(installed):
    work, call = installed
    assert call("uninstall", "crm", "--yes").exit_code == 0
    assert work.mirrored("eve", "score") == 100
