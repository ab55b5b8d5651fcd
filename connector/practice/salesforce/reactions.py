"""What the platform itself does after a save: it keeps records that belong together in step.

Source: Object Reference, "CampaignMemberStatus", "OpportunityLineItem" (the amount of a deal with
products is their sum), "EmailMessage" (a mail that was sent is an activity, too).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connector.practice.salesforce import person_accounts, rights
from connector.practice.salesforce.errors import SaveError
from connector.practice.salesforce.schema_sales import DRAFT

if TYPE_CHECKING:
    from connector.practice.salesforce.org import Org, Row


def before_update(org: Org, name: str, row: Row, given: Row) -> Row:
    """What of an update is done. Raises SaveError for what cannot be."""
    if name == "EmailMessage" and row["Status"] != DRAFT:
        raise SaveError("INSUFFICIENT_ACCESS_OR_READONLY", "only drafts can be changed")
    if name == "Contact":
        person_accounts.check_contact(row, given)
    if name == "Account":
        person_accounts.check_account(row, given)
    if name == "Opportunity" and "Amount" in given and lines(org, row["Id"]):
        return {key: value for key, value in given.items() if key != "Amount"}
    return given


def after_insert(org: Org, name: str, row: Row, user: str, *, loaded: bool) -> None:
    """React to a new row; what is loaded brings its own activities."""
    if name == "PermissionSetAssignment":
        org.schema_changed = org.clock.now()  # somebody sees other fields now
    elif name == "User":
        rights.give_profile(org, row)
    elif name == "Campaign":
        for place, (label, responded) in enumerate((("Sent", False), ("Responded", True))):
            values = {"CampaignId": row["Id"], "Label": label, "SortOrder": place + 1,
                      "IsDefault": place == 0, "HasResponded": responded}  # fmt: skip
            org.insert("CampaignMemberStatus", values, user, loaded=True)
    elif name == "OpportunityLineItem":
        _sum_up(org, row, user)
    elif name == "Account":
        person_accounts.after_insert(org, row, user, loaded=loaded)
    elif name == "EmailMessageRelation" and row.get("RelationId"):
        row["RelationObjectType"] = org.type_of(row["RelationId"])
        _name_recipient(org, row, user)
    elif name == "EmailMessage" and not loaded and row["Status"] != DRAFT:
        task = {"Subject": f"Email: {row.get('Subject') or ''}", "TaskSubtype": "Email",
                "Status": "Completed", "ActivityDate": org.day(row["CreatedDate"]),
                "WhatId": row.get("RelatedToId")}  # fmt: skip
        row["ActivityId"] = row.get("ActivityId") or org.insert("Task", task, user)["Id"]


def after_change(org: Org, name: str, row: Row, changed: dict[str, Any], user: str) -> None:
    """React to fields that have other values now."""
    if name == "OpportunityLineItem":
        _sum_up(org, row, user)
    elif name in {"Account", "Contact"}:
        person_accounts.after_change(org, row, changed, user)


def after_delete(org: Org, name: str, row: Row, user: str) -> None:
    """React to a row that went."""
    if name == "OpportunityLineItem":
        _sum_up(org, row, user)
    elif name == "Account" and row.get("PersonContactId"):
        person_accounts.after_delete(org, row, user)


def _name_recipient(org: Org, relation: Row, user: str) -> None:
    """The activity of a mail names the first lead or contact it went to."""
    mail = org.find(relation["EmailMessageId"])
    task = org.find(mail.get("ActivityId")) if mail else None
    if relation["RelationObjectType"] == "User" or relation["RelationType"] != "ToAddress":
        return
    if task is not None and task.get("WhoId") is None:
        org.change(task, {"WhoId": relation["RelationId"]}, user)


def lines(org: Org, deal: str) -> list[Row]:
    """The products of a deal."""
    rows = org.tables["OpportunityLineItem"].values()
    return [one for one in rows if one["OpportunityId"] == deal and not one["IsDeleted"]]


def _sum_up(org: Org, line: Row, user: str) -> None:
    deal = org.find(line["OpportunityId"])
    if deal is None:
        return
    there = lines(org, deal["Id"])
    values: dict[str, Any] = {"HasOpportunityLineItem": bool(there)}
    if there:
        values["Amount"] = round(sum(one["TotalPrice"] for one in there), 2)
    org.change(deal, values, user)
