"""Filling a sandbox: marked people who do not exist, and never in an org that is somebody's."""

from __future__ import annotations

import json

import pytest

from connector.errors import UsageError
from tests.unit.adapters.salesforce_org import field, ident


@pytest.fixture
def sandbox(org, crm):
    """An org that says what it is and keeps what it is given; gives how to describe it."""
    org.objects["Lead"] = [*org.objects["Lead"], field("LeadSource")]
    original = org._data
    org.kind = {"IsSandbox": True, "OrganizationType": "Enterprise Edition"}

    def data(request, path):
        if "FROM%20Organization" in request.url:
            return org._ok({"totalSize": 1, "done": True, "records": [org.kind]})
        if "COUNT" in request.url:
            ours = "LeadSource%20%3D%20" in request.url
            rows = org.rows["Lead"]
            found = [r for r in rows if (r["LeadSource"] == "Leadloop practice") is ours]
            return org._ok({"totalSize": len(found), "done": True, "records": []})
        if path == "composite/sobjects" and request.method == "POST":
            made = []
            for record in json.loads(request.body)["records"]:
                source = record["attributes"]["type"]
                number = len(org.rows[source])
                org.rows[source].append({**record, "Id": ident("00Q", number)})
                made.append({"id": ident("00Q", number), "success": True, "errors": []})
            return org._ok(made)
        return original(request, path)

    org._data = data
    return org


def test_an_empty_sandbox_is_filled_with_marked_people_who_cannot_be_written_to(sandbox, crm):
    counts = crm.seed(450, 7)
    assert counts["leads"] == 450
    assert counts["tasks"] == len(sandbox.rows["Task"]) > 0
    leads = sandbox.rows["Lead"]
    assert {lead["LeadSource"] for lead in leads} == {"Leadloop practice"}
    assert all(lead["Email"].endswith(".example") for lead in leads)
    assert len({lead["Email"] for lead in leads}) == 450
    assert all(task["Description"] == "Leadloop practice" for task in sandbox.rows["Task"])


def test_filling_it_again_makes_only_what_is_missing(sandbox, crm):
    crm.seed(30, 7)
    assert crm.seed(30, 7)["leads"] == 0
    assert crm.seed(50, 7)["leads"] == 20
    assert len({lead["Email"] for lead in sandbox.rows["Lead"]}) == 50


def test_a_production_org_is_refused_before_anything_is_made(sandbox, crm):
    sandbox.kind = {"IsSandbox": False, "OrganizationType": "Enterprise Edition"}
    with pytest.raises(UsageError, match=r"no sandbox \(Enterprise Edition\)"):
        crm.seed(30, 7)
    assert sandbox.rows["Lead"] == []


def test_a_sandbox_with_leads_of_others_is_refused(sandbox, crm):
    sandbox.lead(1, LeadSource="Web")
    with pytest.raises(UsageError, match="1 leads that are not ours"):
        crm.seed(30, 7)
    assert len(sandbox.rows["Lead"]) == 1
