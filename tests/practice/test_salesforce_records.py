"""Records of the practice org that belong together, and what an admin may switch on or off."""

from __future__ import annotations

import pytest

from connector.domain.moment import DAY
from connector.practice.salesforce.moments import moment_text
from tests.practice.deploys import MANIFEST, SPACE, deploy, zipped
from tests.practice.test_salesforce import codes


def names(salesforce, object_):
    path = f"{salesforce.data}/sobjects/{object_}/describe"
    return {one["name"] for one in salesforce.json("GET", path)["fields"]}


def refused(salesforce, soql, verb="query"):
    answer = salesforce.call("GET", f"{salesforce.data}/{verb}", params={"q": soql})
    return answer.status_code, answer.json()[0]["errorCode"]


def add(salesforce, object_, **values):
    return salesforce.json("POST", f"{salesforce.data}/sobjects/{object_}", values)["id"]


def patch(salesforce, object_, id_, **values):
    return salesforce.call("PATCH", f"{salesforce.data}/sobjects/{object_}/{id_}", values)


# --- person accounts ------------------------------------------------------------------------------


@pytest.fixture
def persons(salesforce):
    salesforce.crm.steer("features", {"person_accounts": True})
    soql = "SELECT Id FROM RecordType WHERE IsPersonType = true"
    salesforce.person = salesforce.query(soql)[0]["Id"]
    return salesforce


BOTH = "SELECT Id, Name, IsPersonAccount, PersonContactId, PersonEmail, SystemModstamp FROM Account"
TWIN = "SELECT Id, Name, IsPersonAccount, AccountId, Email, Title, SystemModstamp FROM Contact"


def test_without_the_feature_nothing_tells_of_person_accounts(salesforce):
    assert not {"IsPersonAccount", "PersonEmail", "LastName"} & names(salesforce, "Account")
    assert "IsPersonAccount" not in names(salesforce, "Contact")
    assert refused(salesforce, "SELECT IsPersonAccount FROM Contact") == (400, "INVALID_FIELD")


def test_a_person_account_is_one_account_and_one_contact(persons):
    made = add(persons, "Account", LastName="Nair", FirstName="Asha", RecordTypeId=persons.person,
               PersonEmail="a@home.example")  # fmt: skip
    (account,), (contact,) = persons.query(BOTH), persons.query(TWIN)
    assert account["PersonContactId"] == contact["Id"]
    assert contact["AccountId"] == made
    assert account["Name"] == contact["Name"] == "Asha Nair"
    assert contact["Email"] == "a@home.example"
    assert account["IsPersonAccount"] is contact["IsPersonAccount"] is True


def test_a_change_of_either_moves_both_and_their_stamps(persons):
    made = add(persons, "Account", LastName="Nair", RecordTypeId=persons.person)
    persons.tick(60)
    assert patch(persons, "Account", made, PersonTitle="CEO").status_code == 204
    (account,), (contact,) = persons.query(BOTH), persons.query(TWIN)
    assert contact["Title"] == "CEO"
    stamp = moment_text(persons.now)
    assert account["SystemModstamp"] == contact["SystemModstamp"] == stamp
    persons.tick(60)
    assert patch(persons, "Contact", contact["Id"], Email="b@home.example").status_code == 204
    (account,), (contact,) = persons.query(BOTH), persons.query(TWIN)
    assert account["PersonEmail"] == "b@home.example"
    assert account["SystemModstamp"] == contact["SystemModstamp"] == moment_text(persons.now)


def test_a_business_has_no_persons_fields_and_a_contact_keeps_its_record_type(persons):
    path = f"{persons.data}/sobjects/Account"
    wrong = persons.call("POST", path, {"Name": "Mills", "LastName": "Nair"}).json()[0]
    assert wrong["errorCode"] == "INVALID_FIELD_FOR_INSERT_UPDATE"
    assert "bad field names" in wrong["message"]
    add(persons, "Account", LastName="Nair", RecordTypeId=persons.person)
    (contact,) = persons.query(TWIN)
    answer = patch(persons, "Contact", contact["Id"], RecordTypeId=persons.person)
    assert answer.json()[0]["errorCode"] == "INSUFFICIENT_ACCESS_OR_READONLY"


def test_a_lead_without_a_company_becomes_a_person_account(persons):
    (lead,) = persons.load(Lead=[{"LastName": "Nair", "Email": "a@home.example"}])["Lead"]
    done = persons.crm.steer("convert", {"leadId": lead})
    (account,) = persons.query(BOTH)
    assert (account["Id"], account["PersonContactId"]) == (done["accountId"], done["contactId"])
    assert account["PersonEmail"] == "a@home.example"


def test_custom_fields_of_contacts_are_on_the_account_under_another_ending(persons):
    deploy(persons, contact_score())
    (rights,) = persons.query("SELECT Id FROM PermissionSet WHERE IsOwnedByProfile = false")
    assign = {"AssigneeId": persons.admin, "PermissionSetId": rights["Id"]}
    persons.json("POST", f"{persons.data}/sobjects/PermissionSetAssignment", assign)
    assert "Score__pc" in names(persons, "Account")
    made = add(persons, "Account", LastName="Nair", RecordTypeId=persons.person)
    assert patch(persons, "Account", made, Score__pc=87).status_code == 204
    assert persons.query("SELECT Score__c FROM Contact")[0]["Score__c"] == 87


def contact_score() -> bytes:
    field = "<fields><fullName>Score__c</fullName><label>Score</label><type>Number</type><precision>5</precision><scale>0</scale></fields>"
    right = "<fieldPermissions><editable>true</editable><field>Contact.Score__c</field><readable>true</readable></fieldPermissions>"
    return zipped({
        "package.xml": MANIFEST,
        "objects/Contact.object": f"<CustomObject {SPACE}>{field}</CustomObject>",
        "permissionsets/S.permissionset": f"<PermissionSet {SPACE}><label>S</label>{right}</PermissionSet>",
    })  # fmt: skip


def test_loaded_persons_have_their_contact_and_it_goes_with_the_account(persons):
    rows = [{"LastName": "Nair"}, {"Name": "Mills"}]
    person, business = persons.load(Account=rows)["Account"]
    (contact,) = persons.query(TWIN)
    assert contact["AccountId"] == person
    persons.crm.steer("delete", {"id": person})
    assert persons.query(TWIN) == []
    assert [row["Id"] for row in persons.query("SELECT Id FROM Account")] == [business]


# --- currencies -----------------------------------------------------------------------------------


def test_currencies_are_there_only_once_they_are_switched_on(salesforce):
    salesforce.load(Opportunity=[{"Name": "Old", "StageName": "Prospecting"}])
    assert "CurrencyIsoCode" not in names(salesforce, "Opportunity")
    soql = "SELECT IsoCode, ConversionRate, IsCorporate FROM CurrencyType"
    assert refused(salesforce, soql) == (400, "INVALID_TYPE")
    rates = {"EUR": 1, "USD": 1.25}
    salesforce.crm.steer("features", {"multi_currency": {"corporate": "EUR", "rates": rates}})
    rows = salesforce.query(soql)
    assert {row["IsoCode"]: row["ConversionRate"] for row in rows} == rates
    deal = {"Name": "New", "StageName": "Prospecting", "CloseDate": "2026-12-01"}
    add(salesforce, "Opportunity", **deal, Amount=100, CurrencyIsoCode="USD")
    money = salesforce.query("SELECT CurrencyIsoCode FROM Opportunity")
    assert [row["CurrencyIsoCode"] for row in money] == ["EUR", "USD"]
    wrong = salesforce.call(
        "POST", f"{salesforce.data}/sobjects/Opportunity", {**deal, "CurrencyIsoCode": "XXX"}
    )
    assert wrong.json()[0]["errorCode"] == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"


def test_rates_may_have_dates(salesforce):
    dated = [{"IsoCode": "USD", "StartDate": "2026-01-01", "NextStartDate": "2026-07-01",
              "ConversionRate": 1.1}]  # fmt: skip
    how = {"corporate": "EUR", "rates": {"EUR": 1, "USD": 1.25}, "dated": dated}
    salesforce.crm.steer("features", {"multi_currency": how})
    soql = "SELECT ConversionRate FROM DatedConversionRate WHERE StartDate <= 2026-02-01"
    assert salesforce.query(soql)[0]["ConversionRate"] == 1.1


# --- mails ----------------------------------------------------------------------------------------


def test_a_mail_that_was_sent_is_a_task_too_and_names_its_first_recipient(salesforce):
    (lead,) = salesforce.leads(1)
    mail = add(salesforce, "EmailMessage", Subject="Hello", Status="3", ToAddress="l@mills.example")
    add(salesforce, "EmailMessageRelation", EmailMessageId=mail, RelationId=lead,
        RelationType="ToAddress")  # fmt: skip
    (row,) = salesforce.query("SELECT ActivityId FROM EmailMessage")
    (task,) = salesforce.query("SELECT Id, WhoId, TaskSubtype, Subject, IsClosed FROM Task")
    assert (task["Id"], task["WhoId"]) == (row["ActivityId"], lead)
    assert (task["TaskSubtype"], task["Subject"], task["IsClosed"]) == (
        "Email", "Email: Hello", True,
    )  # fmt: skip
    soql = "SELECT EmailMessage.MessageDate, RelationObjectType FROM EmailMessageRelation"
    assert salesforce.query(soql)[0]["RelationObjectType"] == "Lead"


def test_only_drafts_can_be_changed(salesforce):
    sent = add(salesforce, "EmailMessage", Subject="A", Status="3")
    draft = add(salesforce, "EmailMessage", Subject="B", Status="5")
    assert patch(salesforce, "EmailMessage", sent, Subject="C").status_code == 400
    assert patch(salesforce, "EmailMessage", draft, Subject="C").status_code == 204
    assert len(salesforce.query("SELECT Id FROM Task")) == 1


def test_mails_go_with_the_lead_to_its_contact_and_orgs_without_them_do_not_know_them(salesforce):
    (lead,) = salesforce.leads(1)
    rows = salesforce.load(
        Task=[{"TaskSubtype": "Email", "Status": "Completed", "WhoId": lead}],
        EmailMessage=[{"Subject": "Hello", "Status": "3", "ActivityId": "@Task:0"}],
        EmailMessageRelation=[
            {"EmailMessageId": "@EmailMessage:0", "RelationId": lead, "RelationType": "ToAddress"}
        ],
    )
    assert len(rows["Task"]) == len(salesforce.query("SELECT Id FROM Task")) == 1
    contact = salesforce.crm.steer("convert", {"leadId": lead})["contactId"]
    soql = "SELECT RelationId FROM EmailMessageRelation"
    assert salesforce.query(soql)[0]["RelationId"] == contact
    salesforce.crm.steer("features", {"email": False})
    assert refused(salesforce, soql) == (400, "INVALID_TYPE")
    known = salesforce.json("GET", f"{salesforce.data}/sobjects")["sobjects"]
    assert "EmailMessage" not in {one["name"] for one in known}


# --- histories ------------------------------------------------------------------------------------


def test_a_change_of_owner_leaves_its_names_and_its_ids(salesforce):
    row = {"Username": "u", "LastName": "Uma", "Email": "u@acme.example", "IsActive": True}
    (other,) = salesforce.load(User=[row])["User"]
    (lead,) = salesforce.leads(1)
    salesforce.write({"id": lead, "OwnerId": other})
    rows = salesforce.query("SELECT Field, OldValue, NewValue FROM LeadHistory ORDER BY Id")
    assert [(row["Field"], row["OldValue"], row["NewValue"]) for row in rows] == [
        ("Owner", "Admin", "Uma"), ("Owner", salesforce.admin, other),
    ]  # fmt: skip


def test_field_history_is_there_only_where_somebody_switched_it_on(salesforce):
    soql = "SELECT Field, OldValue, NewValue FROM OpportunityFieldHistory"
    assert refused(salesforce, soql) == (400, "INVALID_TYPE")
    salesforce.crm.steer("features", {"opportunity_history": True, "lead_history": False})
    deal = {"Name": "O", "StageName": "Prospecting", "CloseDate": "2026-12-01"}
    made = add(salesforce, "Opportunity", **deal)
    patch(salesforce, "Opportunity", made, StageName="Closed Won")
    (row,) = salesforce.query(soql)
    assert (row["Field"], row["OldValue"], row["NewValue"]) == (
        "StageName", "Prospecting", "Closed Won",
    )  # fmt: skip
    (lead,) = salesforce.leads(1)
    assert codes(salesforce.write({"id": lead, "Status": "Working - Contacted"})) == [""]
    salesforce.crm.steer("convert", {"leadId": lead})
    assert refused(salesforce, "SELECT Id FROM LeadHistory") == (400, "INVALID_TYPE")
    assert refused(salesforce, "SELECT Id, (SELECT Id FROM Histories) FROM Lead")[0] == 400


def test_history_of_a_hidden_field_is_hidden_too_and_ties_come_in_no_order(salesforce):
    (lead,) = salesforce.leads(1)
    for n in range(6):
        salesforce.write({"id": lead, "Status": f"Step {n}"})
    tied = salesforce.query("SELECT NewValue FROM LeadHistory ORDER BY CreatedDate")
    made = salesforce.query("SELECT NewValue FROM LeadHistory ORDER BY CreatedDate, Id")
    assert [row["NewValue"] for row in made] == [f"Step {n}" for n in range(6)]
    assert [row["NewValue"] for row in tied] != [row["NewValue"] for row in made]
    salesforce.crm.steer("rules", {"hidden": [["Lead", "Status"]]})
    assert salesforce.query("SELECT NewValue FROM LeadHistory") == []


# --- deals with products --------------------------------------------------------------------------


@pytest.fixture
def deal(salesforce):
    (book,) = salesforce.query("SELECT Id FROM Pricebook2 WHERE IsStandard = true")
    product = add(salesforce, "Product2", Name="Loom", ProductCode="L1", IsActive=True)
    salesforce.entry = add(salesforce, "PricebookEntry", Pricebook2Id=book["Id"],
                           Product2Id=product, UnitPrice=50, IsActive=True)  # fmt: skip
    return add(salesforce, "Opportunity", Name="Deal", StageName="Prospecting", Amount=7,
               CloseDate="2026-12-01")  # fmt: skip


def test_the_amount_of_a_deal_with_products_is_their_sum(salesforce, deal):
    line = add(salesforce, "OpportunityLineItem", OpportunityId=deal, Quantity=3, UnitPrice=40,
               PricebookEntryId=salesforce.entry, Discount=10)  # fmt: skip
    amount = lambda: salesforce.query("SELECT Amount, HasOpportunityLineItem FROM Opportunity")[0]
    assert (amount()["Amount"], amount()["HasOpportunityLineItem"]) == (108, True)
    soql = "SELECT TotalPrice, ListPrice, Product2.Name, ProductCode FROM OpportunityLineItem"
    (row,) = salesforce.query(soql)
    assert (row["TotalPrice"], row["ListPrice"], row["ProductCode"]) == (108, 50, "L1")
    assert row["Product2"]["Name"] == "Loom"
    assert patch(salesforce, "Opportunity", deal, Amount=1, Name="Same").status_code == 204
    assert amount()["Amount"] == 108
    patch(salesforce, "OpportunityLineItem", line, Quantity=1)
    assert amount()["Amount"] == 36
    salesforce.json("DELETE", f"{salesforce.data}/sobjects/OpportunityLineItem/{line}")
    assert amount()["HasOpportunityLineItem"] is False
    steps = salesforce.query("SELECT Amount FROM OpportunityHistory ORDER BY CreatedDate, Id")
    assert [row["Amount"] for row in steps] == [7, 108, 36]


# --- campaigns ------------------------------------------------------------------------------------


def test_each_campaign_says_itself_which_status_is_a_response(salesforce):
    (lead,) = salesforce.leads(1)
    fair, web = (add(salesforce, "Campaign", Name=name) for name in ("Fair", "Web"))
    assert [row["Label"] for row in salesforce.query("SELECT Label FROM CampaignMemberStatus")] == [
        "Sent", "Responded", "Sent", "Responded",
    ]  # fmt: skip
    add(salesforce, "CampaignMemberStatus", CampaignId=fair, Label="Met us", HasResponded=True)
    for campaign in (fair, web):
        add(salesforce, "CampaignMember", CampaignId=campaign, LeadId=lead, Status="Met us")
    rows = salesforce.query("SELECT HasResponded, FirstRespondedDate FROM CampaignMember")
    assert [row["HasResponded"] for row in rows] == [True, False]
    assert [bool(row["FirstRespondedDate"]) for row in rows] == [True, False]


@pytest.mark.parametrize("keeps", [True, False])
def test_a_member_of_a_converted_lead_names_the_contact(salesforce, keeps):
    (lead,) = salesforce.leads(1)
    salesforce.crm.steer("rules", {"member_keeps_lead": keeps})
    salesforce.load(
        Campaign=[{"Name": "Fair"}],
        CampaignMember=[{"CampaignId": "@Campaign:0", "LeadId": lead}],
    )
    contact = salesforce.crm.steer("convert", {"leadId": lead})["contactId"]
    (row,) = salesforce.query("SELECT LeadId, ContactId, LeadOrContactId FROM CampaignMember")
    assert (row["ContactId"], row["LeadOrContactId"]) == (contact, contact)
    assert row["LeadId"] == (lead if keeps else None)


# --- what conversion and renaming do --------------------------------------------------------------


def test_custom_fields_go_along_only_where_an_admin_mapped_them(salesforce):
    one, two = salesforce.leads(2, Unqualified_Reason__c="Too small")
    first = salesforce.crm.steer("convert", {"leadId": one})["contactId"]
    salesforce.crm.steer("rules", {"conversion": {"Unqualified_Reason__c": "Department"}})
    second = salesforce.crm.steer("convert", {"leadId": two})["contactId"]
    found = [salesforce.crm.org.find(id_)["Department"] for id_ in (first, second)]
    assert found == [None, "Too small"]


def test_a_renamed_status_stays_what_it_means_and_moves_the_stamp_alone(salesforce):
    (lead,) = salesforce.leads(1, Status="Closed - Converted")
    salesforce.tick(60)
    salesforce.crm.steer("rename", {"object": "Lead", "field": "Status",
                                    "from": "Closed - Converted", "to": "Gewonnen"})  # fmt: skip
    (row,) = salesforce.query("SELECT Id, Status, LastModifiedDate, SystemModstamp FROM Lead")
    assert (row["Id"], row["Status"]) == (lead, "Gewonnen")
    assert row["SystemModstamp"] > row["LastModifiedDate"]
    converted = salesforce.query("SELECT ApiName FROM LeadStatus WHERE IsConverted = true")
    assert [one["ApiName"] for one in converted] == ["Gewonnen"]
    salesforce.crm.steer("rename", {"object": "Opportunity", "field": "StageName",
                                    "from": "Closed Won", "to": "Gewonnen"})  # fmt: skip
    made = add(salesforce, "Opportunity", Name="O", StageName="Gewonnen", CloseDate="2026-12-01")
    assert salesforce.crm.org.find(made)["IsWon"] is True


def test_events_over_a_year_old_are_archived_too(salesforce):
    old = moment_text(salesforce.now - 400 * DAY)
    salesforce.load(Event=[{"Subject": "Demo", "StartDateTime": old}, {"Subject": "Call"}])
    assert [row["Subject"] for row in salesforce.query("SELECT Subject FROM Event")] == ["Call"]
    rows = salesforce.query("SELECT Subject FROM Event WHERE IsDeleted = false", "queryAll")
    assert len(rows) == 2


# --- fields made of others ------------------------------------------------------------------------


def test_an_address_is_one_value_made_of_its_parts_and_rest_alone_gives_it_whole(salesforce):
    salesforce.leads(1, City="Rome", Country="Italy")
    salesforce.leads(1)
    rows = salesforce.query("SELECT Address, City FROM Lead")
    assert rows[0]["Address"]["city"] == rows[0]["City"] == "Rome"
    assert set(rows[0]["Address"]) == {
        "street", "city", "state", "postalCode", "country", "latitude", "longitude",
        "geocodeAccuracy",
    }  # fmt: skip
    assert rows[1]["Address"] is None
    job = {"operation": "query", "query": "SELECT Id, Address FROM Lead"}
    answer = salesforce.call("POST", f"{salesforce.data}/jobs/query", job).json()[0]
    assert answer["errorCode"] == "API_ERROR"
    assert answer["message"] == "Selecting compound data not supported in Bulk Query"


def test_a_stage_brings_its_chance_and_forecast_unless_they_are_set_with_it(salesforce):
    made = add(salesforce, "Opportunity", Name="O", StageName="Prospecting", Amount=200,
               CloseDate="2026-12-01", Probability=40)  # fmt: skip
    soql = "SELECT Probability, ForecastCategory, ForecastCategoryName, ExpectedRevenue FROM Opportunity"
    shown = lambda: [value for key, value in salesforce.query(soql)[0].items() if key[0] != "a"]
    assert shown() == [40, "Pipeline", "Pipeline", 80]
    patch(salesforce, "Opportunity", made, StageName="Prospecting", Amount=100)
    assert shown() == [40, "Pipeline", "Pipeline", 40]
    patch(salesforce, "Opportunity", made, StageName="Negotiation/Review")
    assert shown() == [90, "BestCase", "Best Case", 90]
    patch(salesforce, "Opportunity", made, StageName="Closed Won", ForecastCategoryName="Omitted")
    assert shown() == [100, "Omitted", "Omitted", 100]


# --- by external id, and several at once ----------------------------------------------------------


@pytest.fixture
def keyed(salesforce):
    field = "<fields><fullName>Key__c</fullName><label>Key</label><type>Text</type><length>20</length><externalId>true</externalId></fields>"
    right = "<fieldPermissions><editable>true</editable><field>Lead.Key__c</field><readable>true</readable></fieldPermissions>"
    deploy(salesforce, zipped({
        "package.xml": MANIFEST,
        "objects/Lead.object": f"<CustomObject {SPACE}>{field}</CustomObject>",
        "permissionsets/K.permissionset": f"<PermissionSet {SPACE}><label>K</label>{right}</PermissionSet>",
    }))  # fmt: skip
    (rights,) = salesforce.query("SELECT Id FROM PermissionSet WHERE IsOwnedByProfile = false")
    add(salesforce, "PermissionSetAssignment", AssigneeId=salesforce.admin,
        PermissionSetId=rights["Id"])  # fmt: skip
    return salesforce


def test_several_are_changed_or_added_by_their_external_ids(keyed):
    (there,) = keyed.load(Lead=[{"LastName": "A", "Company": "C", "Key__c": "a"}])["Lead"]
    records = [
        {"attributes": {"type": "Lead"}, "Key__c": key, "LastName": name, "Company": "C"}
        for key, name in (("A", "New"), ("b", "B"), ("c", None), (None, "D"))
    ]
    path = f"{keyed.data}/composite/sobjects/Lead/Key__c"
    results = keyed.json("PATCH", path, {"allOrNone": False, "records": records})
    assert [one["created"] for one in results] == [False, True, False, False]
    assert results[0]["id"] == there
    assert codes(results) == ["", "", "REQUIRED_FIELD_MISSING", "MISSING_ARGUMENT"]
    assert keyed.crm.org.find(there)["LastName"] == "New"
    one = keyed.json("GET", f"{keyed.data}/sobjects/Lead/Key__c/b?fields=LastName")
    assert one["LastName"] == "B"
    assert keyed.call("GET", f"{keyed.data}/sobjects/Lead/Key__c/z").status_code == 404
    by_id = f"{keyed.data}/composite/sobjects/Lead?ids={there},00Q000000000000&fields=LastName"
    found = keyed.json("GET", by_id)
    assert [row and row["LastName"] for row in found] == ["New", None]


def test_a_part_of_a_composite_may_not_say_who_calls(salesforce):
    part = {"method": "GET", "url": f"{salesforce.data}/limits", "referenceId": "a",
            "httpHeaders": {"Authorization": "Bearer x"}}  # fmt: skip
    body = {"compositeRequest": [part]}
    assert salesforce.call("POST", f"{salesforce.data}/composite", body).status_code == 400
