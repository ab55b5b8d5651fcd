"""What happens to whole records: one is merged into another, a lead becomes a contact.

Source: SOAP API Developer Guide, merge() and convertLead().
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from connector.practice.salesforce import person_accounts
from connector.practice.salesforce.errors import SaveError
from connector.practice.salesforce.history import remember_change, remember_stage
from connector.practice.salesforce.ids import canonical

if TYPE_CHECKING:
    from connector.practice.salesforce.org import Org, Row

_CONVERTED = ("LastName", "FirstName", "Name", "Email", "Title", "Phone", "LeadSource",
              "HasOptedOutOfEmail", "DoNotCall")  # fmt: skip
_CHILDREN = ("Task", "Event", "CampaignMember", "Opportunity", "Contact", "LeadHistory",
             "OpportunityContactRole", "EmailMessageRelation")  # fmt: skip
_PARENTS = ("WhoId", "RelationId", "LeadId", "ContactId", "AccountId", "WhatId", "OpportunityId")


def merge(org: Org, winner: str, loser: str, user: str) -> None:
    """Merge one row into another of its type: its children move, it goes to the bin."""
    kept, lost = org.writable(winner, {}), org.writable(loser, {})
    if org.type_of(kept["Id"]) != org.type_of(lost["Id"]) or kept is lost:
        raise SaveError("INVALID_FIELD", "merge takes two records of one type")
    _move_children(org, lost["Id"], kept["Id"], user)
    fields = org.schema[org.type_of(winner)].fields
    blanks = {
        key: value
        for key, value in lost.items()
        if kept.get(key) is None and value is not None and fields[key].update
    }
    org.change(kept, blanks, user)
    org.delete(lost["Id"], user)
    lost["MasterRecordId"] = kept["Id"]


def convert(org: Org, lead_id: Any, user: str, wish: Mapping[str, Any]) -> dict[str, str | None]:
    """Turn a lead into contact, account and, if wished, opportunity. Raises SaveError."""
    lead = org.writable(lead_id, {})
    if org.type_of(lead["Id"]) != "Lead":
        raise SaveError("INVALID_ID_FIELD", "id is not a lead's")
    if lead["IsConverted"]:
        raise SaveError("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
    owner = wish.get("ownerId") or lead["OwnerId"]
    if org.type_of(owner) != "User":
        raise SaveError("INVALID_CROSS_REFERENCE_KEY", "owner must be a user", ["OwnerId"])
    account, contact = _person_of(org, lead, user, owner, wish.get("accountId"))
    opportunity = None
    if wish.get("createOpportunity", True):
        closes = org.day(org.stamp())
        deal = {"Name": wish.get("opportunityName") or f"{lead['Company']}-",
                "AccountId": account, "ContactId": contact, "OwnerId": owner,
                "StageName": "Prospecting", "CloseDate": closes,
                "LeadSource": lead.get("LeadSource")}  # fmt: skip
        made = org.insert("Opportunity", deal, user)
        opportunity = made["Id"]
        remember_stage(org, made, user, str(made["CreatedDate"]))
        role = {"OpportunityId": opportunity, "ContactId": contact, "IsPrimary": True}
        org.insert("OpportunityContactRole", role, user)
    _move_children(org, lead["Id"], contact, user)
    status = wish.get("convertedStatus") or "Closed - Converted"
    today = org.day(org.stamp())
    done = {"Status": status, "IsConverted": True, "ConvertedDate": today,
            "ConvertedAccountId": account, "ConvertedContactId": contact,
            "ConvertedOpportunityId": opportunity, "IsUnreadByOwner": False}  # fmt: skip
    org.change(lead, done, user)
    remember_change(org, lead, user, org.stamp(), "leadConverted", None, None)
    return {"accountId": account, "contactId": contact, "opportunityId": opportunity,
            "leadId": lead["Id"]}  # fmt: skip


def _person_of(org: Org, lead: Row, user: str, owner: str, account: Any) -> tuple[str, str]:
    """The account and the new contact of a lead; its own custom fields go along only where an
    admin mapped them. A lead without a company becomes a person account."""
    values = {key: lead.get(key) for key in _CONVERTED} | {"OwnerId": owner}
    values["MailingCountry"] = lead.get("Country")
    values |= {there: lead.get(here) for here, there in org.rules.conversion.items()}
    if lead.get("Company") or account:
        account = _account_for(org, lead, user, account)
        return account, str(org.insert("Contact", {**values, "AccountId": account}, user)["Id"])
    person = {person_accounts.on_account(key): value for key, value in values.items()}
    made = org.insert("Account", {**person, "IsPersonAccount": True}, user)
    return str(made["Id"]), str(made["PersonContactId"])


def _account_for(org: Org, lead: Row, user: str, given: Any) -> str:
    if given:
        return str(canonical(given))
    for row in org.tables["Account"].values():
        if row["Name"].lower() == str(lead["Company"]).lower() and not row["IsDeleted"]:
            return str(row["Id"])
    values = {"Name": lead["Company"], "BillingCountry": lead.get("Country"),
              "Industry": lead.get("Industry"), "Website": lead.get("Website"),
              "NumberOfEmployees": lead.get("NumberOfEmployees")}  # fmt: skip
    return str(org.insert("Account", values, user)["Id"])


def _move_children(org: Org, old: str, new: str, user: str) -> None:
    """Give a record's children to another. A campaign member of a lead keeps the lead's id
    beside the contact's; history moves without a stamp, for it has none."""
    for name in _CHILDREN:
        if name not in org.tables:
            continue
        links = [key for key in _PARENTS if key in org.schema[name].fields]
        for row in org.tables[name].values():
            for key in links:
                if row.get(key) != old:
                    continue
                into = "ContactId" if key == "LeadId" and new[:3] == "003" else key
                if name != "LeadHistory":
                    left = {} if into == key or org.rules.member_keeps_lead else {key: None}
                    org.change(row, {into: new, **left}, user)
                elif into == key:
                    row[key] = new
