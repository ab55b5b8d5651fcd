"""Nurture as campaign membership, against the practice org: joined, left, and never twice."""

from __future__ import annotations

import logging

import pytest

from connector.adapters import open_adapter
from connector.adapters.base import FieldStep, Order, Use
from connector.adapters.salesforce.campaigns import FLAG, LEFT, THEME
from connector.domain.change import Result, Write
from connector.domain.outward import FieldType
from connector.errors import UnknownOutcomeError
from connector.practice.fault_script import Fault
from connector.practice.server import PracticeServer
from tests.contract.practice_fakes import SalesforceFake

STEPS = [
    FieldStep("Lead", FLAG, FieldType.BOOLEAN, "Leadloop nurture", 0, "create"),
    FieldStep("Lead", THEME, FieldType.TEXT, "Leadloop theme", 80, "create"),
]
ORDER = Order(STEPS, {"Lead": {}}, {}, themes=["price", "safety"])


@pytest.fixture
def fake():
    return SalesforceFake()


@pytest.fixture
def crm(fake, tmp_path):
    """An org with our two fields and a campaign for each of two themes."""
    uses = {"Lead": Use("Id", frozenset({FLAG, THEME}))}
    with PracticeServer(fake.crm) as server:
        connection = fake.connection(server.address, tmp_path)
        adapter = open_adapter(connection, tmp_path, uses, lambda: fake.now)
        adapter.create_fields(STEPS)
        yield adapter
        adapter.close()


@pytest.fixture
def furnished(crm):
    crm.furnish(ORDER, ["fields", "campaigns"], crm.check().login)
    return crm


def write(crm, *pairs):
    outcomes = crm.write([Write("Lead", lead, values) for lead, values in pairs])
    assert {one.result for one in outcomes} <= {Result.APPLIED}
    return outcomes


def nurture(theme):
    return {FLAG: theme is not None, THEME: theme}


def members(fake, lead):
    """The person's status in each campaign, by theme."""
    names = {row["Id"]: row["Name"] for row in fake.crm.org.tables["Campaign"].values()}
    return {
        names[row["CampaignId"]].removeprefix("Leadloop nurture: "): row["Status"]
        for row in fake.crm.org.tables["CampaignMember"].values()
        if row["LeadId"] == lead
    }


def effects(fake):
    return [(e.id, e.field) for e in fake.crm.oracle.effects if e.object == "CampaignMember"]


def test_campaigns_are_planned_made_and_then_there(fake, crm):
    def planned():
        return {s.name: s.action for s in crm.plan_parts(ORDER) if s.group == "campaigns"}

    names = ("Leadloop nurture: price", "Leadloop nurture: safety")
    assert planned() == dict.fromkeys(names, "create")
    assert not fake.crm.org.tables["Campaign"]
    made = crm.furnish(ORDER, ["fields", "campaigns"], crm.check().login)
    assert [s.action for s in made if s.group == "campaigns"] == ["create", "create"]
    assert planned() == dict.fromkeys(names, "keep")
    crm.furnish(ORDER, ["fields", "campaigns"], crm.check().login)
    assert len(fake.crm.org.tables["Campaign"]) == 2
    labels = {
        r["Label"]: r["HasResponded"] for r in fake.crm.org.tables["CampaignMemberStatus"].values()
    }
    assert labels == {"Sent": False, "Responded": True, LEFT[False]: False, LEFT[True]: True}


def test_members_follow_flag_and_theme_and_a_second_time_nothing_is_written(fake, furnished):
    one, other = fake.put(1, title="Boss"), fake.put(2, title="Clerk")
    write(furnished, (one, nurture("price")), (other, nurture("safety")))
    assert (members(fake, one), members(fake, other)) == ({"price": "Sent"}, {"safety": "Sent"})
    before = effects(fake)
    write(furnished, (one, nurture("price")), (other, nurture("safety")))
    assert effects(fake) == before
    write(
        furnished, (one, {THEME: "safety"}), (other, {FLAG: False})
    )  # one of the two fields alone
    assert members(fake, one) == {"price": LEFT[False], "safety": "Sent"}
    assert members(fake, other) == {"safety": LEFT[False]}
    write(furnished, (other, nurture("safety")))
    assert members(fake, other) == {"safety": "Sent"}


def test_a_response_is_kept_while_its_person_is_away(fake, furnished):
    lead = fake.put(1, title="Boss")
    write(furnished, (lead, nurture("price")))
    (member,) = fake.crm.org.tables["CampaignMember"].values()
    fake.crm.org.change(member, {"Status": "Responded"}, "somebody")
    write(furnished, (lead, nurture(None)))
    assert (member["Status"], member["HasResponded"]) == (LEFT[True], True)
    write(furnished, (lead, nurture("price")))
    assert (member["Status"], member["HasResponded"]) == ("Responded", True)


def test_a_theme_without_a_campaign_is_a_member_of_none(fake, furnished):
    lead = fake.put(1, title="Boss")
    write(furnished, (lead, nurture("something else")))
    assert members(fake, lead) == {}


def test_who_was_flagged_before_the_campaign_was_made_becomes_a_member_by_install(fake, crm):
    early, other = fake.put(1, title="Boss"), fake.put(2, title="Clerk")
    write(crm, (early, nurture("price")), (other, nurture(None)))
    assert not fake.crm.org.tables["CampaignMember"]
    crm.furnish(ORDER, ["fields", "campaigns"], crm.check().login)
    assert (members(fake, early), members(fake, other)) == ({"price": "Sent"}, {})


def test_a_campaign_without_our_statuses_is_left_alone_until_install_adds_them(fake, crm):
    admin = next(iter(fake.crm.org.tables["User"]))
    fake.crm.org.create("Campaign", {"Name": "Leadloop nurture: price", "IsActive": True}, admin)
    lead = fake.put(1, title="Boss")
    write(crm, (lead, nurture("price")))
    assert members(fake, lead) == {}
    steps = {s.name: s.action for s in crm.plan_parts(ORDER) if s.group == "campaigns"}
    assert steps["Leadloop nurture: price"] == "change"
    crm.furnish(ORDER, ["fields", "campaigns"], crm.check().login)
    write(crm, (lead, nurture("price")))
    assert members(fake, lead) == {"price": "Sent"}


def test_members_an_org_refuses_stop_no_field_and_are_logged_by_code(fake, furnished, caplog):
    rule = {"object": "CampaignMember", "field": "Status", "equals": None, "message": "no"}
    fake.crm.org.rules.validation.append(rule)
    lead = fake.put(1, title="Boss")
    with caplog.at_level(logging.WARNING, "leadloop.salesforce"):
        write(furnished, (lead, nurture("price")))
    assert fake.crm.org.find(lead)[THEME] == "price"
    assert "1 FIELD_CUSTOM_VALIDATION_EXCEPTION" in caplog.text


def test_members_our_user_may_not_read_stop_no_field_and_are_logged(fake, furnished, caplog):
    lead = fake.put(1, title="Boss")
    write(furnished, (lead, nurture("price")))
    fake.crm.org.rules.hidden.add(("CampaignMember", "Status"))
    with caplog.at_level(logging.WARNING, "leadloop.salesforce"):
        write(furnished, (lead, nurture("safety")))
    assert fake.crm.org.find(lead)[THEME] == "safety"
    assert members(fake, lead) == {"price": "Sent"}
    assert "campaign members were not read" in caplog.text


def test_an_answer_lost_on_the_way_makes_no_second_member(fake, furnished):
    lead = fake.put(1, title="Boss")
    fake.crm.faults.add([Fault(match="POST */composite*", drop="after", times=1)])
    with pytest.raises(UnknownOutcomeError, match="may or may not"):
        write(furnished, (lead, nurture("price")))
    assert members(fake, lead) == {"price": "Sent"}
    write(furnished, (lead, nurture("price")))
    assert len(fake.crm.org.tables["CampaignMember"]) == 1
    assert fake.crm.org.find(lead)[THEME] == "price"


def test_campaigns_of_the_companys_own_follow_the_themes_that_name_them(fake, tmp_path):
    uses = {"Lead": Use("Id", frozenset({FLAG, THEME}))}
    admin = next(iter(fake.crm.org.tables["User"]))
    fake.crm.org.create("Campaign", {"Name": "2026 Prices", "IsActive": True}, admin)
    with PracticeServer(fake.crm) as server:
        connection = fake.connection(server.address, tmp_path)
        own = {"price": "2026 Prices", "safety": "Nobody made it"}
        crm = open_adapter(
            connection.model_copy(update={"lists": own}), tmp_path, uses, lambda: fake.now
        )
        crm.create_fields(STEPS)
        made = crm.furnish(ORDER, ["fields", "campaigns"], crm.check().login)
        told = {s.name: s.action for s in made if s.group == "campaigns"}
        assert told == {"2026 Prices": "change", "Nobody made it": "leave"}
        assert len(fake.crm.org.tables["Campaign"]) == 1
        lead = fake.put(1, title="Boss")
        write(crm, (lead, nurture("price")))
        assert members(fake, lead) == {"2026 Prices": "Sent"}
        write(crm, (lead, nurture("safety")))
        assert members(fake, lead) == {"2026 Prices": LEFT[False]}
        crm.close()
