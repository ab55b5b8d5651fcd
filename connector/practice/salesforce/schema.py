"""The objects of a new org and their fields. Source: the platform's Object Reference."""

from __future__ import annotations

from connector.practice.salesforce.fields import FieldSpec, ObjectSpec
from connector.practice.salesforce.history import TRACKED
from connector.practice.salesforce.rights import permission_objects
from connector.practice.salesforce.schema_details import complete
from connector.practice.salesforce.schema_sales import sales_objects
from connector.practice.salesforce.setup_objects import setup_objects
from connector.practice.salesforce.spelling import (
    fixed,
    flag,
    money,
    new_object,
    pick,
    ref,
    text,
)


def new_schema() -> dict[str, ObjectSpec]:
    """The objects of a new org."""
    specs = [
        _lead(),
        _contact(),
        _account(),
        _opportunity(),
        _role(),
        _user(),
        *_groups(),
        *_activities(),
    ]
    specs += [*_campaigns(), field_history("LeadHistory"), _stages_passed()]
    specs += [*_vocabularies(), *_setup(), *sales_objects(), *setup_objects()]
    return {spec.name: complete(spec) for spec in specs}


OWN_FIELDS = frozenset({"Unqualified_Reason__c", "Loss_Reason__c", "Away_Until__c"})
"""Custom fields the company itself made and granted to everybody, long ago."""
_STATUSES = ("Open - Not Contacted", "Working - Contacted", "Closed - Converted",
             "Closed - Not Converted")  # fmt: skip
_SOURCES = ("Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Trade Show", "Webinar",
            "Other")  # fmt: skip
_INDUSTRIES = ("Banking", "Construction", "Education", "Finance", "Government", "Healthcare",
               "Insurance", "Logistics", "Manufacturing", "Not For Profit", "Retail", "Software",
               "Other")  # fmt: skip
STAGES = (
    ("Prospecting", 10, False, False), ("Qualification", 10, False, False),
    ("Needs Analysis", 20, False, False), ("Value Proposition", 50, False, False),
    ("Proposal/Price Quote", 75, False, False), ("Negotiation/Review", 90, False, False),
    ("Closed Won", 100, True, True), ("Closed Lost", 0, True, False),
)  # fmt: skip
"""Stage, probability, closed, won."""


def _person_name(*, bounces: bool) -> tuple[FieldSpec, ...]:
    """What leads and contacts have alike; only contacts may be added with a bounce."""
    return (
        text("LastName", 80, nillable=False),
        text("FirstName", 40),
        fixed(text("Name", 121, nillable=False)),
        text("Title", 128),
        FieldSpec("Phone", "phone", length=40),
        FieldSpec("Email", "email", length=80),
        flag("HasOptedOutOfEmail"),
        flag("DoNotCall"),
        pick("LeadSource", _SOURCES),
        FieldSpec("Description", "textarea", length=32000),
        fixed(FieldSpec("LastActivityDate", "date")),
        FieldSpec("EmailBouncedDate", "datetime", create=bounces),
        text("EmailBouncedReason", create=bounces),
    )


def _lead() -> ObjectSpec:
    return new_object(
        "Lead",
        "00Q",
        fixed(ref("MasterRecordId", ("Lead",), "MasterRecord")),
        *_person_name(bounces=False),
        text("Company", 255, nillable=False),
        text("City", 40),
        text("State", 80),
        text("PostalCode", 20),
        text("Country", 80),
        FieldSpec("Website", "url", length=255),
        pick("Status", _STATUSES, nillable=False, default="Open - Not Contacted"),
        pick("Industry", _INDUSTRIES),
        pick("Rating", ("Hot", "Warm", "Cold")),
        FieldSpec("AnnualRevenue", "currency", precision=18, scale=0),
        FieldSpec("NumberOfEmployees", "int"),
        ref("OwnerId", ("Group", "User"), "Owner", nillable=False),
        flag("IsConverted", update=False),
        fixed(FieldSpec("ConvertedDate", "date")),
        fixed(ref("ConvertedAccountId", ("Account",), "ConvertedAccount")),
        fixed(ref("ConvertedContactId", ("Contact",), "ConvertedContact")),
        fixed(ref("ConvertedOpportunityId", ("Opportunity",), "ConvertedOpportunity")),
        flag("IsUnreadByOwner", default=True),
        text("Unqualified_Reason__c", 255, custom=True),
        owners=("User", "Group"),
        tracked=("Status", "OwnerId"),
    )


def _contact() -> ObjectSpec:
    return new_object(
        "Contact",
        "003",
        fixed(ref("MasterRecordId", ("Contact",), "MasterRecord")),
        ref("AccountId", ("Account",), "Account"),
        *_person_name(bounces=True),
        text("MailingCountry", 80),
        text("MailingCity", 40),
        text("Department", 80),
        ref("OwnerId", ("User",), "Owner", nillable=False),
        owners=("User",),
    )


def _account() -> ObjectSpec:
    return new_object(
        "Account",
        "001",
        fixed(ref("MasterRecordId", ("Account",), "MasterRecord")),
        text("Name", 255, nillable=False, compound="Name"),
        pick("Type", ("Prospect", "Customer - Direct", "Customer - Channel", "Other"), 40),
        ref("ParentId", ("Account",), "Parent"),
        text("BillingCountry", 80),
        FieldSpec("Phone", "phone", length=40),
        FieldSpec("Website", "url", length=255),
        pick("Industry", _INDUSTRIES, 40),
        FieldSpec("AnnualRevenue", "currency", precision=18, scale=0),
        FieldSpec("NumberOfEmployees", "int"),
        ref("OwnerId", ("User",), "Owner", nillable=False),
        owners=("User",),
    )


def _opportunity() -> ObjectSpec:
    return new_object(
        "Opportunity",
        "006",
        ref("AccountId", ("Account",), "Account"),
        text("Name", 120, nillable=False),
        pick("StageName", tuple(stage for stage, *_ in STAGES), nillable=False),
        money("Amount"),
        FieldSpec("Probability", "percent", precision=3, filled=True),
        FieldSpec("CloseDate", "date", nillable=False),
        pick("LeadSource", _SOURCES),
        fixed(flag("IsClosed")),
        fixed(flag("IsWon")),
        text("Loss_Reason__c", 255, custom=True),
        ref("ContactId", ("Contact",), update=False),
        fixed(flag("HasOpportunityLineItem")),
        ref("Pricebook2Id", ("Pricebook2",), "Pricebook2", filled=True),
        ref("CampaignId", ("Campaign",), "Campaign"),
        ref("OwnerId", ("User",), "Owner", nillable=False),
        plural="Opportunities",
        owners=("User",),
        tracked=("StageName", "Amount", "CloseDate", "OwnerId"),
    )


def _role() -> ObjectSpec:
    return new_object(
        "OpportunityContactRole",
        "00K",
        ref("OpportunityId", ("Opportunity",), "Opportunity", nillable=False, update=False),
        ref("ContactId", ("Contact",), "Contact", nillable=False),
        pick("Role", ("Business User", "Decision Maker", "Evaluator", "Influencer", "Other"), 40),
        flag("IsPrimary"),
    )


def _user() -> ObjectSpec:
    return new_object(
        "User",
        "005",
        FieldSpec("Username", "string", length=80, nillable=False),
        text("LastName", 80, nillable=False),
        text("FirstName", 40),
        fixed(text("Name", 121, nillable=False)),
        FieldSpec("Email", "email", length=128, nillable=False),
        flag("IsActive"),
        pick("UserType", ("Standard", "AutomatedProcess"), default="Standard"),
        text("TimeZoneSidKey", 40, default="Europe/Paris"),
        flag("UserPermissionsMarketingUser"),
        FieldSpec("Away_Until__c", "datetime", custom=True),
        deletable=False,
    )


def _groups() -> tuple[ObjectSpec, ...]:
    group = new_object(
        "Group",
        "00G",
        text("Name", 40, nillable=False),
        text("DeveloperName", 80),
        pick("Type", ("Queue", "Regular"), restricted=True),
        FieldSpec("Email", "email", length=255),
        deletable=False,
    )
    queue = new_object(
        "QueueSobject",
        "03g",
        ref("QueueId", ("Group",), "Queue"),
        text("SobjectType", 40),
        deletable=False,
    )
    return group, queue


def _activities() -> tuple[ObjectSpec, ...]:
    who = ref("WhoId", ("Contact", "Lead"), "Who")
    what = ref("WhatId", ("Account", "Opportunity"), "What")
    task = new_object(
        "Task",
        "00T",
        who,
        what,
        FieldSpec("Subject", "combobox", length=255),
        FieldSpec("ActivityDate", "date"),
        pick(
            "Status",
            ("Not Started", "In Progress", "Completed"),
            nillable=False,
            default="Not Started",
        ),
        pick("Priority", ("High", "Normal", "Low"), nillable=False, default="Normal"),
        pick("TaskSubtype", ("Task", "Email", "Call", "ListEmail"), update=False, default="Task"),
        fixed(flag("IsClosed")),
        fixed(flag("IsArchived")),
        flag("IsRecurrence", update=False),
        fixed(FieldSpec("CompletedDateTime", "datetime")),
        FieldSpec("Description", "textarea", length=32000),
        ref("OwnerId", ("User", "Group"), "Owner", nillable=False),
        owners=("User", "Group"),
    )
    event = new_object(
        "Event",
        "00U",
        who,
        what,
        FieldSpec("Subject", "combobox", length=255),
        FieldSpec("ActivityDateTime", "datetime"),
        FieldSpec("StartDateTime", "datetime"),
        FieldSpec("ActivityDate", "date"),
        FieldSpec("DurationInMinutes", "int"),
        fixed(flag("IsArchived")),
        fixed(flag("IsChild")),
        flag("IsRecurrence", update=False),
        pick("EventSubtype", ("Event",), 40, default="Event", restricted=True, update=False),
        ref("OwnerId", ("Calendar", "User"), "Owner", nillable=False),
        owners=("User",),
    )
    return task, event


def _campaigns() -> tuple[ObjectSpec, ...]:
    campaign = new_object(
        "Campaign",
        "701",
        text("Name", 80, nillable=False),
        pick("Type", ("Email", "Webinar", "Trade Show", "Content", "Web", "Other")),
        pick("Status", ("Planned", "In Progress", "Completed")),
        flag("IsActive"),
        FieldSpec("StartDate", "date"),
        FieldSpec("EndDate", "date"),
        FieldSpec("BudgetedCost", "currency", precision=18, scale=0),
        FieldSpec("ActualCost", "currency", precision=18, scale=0),
        ref("OwnerId", ("User",), "Owner", nillable=False),
        owners=("User",),
    )
    member = new_object(
        "CampaignMember",
        "00v",
        ref("CampaignId", ("Campaign",), "Campaign", nillable=False, update=False),
        ref("LeadId", ("Lead",), "Lead", update=False),
        ref("ContactId", ("Contact",), "Contact", update=False),
        fixed(ref("LeadOrContactId", ("Contact", "Lead"))),
        pick("Status", ("Sent", "Responded"), nillable=False, default="Sent"),
        fixed(flag("HasResponded")),
        fixed(FieldSpec("FirstRespondedDate", "date")),
    )
    return campaign, member


def field_history(name: str) -> ObjectSpec:
    """The object that holds the field history of another."""
    parent, (_, link) = next(one for one in TRACKED.items() if one[1][0] == name)
    prefix = {"LeadHistory": "017", "OpportunityFieldHistory": "0Fh"}[name]
    return _unstamped(new_object(
        name, prefix, ref(link, (parent,), parent), pick("Field", (), restricted=True),
        FieldSpec("OldValue", "anyType"), FieldSpec("NewValue", "anyType"),
        plural=f"{parent} History", create=False,
    ))  # fmt: skip


def _stages_passed() -> ObjectSpec:
    return _unstamped(new_object(
        "OpportunityHistory", "008", ref("OpportunityId", ("Opportunity",), "Opportunity"),
        text("StageName"), money("Amount"), FieldSpec("Probability", "percent", precision=3),
        FieldSpec("CloseDate", "date"), plural="Opportunity History", create=False,
    ))  # fmt: skip


def _unstamped(spec: ObjectSpec) -> ObjectSpec:
    """History is never changed, so it has no stamps of a change."""
    for name in ("LastModifiedDate", "LastModifiedById", "SystemModstamp"):
        del spec.fields[name]
    return spec


def _vocabularies() -> tuple[ObjectSpec, ...]:
    label = (text("MasterLabel"), text("ApiName"), FieldSpec("SortOrder", "int"))
    status = new_object(
        "LeadStatus", "01J", *label, flag("IsConverted"), flag("IsDefault"), create=False,
        plural="Lead Status Value", deletable=False,
    )  # fmt: skip
    stage = new_object(
        "OpportunityStage", "01J", *label, flag("IsActive", default=True), flag("IsClosed"),
        flag("IsWon"), FieldSpec("DefaultProbability", "percent", precision=3), create=False,
        deletable=False,
    )  # fmt: skip
    return status, stage


def _setup() -> tuple[ObjectSpec, ...]:
    organisation = new_object(
        "Organization", "00D", text("Name", 80), flag("IsSandbox"), text("InstanceName", 5),
        text("OrganizationType", 40), text("TimeZoneSidKey", 40), create=False, deletable=False,
    )  # fmt: skip
    return (organisation, *permission_objects())
