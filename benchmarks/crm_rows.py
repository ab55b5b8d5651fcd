"""The rows of the rendered CRMs: the same for everybody, each from its number alone."""

from __future__ import annotations

from typing import Any

TITLES = ("VP Operations", "Student", "IT Manager", "CEO", "Accountant", "Head of Logistics", None)
STATUSES = ("Open - Not Contacted", "Working - Contacted", "Closed - Not Converted")
NAMES = ("Anna", "José", "Zoë", "Li", "Jürgen", "Marie")
OWN = (
    ("score", "fit", "behaviour", "cycle"),
    ("grade", "state", "verdict", "model", "run", "nurture", "nurture_theme", "nurture_phase",
     "nurture_reason", "next_message", "do_next"),
    ("reasons", "handoff"),
    ("review_at", "ready_since", "first_contact_due"),
)  # fmt: skip

LEAD = (
    ("Id", "id"), ("IsDeleted", "boolean"), ("MasterRecordId", "reference"),
    ("FirstName", "string"), ("LastName", "string"), ("Name", "string"), ("Email", "email"),
    ("Title", "string"), ("Company", "string"), ("Phone", "phone"), ("Website", "url"),
    ("Street", "textarea"), ("City", "string"), ("PostalCode", "string"), ("Country", "string"),
    ("Industry", "picklist"), ("LeadSource", "picklist"), ("Status", "picklist"),
    ("Rating", "picklist"), ("NumberOfEmployees", "int"), ("AnnualRevenue", "currency"),
    ("OwnerId", "reference"), ("HasOptedOutOfEmail", "boolean"), ("DoNotCall", "boolean"),
    ("IsConverted", "boolean"),
    ("ConvertedContactId", "reference"), ("LastActivityDate", "date"), ("CreatedDate", "datetime"),
    ("SystemModstamp", "datetime"),
    *((f"Leadloop_{name.title()}__c", "double") for name in OWN[0]),
    *((f"Leadloop_{name.title()}__c", "string") for name in OWN[1]),
    *((f"Leadloop_{name.title()}__c", "textarea") for name in OWN[2]),
    *((f"Leadloop_{name.title()}__c", "datetime") for name in OWN[3]),
    ("Leadloop_Reason__c", "string"),
)  # fmt: skip
CONTACT = (
    ("hs_object_id", "number", "number"), ("firstname", "string", "text"),
    ("lastname", "string", "text"), ("email", "string", "text"), ("jobtitle", "string", "text"),
    ("company", "string", "text"), ("phone", "string", "text"), ("website", "string", "text"),
    ("city", "string", "text"), ("country", "string", "text"),
    ("industry", "string", "text"), ("numemployees", "string", "text"),
    ("hs_analytics_source", "string", "text"), ("lifecyclestage", "string", "text"),
    ("hs_lead_status", "string", "text"), ("hubspot_owner_id", "string", "text"),
    ("associatedcompanyid", "number", "number"), ("hs_email_optout", "bool", "booleancheckbox"),
    ("createdate", "datetime", "date"), ("lastmodifieddate", "datetime", "date"),
    *((f"leadloop_{name}", "number", "number") for name in OWN[0]),
    *((f"leadloop_{name}", "string", "text") for name in OWN[1]),
    *((f"leadloop_{name}", "string", "textarea") for name in OWN[2]),
    *((f"leadloop_{name}", "datetime", "date") for name in OWN[3]),
)  # fmt: skip


def lead_id(n: int) -> str:
    """Give the id of the n-th lead; ids sort as numbers do."""
    return f"00QAA{n:010d}2AA"


def contact_id(n: int) -> str:
    """Give the id of the n-th contact."""
    return str(100_000_000_000 + n)


def moment(n: int) -> str:
    """Give when the n-th row was changed, to the second."""
    return f"2026-05-{n % 28 + 1:02}T{n % 24:02}:{n % 60:02}:{n % 53:02}"


def lead(n: int) -> dict[str, Any]:
    """Give the n-th lead as a query answers with it: about 1,500 bytes, its own fields empty."""
    first, last = NAMES[n % 6], f"Müller-{n}"
    return {
        "attributes": {"type": "Lead", "url": f"/services/data/v62.0/sobjects/Lead/{lead_id(n)}"},
        "Id": lead_id(n),
        "IsDeleted": False,
        "MasterRecordId": None,
        "FirstName": first,
        "LastName": last,
        "Name": f"{first} {last}",
        "Email": f"p{n}@c{n % 997}.example",
        "Title": TITLES[n % 7],
        "Company": f"Company {n % 997}",
        "Phone": f"+49 30 {n:08d}",
        "Website": f"https://c{n % 997}.example",
        "Street": f"{n % 300} High Street",
        "City": "Lyon",
        "PostalCode": f"{n % 99999:05d}",
        "Country": "Germany",
        "Industry": "Manufacturing",
        "LeadSource": "Web",
        "Status": STATUSES[n % 3],
        "Rating": None,
        "NumberOfEmployees": n % 6000,
        "AnnualRevenue": 1250000.5,
        "OwnerId": f"005AA{n % 50:010d}YAA",
        "HasOptedOutOfEmail": n % 10 == 0,
        "DoNotCall": n % 50 == 0,
        "IsConverted": False,
        "ConvertedContactId": None,
        "LastActivityDate": "2026-05-01",
        "CreatedDate": "2026-04-01T09:00:00.000+0000",
        "SystemModstamp": f"{moment(n)}.000+0000",
        **{name: None for name, _ in LEAD if name.endswith("__c")},
    }


def contact(n: int) -> dict[str, Any]:
    """Give the n-th contact as the list answers with it: its own fields empty."""
    return {
        "id": contact_id(n),
        "properties": {
            "associatedcompanyid": str(5_000_000 + n % 997),
            "city": "Lyon",
            "company": f"Company {n % 997}",
            "country": "Germany",
            "createdate": "2026-04-01T09:00:00Z",
            "email": f"p{n}@c{n % 997}.example",
            "firstname": NAMES[n % 6],
            "hs_analytics_source": "ORGANIC_SEARCH",
            "hs_email_optout": "true" if n % 10 == 0 else None,
            "hs_lead_status": ("NEW", "OPEN", None)[n % 3],
            "hs_object_id": contact_id(n),
            "hubspot_owner_id": str(900 + n % 50),
            "industry": "MACHINERY",
            "jobtitle": TITLES[n % 7],
            "lastmodifieddate": f"{moment(n)}.120Z",
            "lastname": f"Müller-{n}",
            "lifecyclestage": "lead",
            "numemployees": str(n % 6000),
            "phone": f"+49 30 {n:08d}",
            "website": f"https://c{n % 997}.example",
            **{name: None for name, _, _ in CONTACT if name.startswith("leadloop_")},
        },
        "createdAt": "2026-04-01T09:00:00Z",
        "updatedAt": f"{moment(n)}.120Z",
        "archived": False,
    }
