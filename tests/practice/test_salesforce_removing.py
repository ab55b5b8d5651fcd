"""What the practice org takes away by a deploy, what it keeps, and what it does in part."""

from __future__ import annotations

import pytest

from tests.practice.deploys import deploy, fields, removal
from tests.practice.test_clients import NUMBER, _package


@pytest.fixture
def made(salesforce):
    """An org with a field of ours and its permission set."""
    deploy(salesforce, _package())
    salesforce.leads(1)
    return salesforce


def problems(result):
    return [one["problem"] for one in result["details"]["componentFailures"]]


def field(org):
    return org.crm.org.schema["Lead"].find("Leadloop_Score__c")


def test_a_field_goes_with_all_it_held_and_what_is_not_there_is_no_failure(made):
    result = deploy(made, removal("Lead.Leadloop_Score__c", "Lead.Never_There__c"))
    assert result["status"] == "Succeeded"
    assert all(one["deleted"] for one in result["details"]["componentSuccesses"])
    assert field(made) is None
    assert "Leadloop_Score__c" not in next(iter(made.crm.org.tables["Lead"].values()))


def test_what_is_used_elsewhere_stays_and_keeps_the_rest(made):
    made.crm.steer("rules", {"references": {"Lead.Leadloop_Score__c": ["Flow: Welcome"]}})
    result = deploy(made, removal("Lead.Leadloop_Score__c"))
    assert result["status"] == "Failed"
    assert "Flow: Welcome" in problems(result)[0]
    assert field(made) is not None


def test_names_with_an_asterisk_are_refused(made):
    assert problems(deploy(made, removal("*")))


def test_a_permission_set_goes_only_when_nobody_has_it(made):
    (rights,) = made.query("SELECT Id FROM PermissionSet WHERE IsOwnedByProfile = false")
    path = f"{made.data}/sobjects/PermissionSetAssignment"
    given = made.json("POST", path, {"AssigneeId": made.admin, "PermissionSetId": rights["Id"]})
    sets = removal("Leadloop", kind="PermissionSet")
    assert "assigned" in problems(deploy(made, sets))[0]
    made.json("DELETE", f"{path}/{given['id']}")
    assert (
        made.query(
            "SELECT Id FROM PermissionSetAssignment WHERE PermissionSet.IsOwnedByProfile = false"
        )
        == []
    )
    assert deploy(made, sets)["status"] == "Succeeded"
    assert made.query("SELECT Id FROM PermissionSet WHERE IsOwnedByProfile = false") == []


def test_only_who_asks_for_no_rollback_is_left_with_half_adeploy(salesforce):
    good, bad = f"<label>G</label>{NUMBER}", "<label>B</label><type>Nonsense</type>"
    both = fields(Good__c=good, Bad__c=bad)
    assert deploy(salesforce, both)["status"] == "Failed"
    assert salesforce.crm.org.schema["Lead"].find("Good__c") is None
    assert deploy(salesforce, both, rollbackOnError=False)["status"] == "SucceededPartial"
    assert salesforce.crm.org.schema["Lead"].find("Good__c") is not None


def test_a_body_that_says_it_is_xml_is_refused(salesforce):
    answer = salesforce.call("POST", f"{salesforce.data}/sobjects/Lead", {"LastName": "L"},
                             headers={"Content-Type": "text/xml; charset=UTF-8"})  # fmt: skip
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (415, "UNSUPPORTED_MEDIA_TYPE")
