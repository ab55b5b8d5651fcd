"""The objects of a new org and their fields. Source: the platform's Object Reference."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from connector.practice.salesforce.fields import FieldSpec, ObjectSpec


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
    specs += [*_campaigns(), *_history(), *_vocabularies(), *_setup()]
    return {spec.name: spec for spec in specs}


# --- spelling fields shortly ----------------------------------------------------------------------


def _text(name: str, length: int = 255, **more: Any) -> FieldSpec:
    return FieldSpec(name, "string", length=length, **more)


def _pick(name: str, values: tuple[str, ...], **more: Any) -> FieldSpec:
    return FieldSpec(name, "picklist", length=255, values=values, **more)


def _ref(name: str, refers: tuple[str, ...], relation: str | None = None, **more: Any) -> FieldSpec:
    return FieldSpec(name, "reference", length=18, refers=refers, relation=relation, **more)


def _flag(name: str, **more: Any) -> FieldSpec:
    return FieldSpec(name, "boolean", nillable=False, default=more.pop("default", False), **more)


def _fixed(spec: FieldSpec) -> FieldSpec:
    """A field only the system sets."""
    return replace(spec, create=False, update=False)


_ID = FieldSpec("Id", "id", length=18, nillable=False, create=False, update=False)
_DELETED = _fixed(_flag("IsDeleted"))
_SYSTEM = (
    _fixed(FieldSpec("CreatedDate", "datetime", nillable=False)),
    _fixed(_ref("CreatedById", ("User",), "CreatedBy", nillable=False)),
    _fixed(FieldSpec("LastModifiedDate", "datetime", nillable=False)),
    _fixed(_ref("LastModifiedById", ("User",), "LastModifiedBy", nillable=False)),
    _fixed(FieldSpec("SystemModstamp", "datetime", nillable=False)),
)
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


def _object(
    name: str,
    prefix: str,
    *fields: FieldSpec,
    plural: str = "",
    create: bool = True,
    owners: tuple[str, ...] = (),
    tracked: tuple[str, ...] = (),
    deletable: bool = True,
) -> ObjectSpec:
    whole = (_ID, *((_DELETED,) if deletable else ()), *fields, *_SYSTEM)
    return ObjectSpec(
        name,
        prefix,
        name,
        plural or f"{name}s",
        {one.name: one for one in whole},
        create=create,
        owners=owners,
        tracked=tracked,
    )


def _person_name(*, bounces: bool) -> tuple[FieldSpec, ...]:
    """What leads and contacts have alike; only contacts may be added with a bounce."""
    return (
        _text("LastName", 80, nillable=False),
        _text("FirstName", 40),
        _fixed(_text("Name", 121, nillable=False)),
        _text("Title", 128),
        FieldSpec("Phone", "phone", length=40),
        FieldSpec("Email", "email", length=80),
        _flag("HasOptedOutOfEmail"),
        _flag("DoNotCall"),
        _pick("LeadSource", _SOURCES),
        FieldSpec("Description", "textarea", length=32000),
        _fixed(FieldSpec("LastActivityDate", "date")),
        FieldSpec("EmailBouncedDate", "datetime", create=bounces),
        _text("EmailBouncedReason", create=bounces),
    )


def _lead() -> ObjectSpec:
    return _object(
        "Lead",
        "00Q",
        _fixed(_ref("MasterRecordId", ("Lead",), "MasterRecord")),
        *_person_name(bounces=False),
        _text("Company", 255, nillable=False),
        _text("City", 40),
        _text("State", 80),
        _text("PostalCode", 20),
        _text("Country", 80),
        FieldSpec("Website", "url", length=255),
        _pick("Status", _STATUSES, nillable=False, default="Open - Not Contacted"),
        _pick("Industry", _INDUSTRIES),
        _pick("Rating", ("Hot", "Warm", "Cold")),
        FieldSpec("AnnualRevenue", "currency", precision=18, scale=0),
        FieldSpec("NumberOfEmployees", "int"),
        _ref("OwnerId", ("Group", "User"), "Owner", nillable=False),
        _flag("IsConverted", update=False),
        _fixed(FieldSpec("ConvertedDate", "date")),
        _fixed(_ref("ConvertedAccountId", ("Account",), "ConvertedAccount")),
        _fixed(_ref("ConvertedContactId", ("Contact",), "ConvertedContact")),
        _fixed(_ref("ConvertedOpportunityId", ("Opportunity",), "ConvertedOpportunity")),
        _flag("IsUnreadByOwner", default=True),
        _text("Unqualified_Reason__c", 255, custom=True),
        owners=("User", "Group"),
        tracked=("Status", "OwnerId"),
    )


def _contact() -> ObjectSpec:
    return _object(
        "Contact",
        "003",
        _fixed(_ref("MasterRecordId", ("Contact",), "MasterRecord")),
        _ref("AccountId", ("Account",), "Account"),
        *_person_name(bounces=True),
        _text("MailingCountry", 80),
        _text("MailingCity", 40),
        _text("Department", 80),
        _ref("OwnerId", ("User",), "Owner", nillable=False),
        owners=("User",),
    )


def _account() -> ObjectSpec:
    return _object(
        "Account",
        "001",
        _fixed(_ref("MasterRecordId", ("Account",), "MasterRecord")),
        _text("Name", 255, nillable=False),
        _pick("Type", ("Prospect", "Customer - Direct", "Customer - Channel", "Other")),
        _ref("ParentId", ("Account",), "Parent"),
        _text("BillingCountry", 80),
        FieldSpec("Website", "url", length=255),
        _pick("Industry", _INDUSTRIES),
        FieldSpec("AnnualRevenue", "currency", precision=18, scale=0),
        FieldSpec("NumberOfEmployees", "int"),
        _ref("OwnerId", ("User",), "Owner", nillable=False),
        owners=("User",),
    )


def _opportunity() -> ObjectSpec:
    return _object(
        "Opportunity",
        "006",
        _ref("AccountId", ("Account",), "Account"),
        _text("Name", 120, nillable=False),
        _pick("StageName", tuple(stage for stage, *_ in STAGES), nillable=False),
        FieldSpec("Amount", "currency", precision=18, scale=2),
        FieldSpec("Probability", "percent", precision=3),
        FieldSpec("CloseDate", "date", nillable=False),
        _pick("LeadSource", _SOURCES),
        _fixed(_flag("IsClosed")),
        _fixed(_flag("IsWon")),
        _text("Loss_Reason__c", 255, custom=True),
        _ref("ContactId", ("Contact",), update=False),
        _ref("OwnerId", ("User",), "Owner", nillable=False),
        plural="Opportunities",
        owners=("User",),
    )


def _role() -> ObjectSpec:
    return _object(
        "OpportunityContactRole",
        "00K",
        _ref("OpportunityId", ("Opportunity",), "Opportunity", nillable=False, update=False),
        _ref("ContactId", ("Contact",), "Contact", nillable=False),
        _pick("Role", ("Business User", "Decision Maker", "Evaluator", "Influencer", "Other")),
        _flag("IsPrimary"),
    )


def _user() -> ObjectSpec:
    return _object(
        "User",
        "005",
        FieldSpec("Username", "string", length=80, nillable=False),
        _text("LastName", 80, nillable=False),
        _text("FirstName", 40),
        _fixed(_text("Name", 121, nillable=False)),
        FieldSpec("Email", "email", length=128, nillable=False),
        _flag("IsActive"),
        _pick("UserType", ("Standard", "AutomatedProcess"), default="Standard"),
        _text("TimeZoneSidKey", 40, default="Europe/Paris"),
        FieldSpec("Away_Until__c", "datetime", custom=True),
        deletable=False,
    )


def _groups() -> tuple[ObjectSpec, ...]:
    group = _object(
        "Group",
        "00G",
        _text("Name", 40, nillable=False),
        _text("DeveloperName", 80),
        _pick("Type", ("Queue", "Regular"), restricted=True),
        FieldSpec("Email", "email", length=255),
        deletable=False,
    )
    queue = _object(
        "QueueSobject",
        "03g",
        _ref("QueueId", ("Group",), "Queue"),
        _text("SobjectType", 40),
        deletable=False,
    )
    return group, queue


def _activities() -> tuple[ObjectSpec, ...]:
    who = _ref("WhoId", ("Contact", "Lead"), "Who")
    what = _ref("WhatId", ("Account", "Opportunity"), "What")
    task = _object(
        "Task",
        "00T",
        who,
        what,
        FieldSpec("Subject", "combobox", length=255),
        FieldSpec("ActivityDate", "date"),
        _pick(
            "Status",
            ("Not Started", "In Progress", "Completed"),
            nillable=False,
            default="Not Started",
        ),
        _pick("Priority", ("High", "Normal", "Low"), nillable=False, default="Normal"),
        _pick("TaskSubtype", ("Task", "Email", "Call", "ListEmail"), update=False, default="Task"),
        _fixed(_flag("IsClosed")),
        _fixed(_flag("IsArchived")),
        _flag("IsRecurrence", update=False),
        _fixed(FieldSpec("CompletedDateTime", "datetime")),
        FieldSpec("Description", "textarea", length=32000),
        _ref("OwnerId", ("User", "Group"), "Owner", nillable=False),
        owners=("User", "Group"),
    )
    event = _object(
        "Event",
        "00U",
        who,
        what,
        FieldSpec("Subject", "combobox", length=255),
        FieldSpec("ActivityDateTime", "datetime"),
        FieldSpec("StartDateTime", "datetime"),
        FieldSpec("ActivityDate", "date"),
        FieldSpec("DurationInMinutes", "int"),
        _fixed(_flag("IsArchived")),
        _fixed(_flag("IsChild")),
        _flag("IsRecurrence", update=False),
        _pick("EventSubtype", ("Event",), default="Event", restricted=True, update=False),
        _ref("OwnerId", ("Calendar", "User"), "Owner", nillable=False),
        owners=("User",),
    )
    return task, event


def _campaigns() -> tuple[ObjectSpec, ...]:
    campaign = _object(
        "Campaign",
        "701",
        _text("Name", 80, nillable=False),
        _pick("Type", ("Email", "Webinar", "Trade Show", "Content", "Web", "Other")),
        _pick("Status", ("Planned", "In Progress", "Completed")),
        _flag("IsActive"),
        FieldSpec("ActualCost", "currency", precision=18, scale=0),
        _ref("OwnerId", ("User",), "Owner", nillable=False),
        owners=("User",),
    )
    member = _object(
        "CampaignMember",
        "00v",
        _ref("CampaignId", ("Campaign",), "Campaign", nillable=False, update=False),
        _ref("LeadId", ("Lead",), "Lead", update=False),
        _ref("ContactId", ("Contact",), "Contact", update=False),
        _fixed(_ref("LeadOrContactId", ("Contact", "Lead"))),
        _pick("Status", ("Sent", "Responded"), nillable=False, default="Sent"),
        _fixed(_flag("HasResponded")),
        _fixed(FieldSpec("FirstRespondedDate", "date")),
    )
    status = _object(
        "CampaignMemberStatus",
        "01Y",
        _ref("CampaignId", ("Campaign",), "Campaign", nillable=False, update=False),
        _text("Label", 765, nillable=False),
        _flag("HasResponded"),
        _flag("IsDefault"),
        FieldSpec("SortOrder", "int"),
        plural="CampaignMemberStatuses",
    )
    return campaign, member, status


def _history() -> tuple[ObjectSpec, ...]:
    lead = _object(
        "LeadHistory",
        "017",
        _ref("LeadId", ("Lead",), "Lead"),
        _text("Field"),
        FieldSpec("OldValue", "anyType"),
        FieldSpec("NewValue", "anyType"),
        plural="Lead History",
        create=False,
    )
    opportunity = _object(
        "OpportunityHistory",
        "008",
        _ref("OpportunityId", ("Opportunity",), "Opportunity"),
        _text("StageName"),
        FieldSpec("Amount", "currency", precision=18, scale=2),
        FieldSpec("Probability", "percent", precision=3),
        FieldSpec("CloseDate", "date"),
        plural="Opportunity History",
        create=False,
    )
    for spec in (lead, opportunity):
        for name in ("LastModifiedDate", "LastModifiedById", "SystemModstamp"):
            del spec.fields[name]
    return lead, opportunity


def _vocabularies() -> tuple[ObjectSpec, ...]:
    label = (_text("MasterLabel"), _text("ApiName"), FieldSpec("SortOrder", "int"))
    status = _object(
        "LeadStatus", "01J", *label, _flag("IsConverted"), _flag("IsDefault"), create=False,
        plural="Lead Status Value", deletable=False,
    )  # fmt: skip
    stage = _object(
        "OpportunityStage", "01J", *label, _flag("IsActive", default=True), _flag("IsClosed"),
        _flag("IsWon"), FieldSpec("DefaultProbability", "percent", precision=3), create=False,
        deletable=False,
    )  # fmt: skip
    return status, stage


def _setup() -> tuple[ObjectSpec, ...]:
    organisation = _object(
        "Organization", "00D", _text("Name", 80), _flag("IsSandbox"), _text("InstanceName", 5),
        _text("OrganizationType", 40), _text("TimeZoneSidKey", 40), create=False, deletable=False,
    )  # fmt: skip
    rights = _object(
        "PermissionSet", "0PS", _text("Name", 80), _text("Label", 80), create=False,
        deletable=False,
    )  # fmt: skip
    assigned = _object(
        "PermissionSetAssignment", "0Pa", _ref("AssigneeId", ("User",), "Assignee"),
        _ref("PermissionSetId", ("PermissionSet",), "PermissionSet"), deletable=False,
    )  # fmt: skip
    return organisation, rights, assigned
