"""Fields that follow from others, filled at each save.

Source: Object Reference, "Opportunity", "Task", "Event", "CampaignMember", "OpportunityLineItem".
What a status or a stage means is looked up in the org's own vocabularies, not in its label.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import TYPE_CHECKING

from connector.practice.salesforce.schema_details import FORECASTS

if TYPE_CHECKING:
    from connector.practice.salesforce.org import Org, Row

_LIKELY = 75
"""From this chance on, a stage counts as a best case."""


def derive(org: Org, name: str, row: Row, given: Container[str]) -> None:
    """Fill the fields that follow from others; `given` are those that were just set."""
    if name == "Opportunity":
        _opportunity(org, row, given)
        return
    fill = _FILLS.get(name)
    if fill is not None:
        fill(org, row)


def _person(_org: Org, row: Row) -> None:
    row["Name"] = " ".join(filter(None, (row.get("FirstName"), row.get("LastName"))))


def _account(org: Org, row: Row) -> None:
    if row.get("IsPersonAccount"):
        _person(org, row)


def _contact(_org: Org, row: Row) -> None:
    _person(_org, row)
    row["IsEmailBounced"] = bool(row.get("EmailBouncedReason") or row.get("EmailBouncedDate"))


def _opportunity(org: Org, row: Row, given: Container[str]) -> None:
    """A new stage brings its chance and forecast along, unless they were set with it."""
    for stage in org.tables["OpportunityStage"].values():
        if stage["ApiName"] != row.get("StageName"):
            continue
        row |= {"IsClosed": stage["IsClosed"], "IsWon": stage["IsWon"]}
        if "StageName" in given and "Probability" not in given:
            row["Probability"] = stage["DefaultProbability"]
        if "StageName" in given and "ForecastCategoryName" not in given:
            row["ForecastCategoryName"] = FORECASTS[_forecast(stage)]
    for category, name in FORECASTS.items():
        if name == row.get("ForecastCategoryName"):
            row["ForecastCategory"] = category
    if row.get("Amount") is not None:
        row["ExpectedRevenue"] = round(row["Amount"] * (row.get("Probability") or 0) / 100, 2)
    if "StageName" in given and row["Id"] in org.tables["Opportunity"]:
        row["LastStageChangeDate"] = row["LastModifiedDate"]


def _forecast(stage: Row) -> str:
    if stage["IsClosed"]:
        return "Closed" if stage["IsWon"] else "Omitted"
    return "BestCase" if (stage["DefaultProbability"] or 0) >= _LIKELY else "Pipeline"


def _task(_org: Org, row: Row) -> None:
    row["IsClosed"] = row.get("Status") == "Completed"
    if row["IsClosed"] and not row.get("CompletedDateTime"):
        row["CompletedDateTime"] = row["LastModifiedDate"]


def _event(org: Org, row: Row) -> None:
    start = row.get("ActivityDateTime") or row.get("StartDateTime")
    if start:
        row |= {"ActivityDateTime": start, "StartDateTime": start, "ActivityDate": org.day(start)}


def _member(org: Org, row: Row) -> None:
    """A status its campaign does not know becomes the campaign's default, without a word."""
    known = {
        one["Label"]: one
        for one in org.tables["CampaignMemberStatus"].values()
        if one["CampaignId"] == row.get("CampaignId") and not one["IsDeleted"]
    }
    if known and row.get("Status") not in known:
        row["Status"] = next(label for label, one in known.items() if one["IsDefault"])
    row["HasResponded"] = bool(known and known[row["Status"]]["HasResponded"])
    row["LeadOrContactId"] = row.get("ContactId") or row.get("LeadId")
    if row["HasResponded"] and not row.get("FirstRespondedDate"):
        row["FirstRespondedDate"] = org.day(row["LastModifiedDate"])


def _line(org: Org, row: Row) -> None:
    entry = org.find(row.get("PricebookEntryId"))
    if entry is not None:
        row |= {"Product2Id": entry["Product2Id"], "ListPrice": entry["UnitPrice"]}
    product, deal = org.find(row.get("Product2Id")), org.find(row.get("OpportunityId"))
    row["ProductCode"] = product.get("ProductCode") if product else None
    row["Name"] = " ".join(one["Name"] for one in (deal, product) if one)
    kept = 1 - (row.get("Discount") or 0) / 100
    row["TotalPrice"] = round((row.get("Quantity") or 0) * (row.get("UnitPrice") or 0) * kept, 2)


_FILLS: dict[str, Callable[[Org, Row], None]] = {
    "Lead": _person,
    "Contact": _contact,
    "User": _person,
    "Account": _account,
    "Task": _task,
    "Event": _event,
    "CampaignMember": _member,
    "OpportunityLineItem": _line,
}
