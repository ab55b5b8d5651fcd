"""What stands beside a row of Salesforce: when a field changed, and lists of children."""

from __future__ import annotations

import pytest

from connector.adapters.base import Window
from connector.domain.moment import SECOND
from connector.errors import UsageError
from tests.unit.adapters.salesforce_org import NOW, field, ident

UNTIL = int(NOW.timestamp()) * SECOND
DEAL = {"IsDeleted": False, "SystemModstamp": "2026-05-01T11:00:00.000+0000"}


def rows(crm, source, names, since=None):
    return [r for page in crm.read(source, names, Window(since, UNTIL), None) for r in page.rows]


def at(day):
    return f"2026-04-{day:02}T08:00:00.000+0000"


@pytest.fixture
def stages(org):
    org.objects["OpportunityHistory"] = [
        field("Id", "id"),
        field("OpportunityId", "reference"),
        field("StageName"),
        field("CreatedDate", "datetime"),
    ]
    org.rows["OpportunityHistory"] = []
    org.rows["Opportunity"] = [
        {**DEAL, "Id": ident("006", n), "StageName": "Closed Won"} for n in range(3)
    ]

    def shot(deal, day, stage):
        number = len(org.rows["OpportunityHistory"])
        org.rows["OpportunityHistory"].append(
            {"Id": ident("008", number), "OpportunityId": ident("006", deal), "StageName": stage,
             "CreatedDate": at(day)}
        )  # fmt: skip

    return shot


def test_a_deal_tells_when_it_entered_its_stage_for_the_last_time(org, crm, stages):
    for day, stage in (
        (1, "New"),
        (3, "Closed Won"),
        (5, "New"),
        (7, "Closed Won"),
        (9, "Closed Won"),
    ):
        stages(0, day, stage)
    stages(1, 2, "New")
    found = rows(crm, "Opportunity", ["Id", "stagename.changed"])
    assert [row["stagename.changed"] for row in found] == [at(7), None, None]


def test_two_snapshots_of_one_second_are_told_apart_by_their_order(org, crm, stages):
    stages(0, 3, "Closed Won")
    stages(0, 3, "New")
    assert rows(crm, "Opportunity", ["StageName.changed"])[0]["StageName.changed"] is None
    stages(0, 3, "Closed Won")
    assert rows(crm, "Opportunity", ["StageName.changed"])[0]["StageName.changed"] == at(3)


def test_a_tracked_field_tells_when_it_changed_last_and_others_tell_nothing(org, crm):
    org.objects["LeadHistory"] = [
        field("Id", "id"),
        field("LeadId", "reference"),
        field("Field"),
        field("CreatedDate", "datetime"),
    ]
    leads = [org.lead(1), org.lead(2)]
    org.rows["LeadHistory"] = [
        {"Id": ident("017", n), "LeadId": leads[0], "Field": name, "CreatedDate": at(day)}
        for n, (name, day) in enumerate([("Title", 3), ("Title", 2), ("Email", 9)])
    ]
    found = rows(crm, "Lead", ["Id", "Title.changed"])
    assert [row["Title.changed"] for row in found] == [at(3), None]


def test_an_org_without_history_gives_none_and_reads_on(org, crm):
    org.lead(1)
    assert rows(crm, "Lead", ["Id", "Title.changed"])[0]["Title.changed"] is None


def test_values_of_children_come_as_a_list_each_once(org, crm):
    described = org._describe

    def with_children(name):
        status, headers, text = described(name)
        if name == "Opportunity":
            child = '"childRelationships": [{"relationshipName": "Items", "childSObject": "Item", "field": "DealId"}], '
            text = text.replace('"fields"', f'{child}"fields"', 1)
        return status, headers, text

    org._describe = with_children
    org.objects["Item"] = [field("Id", "id"), field("DealId", "reference"), field("Name")]
    org.rows["Opportunity"] = [{**DEAL, "Id": ident("006", n), "StageName": "x"} for n in range(2)]
    org.rows["Item"] = [
        {"Id": ident("00k", n), "DealId": ident("006", 0), "Name": name}
        for n, name in enumerate(["Pump", "Valve", "Pump", None])
    ]
    found = rows(crm, "Opportunity", ["Id", "items.name"])
    assert [row["items.name"] for row in found] == [["Pump", "Valve"], None]
    assert "Items" in crm.describe("Opportunity")
    with pytest.raises(UsageError, match="Nope"):
        rows(crm, "Opportunity", ["Items.Nope"])
