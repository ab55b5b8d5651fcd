"""Installing into Salesforce: checked before it is done, once, and seen to have worked."""

from __future__ import annotations

import io
import json
import zipfile
from xml.etree import ElementTree as ET

import pytest

from connector.adapters.base import FieldStep, Use
from connector.domain.outward import FieldType
from connector.errors import LoginError, TryLaterError, UsageError
from tests.unit.adapters.salesforce_org import USER, field

SCORE = FieldStep("lead", "Leadloop_Score__c", FieldType.NUMBER, "Leadloop score", 255, "create")
WHY = FieldStep("Lead", "Leadloop_Why__c", FieldType.LONG_TEXT, "Why <&>", 2000, "create")
GRADE = FieldStep("Lead", "Leadloop_Grade__c", FieldType.TEXT, "Leadloop grade", 4, "create")
FLAG = FieldStep("Lead", "Leadloop_Nurture__c", FieldType.BOOLEAN, "Leadloop nurture", 0, "create")
DONE = {"done": True, "success": True, "status": "Succeeded"}
_M = "{http://soap.sforce.com/2006/04/metadata}"


@pytest.fixture
def ready(org):
    """An org where a deploy makes the fields and the permission set is there to be assigned."""
    org.rows["PermissionSet"] = [{"Id": "0PS1", "Name": "Leadloop_Integration"}]
    org.deploy_results = [DONE, DONE]
    original = org._data

    def data(request, path):
        if path == "sobjects/PermissionSetAssignment":
            for step in (SCORE, WHY, GRADE, FLAG):
                spec = {FieldType.NUMBER: "double", FieldType.LONG_TEXT: "textarea"}
                kind = spec.get(step.type, "boolean" if step is FLAG else "string")
                org.objects["Lead"].append(field(step.name, kind, length=step.length))
        return original(request, path)

    org._data = data
    return org


def unpacked(body):
    """The options and the files of a deploy request."""
    head, _, rest = body.partition(b"PK\x03\x04")
    options = json.loads(head[head.index(b"{") : head.rindex(b"}") + 1])
    archive = zipfile.ZipFile(io.BytesIO(b"PK\x03\x04" + rest[: rest.rindex(b"\r\n--")]))
    return options["deployOptions"], {n: ET.fromstring(archive.read(n)) for n in archive.namelist()}


def test_missing_fields_are_checked_made_shown_to_our_user_and_verified(ready, crm):
    planned = crm.plan_fields([SCORE, WHY, GRADE, FLAG])
    assert {step.action for step in planned} == {"create"}
    crm.create_fields(planned)
    (check, files), (real, _) = map(unpacked, ready.deploys)
    assert (check["checkOnly"], real["checkOnly"]) == (True, False)
    assert real["rollbackOnError"] is True
    fields = {
        f.findtext(f"{_M}fullName"): {child.tag.removeprefix(_M): child.text for child in f}
        for f in files["objects/Lead.object"].iter(f"{_M}fields")
    }
    assert fields["Leadloop_Score__c"]["type"] == "Number"
    assert fields["Leadloop_Why__c"]["label"] == "Why <&>"
    assert (fields["Leadloop_Why__c"]["type"], fields["Leadloop_Why__c"]["length"]) == (
        "LongTextArea",
        "2000",
    )
    assert (fields["Leadloop_Grade__c"]["type"], fields["Leadloop_Grade__c"]["length"]) == (
        "Text",
        "4",
    )
    assert fields["Leadloop_Nurture__c"]["defaultValue"] == "false"
    members = [m.text for m in files["package.xml"].iter(f"{_M}members")]
    assert "Lead.Leadloop_Score__c" in members
    assert "Leadloop_Integration" in members
    assert ready.posted == [
        ("sobjects/PermissionSetAssignment", {"AssigneeId": USER, "PermissionSetId": "0PS1"})
    ]


def test_running_it_twice_deploys_nothing_more(ready, crm):
    crm.create_fields(crm.plan_fields([SCORE, WHY]))
    deployed = len(ready.deploys)
    again = crm.plan_fields([SCORE, WHY])
    assert {step.action for step in again} == {"keep"}
    crm.create_fields(again)
    assert len(ready.deploys) == deployed


def test_the_permission_set_goes_on_naming_what_was_there(ready):
    ready.objects["Lead"].append(field("Leadloop_Old__c"))
    uses = {"Lead": Use("Id", frozenset({"Leadloop_Old__c", "OwnerId", "Leadloop_Score__c"}))}
    crm = ready.adapter(uses=uses)
    crm.create_fields(crm.plan_fields([SCORE]))
    _, files = unpacked(ready.deploys[0])
    allowed = files["permissionsets/Leadloop_Integration.permissionset"]
    named = [f.text for f in allowed.iter(f"{_M}field")]
    assert named == ["Lead.Leadloop_Old__c", "Lead.Leadloop_Score__c"]
    crm.close()


@pytest.mark.parametrize(
    ("spec", "action", "words"),
    [
        (field("Leadloop_Score__c", "double"), "keep", ""),
        (field("Leadloop_Score__c", "int"), "keep", ""),
        (field("Leadloop_Score__c", "string"), "clash", "type string"),
        (field("Leadloop_Score__c", "double", calculated=True), "clash", "formula"),
        (field("Leadloop_Score__c", "double", updateable=False), "create", "may not write"),
    ],
)
def test_a_field_that_is_there_is_kept_or_clashes(org, crm, spec, action, words):
    org.objects["Lead"].append(spec)
    (step,) = crm.plan_fields([SCORE])
    assert step.action == action
    assert words in step.note


def test_a_text_field_too_short_for_us_clashes(org, crm):
    org.objects["Lead"].append(field("Leadloop_Why__c", "textarea", length=500))
    (step,) = crm.plan_fields([WHY])
    assert (step.action, "500" in step.note) == ("clash", True)


def test_a_name_that_salesforce_would_not_take_clashes(org, crm):
    (step,) = crm.plan_fields(
        [FieldStep("Lead", "leadloop_score", FieldType.NUMBER, "Leadloop score", 0, "create")]
    )
    assert (step.action, "__c" in step.note) == ("clash", True)


def test_a_field_that_is_only_hidden_is_shown_and_not_made_anew(ready, crm):
    hidden = field("Leadloop_Score__c", "double", updateable=False)
    ready.objects["Lead"].append(hidden)
    planned = crm.plan_fields([SCORE])
    original = ready._data

    def data(request, path):
        if path == "sobjects/PermissionSetAssignment":
            hidden["updateable"] = True
        return original(request, path)

    ready._data = data
    crm.create_fields(planned)
    _, files = unpacked(ready.deploys[0])
    assert "objects/Lead.object" not in files


def test_a_refused_part_is_named_with_its_problem_and_nothing_is_done(ready, crm):
    failures = [
        {"fullName": "Lead.Leadloop_Score__c", "problem": "You have reached the maximum number"},
        {"fullName": "Lead.Leadloop_Why__c", "problem": "duplicate name"},
    ]
    failed = {"done": True, "success": False, "details": {"componentFailures": failures}}
    ready.deploy_results = [failed]
    with pytest.raises(UsageError) as caught:
        crm.create_fields(crm.plan_fields([SCORE, WHY]))
    assert "Lead.Leadloop_Score__c: You have reached" in str(caught.value)
    assert "Lead.Leadloop_Why__c: duplicate name" in str(caught.value)
    assert len(ready.deploys) == 1
    assert ready.posted == []


def test_c27_a_deploy_stuck_in_progress_is_waited_for_but_not_for_ever(ready, crm, waits):
    ready.deploy_results = [{"done": False, "status": "InProgress"}] * 6 + [DONE, DONE]
    crm.create_fields(crm.plan_fields([SCORE]))
    assert waits == [0.06, 0.12, 0.24, 0.48, 0.96, 2.0], "soon at first: most deploys are small"
    ready.objects["Lead"] = [f for f in ready.objects["Lead"] if "Score" not in f["name"]]
    ready.deploy_results = [{"done": False, "status": "Pending"}] * 1000
    with pytest.raises(TryLaterError, match="under way"):
        crm.create_fields(crm.plan_fields([SCORE]))
    assert len(waits) < 400


def test_fields_that_stay_hidden_are_an_error_that_says_what_to_grant(org, crm):
    org.rows["PermissionSet"] = [{"Id": "0PS1", "Name": "Leadloop_Integration"}]
    org.deploy_results = [DONE, DONE]
    with pytest.raises(LoginError, match=r"may not write them: Lead\.Leadloop_Score__c") as caught:
        crm.create_fields(crm.plan_fields([SCORE]))
    assert "Leadloop_Integration" in caught.value.hint


def test_a_permission_set_that_is_assigned_already_is_fine(ready, crm):
    ready.objects["Lead"].append(field("Leadloop_Score__c", "double", updateable=False))
    planned = crm.plan_fields([SCORE])
    ready.objects["Lead"][-1]["updateable"] = True
    twice = [{"errorCode": "DUPLICATE_VALUE", "message": "duplicate value found"}]
    ready.fail("PermissionSetAssignment", 400, twice)
    crm.create_fields(planned)
    ready.objects["Lead"][-1]["updateable"] = False
    ready.deploy_results = [DONE, DONE]
    planned = crm.plan_fields([SCORE])
    ready.fail("PermissionSetAssignment", 400, [{"errorCode": "FIELD_INTEGRITY_EXCEPTION"}])
    with pytest.raises(LoginError, match="cannot be assigned"):
        crm.create_fields(planned)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (403, [{"errorCode": "INSUFFICIENT_ACCESS", "message": ""}], LoginError),
        (201, "{}", TryLaterError),
        (500, "{}", TryLaterError),
    ],
)
def test_a_deploy_that_does_not_begin_says_what_is_missing(org, crm, waits, status, body, error):
    org.fail("deployRequest", status, body)
    with pytest.raises(error) as caught:
        crm.create_fields(crm.plan_fields([SCORE]))
    assert "install" in caught.value.hint
