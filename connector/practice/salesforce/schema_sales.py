"""Objects around deals, campaigns and mails. Source: the platform's Object Reference.

EmailMessage and its relations are there in orgs with Enhanced Email, which new ones have.
"""

from __future__ import annotations

from connector.practice.salesforce.fields import FieldSpec, ObjectSpec
from connector.practice.salesforce.spelling import fixed, flag, money, new_object, pick, ref, text

MAIL = ("EmailMessage", "EmailMessageRelation")
DRAFT = "5"


def sales_objects() -> tuple[ObjectSpec, ...]:
    """Products and lines of deals, statuses of campaigns, mails."""
    return (*_products(), _line(), _member_status(), _mail(), _mail_relation())


def _products() -> tuple[ObjectSpec, ...]:
    product = new_object(
        "Product2",
        "01t",
        text("Name", 255, nillable=False),
        text("ProductCode", 255),
        FieldSpec("Description", "textarea", length=4000),
        flag("IsActive"),
        pick("Family", ("None",)),
    )
    book = new_object(
        "Pricebook2",
        "01s",
        text("Name", 255, nillable=False),
        flag("IsActive"),
        fixed(flag("IsStandard")),
    )
    entry = new_object(
        "PricebookEntry",
        "01u",
        fixed(text("Name", 255)),
        ref("Pricebook2Id", ("Pricebook2",), "Pricebook2", nillable=False, update=False),
        ref("Product2Id", ("Product2",), "Product2", nillable=False, update=False),
        money("UnitPrice", nillable=False),
        flag("IsActive"),
        flag("UseStandardPrice"),
        plural="Price Book Entries",
    )
    return product, book, entry


def _line() -> ObjectSpec:
    return new_object(
        "OpportunityLineItem",
        "00k",
        ref("OpportunityId", ("Opportunity",), "Opportunity", nillable=False, update=False),
        FieldSpec("SortOrder", "int"),
        ref("PricebookEntryId", ("PricebookEntry",), "PricebookEntry", update=False),
        ref("Product2Id", ("Product2",), "Product2", update=False),
        fixed(text("ProductCode", 255)),
        fixed(text("Name", 376)),
        FieldSpec("Quantity", "double", precision=12, scale=2, nillable=False),
        fixed(money("TotalPrice")),
        money("UnitPrice"),
        fixed(money("ListPrice")),
        FieldSpec("Discount", "percent", precision=5, scale=2),
        FieldSpec("ServiceDate", "date"),
        text("Description", 255),
        plural="Opportunity Products",
    )


def _member_status() -> ObjectSpec:
    return new_object(
        "CampaignMemberStatus",
        "01Y",
        ref("CampaignId", ("Campaign",), "Campaign", nillable=False, update=False),
        text("Label", 765, nillable=False),
        FieldSpec("SortOrder", "int"),
        flag("IsDefault"),
        flag("HasResponded"),
        plural="Campaign Member Statuses",
    )


def _mail() -> ObjectSpec:
    return new_object(
        "EmailMessage",
        "02s",
        ref("ActivityId", ("Task",), "Activity", update=False),
        FieldSpec("TextBody", "textarea", length=131072),
        FieldSpec("HtmlBody", "textarea", length=131072),
        text("Subject", 3000),
        text("FromName", 1000),
        FieldSpec("FromAddress", "email", length=1000),
        text("ToAddress", 4000),
        text("CcAddress", 4000),
        text("BccAddress", 4000),
        flag("Incoming"),
        fixed(flag("HasAttachment")),
        pick("Status", ("0", "1", "2", "3", "4", DRAFT), restricted=True, nillable=False),
        FieldSpec("MessageDate", "datetime"),
        ref("ReplyToEmailMessageId", ("EmailMessage",), "ReplyToEmailMessage", update=False),
        text("MessageIdentifier", 765),
        flag("IsTracked"),
        fixed(flag("IsOpened")),
        fixed(FieldSpec("FirstOpenedDate", "datetime")),
        fixed(FieldSpec("LastOpenedDate", "datetime")),
        fixed(flag("IsBounced")),
        ref("RelatedToId", ("Account", "Campaign", "Opportunity"), "RelatedTo"),
        plural="Email Messages",
    )


def _mail_relation() -> ObjectSpec:
    spec = new_object(
        "EmailMessageRelation",
        "0Bf",
        ref("EmailMessageId", ("EmailMessage",), "EmailMessage", nillable=False, update=False),
        ref("RelationId", ("Contact", "Lead", "User"), "Relation"),
        pick(
            "RelationType",
            ("ToAddress", "CcAddress", "BccAddress", "FromAddress", "OtherAddress"),
            nillable=False,
            restricted=True,
            update=False,
        ),
        text("RelationAddress", 255, update=False),
        fixed(text("RelationObjectType", 50)),
        plural="Email Message Relations",
    )
    for name in ("LastModifiedDate", "LastModifiedById"):
        del spec.fields[name]
    return spec
