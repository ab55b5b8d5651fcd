"""What is in an org on its first day: an admin, the organisation, the vocabularies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.practice.salesforce.schema import STAGES

if TYPE_CHECKING:
    from connector.practice.salesforce.org import Org

ADMIN = "Admin"


def found(org: Org) -> None:
    """Put it there."""
    admin = {"Username": ADMIN, "LastName": "Admin", "Name": "Admin", "IsActive": True,
             "Email": "admin@acme.example"}  # fmt: skip
    me = org.insert("User", admin, "")["Id"]
    company = {"Name": "Acme", "IsSandbox": True, "InstanceName": "CS99",
               "OrganizationType": "Developer Edition",
               "TimeZoneSidKey": "Europe/Paris"}  # fmt: skip
    org.insert("Organization", company, me)
    for place, status in enumerate(org.schema["Lead"].fields["Status"].values):
        org.insert("LeadStatus", {"MasterLabel": status, "ApiName": status,
                   "SortOrder": place + 1, "IsConverted": status == "Closed - Converted",
                   "IsDefault": place == 0}, me)  # fmt: skip
    for place, (stage, chance, closed, won) in enumerate(STAGES):
        org.insert("OpportunityStage", {"MasterLabel": stage, "ApiName": stage,
                   "SortOrder": place + 1, "IsClosed": closed, "IsWon": won,
                   "DefaultProbability": chance}, me)  # fmt: skip
    book = {"Name": "Standard Price Book", "IsActive": True, "IsStandard": True}
    org.insert("Pricebook2", book, me)
    org.oracle.effects.clear()
