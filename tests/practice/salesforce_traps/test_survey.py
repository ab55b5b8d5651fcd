"""What Leadloop finds out about an org's own rules before it writes there."""

from __future__ import annotations

from connector.adapters.base import FieldStep, Order
from connector.domain.outward import FieldType


def test_ours_names_the_rules_that_its_writes_will_meet(salesforce, ours):
    salesforce.crm.steer("rules", {
        "flows": [{"object": "Lead", "on": "Rating", "set": {"City": "Flow"}}],
        "triggers": [{"object": "Lead", "on": "Title", "message": "no"}],
        "duplicates": {"Lead": "alert"},
        "validation": [{"object": "Lead", "field": "City", "equals": "X", "message": "Say where"}],
    })  # fmt: skip
    lines = surveyed(ours)
    assert "active flows on Lead: Flow 1" in lines
    assert "active triggers on Lead: LeadTrigger1" in lines
    assert "active validation rules on Lead: Rule_1" in lines
    assert "active duplicate rules on Lead: Standard_Lead_Duplicate_Rule" in lines


def test_ours_says_that_it_may_not_see_them(salesforce, ours):
    salesforce.crm.steer("quota", {"told": False})
    assert [line for line in surveyed(ours) if line.endswith("our user may not see them")] == [
        f"active {what} on Lead: our user may not see them"
        for what in ("flows", "triggers", "validation rules", "duplicate rules")
    ]


def surveyed(ours):
    step = FieldStep("Lead", "Leadloop_Score__c", FieldType.NUMBER, "Score", 5, "create")
    return ours.adapter.survey(Order([step], {}, {}))
