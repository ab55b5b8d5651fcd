"""What an admin switches on or off for a whole org.

Source: Salesforce Help, "Manage Multiple Currencies", "Person Accounts", "Field History Tracking",
"Enhanced Email". Currencies and person accounts stay once they are on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from connector.practice.salesforce import person_accounts
from connector.practice.salesforce.fields import FieldSpec, ObjectSpec
from connector.practice.salesforce.schema import field_history
from connector.practice.salesforce.schema_sales import MAIL
from connector.practice.salesforce.spelling import fixed, flag, new_object, pick, text

if TYPE_CHECKING:
    from connector.practice.salesforce.org import Org

_IN_MONEY = ("Lead", "Contact", "Account", "Opportunity", "OpportunityHistory", "Campaign",
             "CampaignMember", "Product2", "PricebookEntry", "OpportunityLineItem",
             "User")  # fmt: skip


def switch(org: Org, name: str, how: Any) -> None:
    """Switch a feature. Raises KeyError for one there is not."""
    _SWITCHES[name](org, how)
    org.schema_changed = org.clock.now()


def _multi_currency(org: Org, how: Any) -> None:
    """`how`: corporate, rates {code: units of it for one of the corporate}, dated [rates]."""
    codes, corporate = tuple(how["rates"]), how["corporate"]
    org.add_object(_currency_type())
    for code, rate in how["rates"].items():
        values = {"IsoCode": code, "ConversionRate": rate, "DecimalPlaces": 2, "IsActive": True,
                  "IsCorporate": code == corporate}  # fmt: skip
        org.insert("CurrencyType", values, "")
    for object_ in _IN_MONEY:
        one = pick("CurrencyIsoCode", codes, restricted=True, default=corporate)
        system = not org.schema[object_].create
        org.add_field(object_, fixed(one) if system else one)
    if "dated" in how:
        org.add_object(_dated_rate())
        for rate in how["dated"]:
            org.insert("DatedConversionRate", rate, "")


def _currency_type() -> ObjectSpec:
    return new_object(
        "CurrencyType", "01L", text("IsoCode", 3), _rate(), FieldSpec("DecimalPlaces", "int"),
        flag("IsActive"), flag("IsCorporate"), create=False, deletable=False,
        plural="Currency Types",
    )  # fmt: skip


def _dated_rate() -> ObjectSpec:
    return new_object(
        "DatedConversionRate", "04w", text("IsoCode", 3), FieldSpec("StartDate", "date"),
        FieldSpec("NextStartDate", "date"), _rate(), create=False, deletable=False,
        plural="Dated Conversion Rates",
    )  # fmt: skip


def _rate() -> FieldSpec:
    return FieldSpec("ConversionRate", "double", precision=18, scale=6)


def _history(name: str) -> Callable[[Org, Any], None]:
    def switched(org: Org, how: Any) -> None:
        if not how:
            org.drop_object(name)
        elif name not in org.tables:
            org.add_object(field_history(name))

    return switched


def _mail(org: Org, how: Any) -> None:
    if not how:
        for name in MAIL:
            org.drop_object(name)


def _persons(org: Org, how: Any) -> None:
    if how and "RecordType" not in org.tables:
        person_accounts.switch_on(org)


def rename(org: Org, object_: str, name: str, old: str, new: str) -> None:
    """Give a picklist value another label: rows get it too, with a new SystemModstamp only."""
    spec = org.schema[object_]
    one = spec.fields[name]
    values = tuple(new if value == old else value for value in one.values)
    default = new if one.default == old else one.default
    org.add_field(object_, replace(one, values=values, default=default))
    for row in org.tables[object_].values():
        if row.get(name) == old:
            row |= {name: new, "SystemModstamp": org.stamp()}
    words = {("Lead", "Status"): "LeadStatus", ("Opportunity", "StageName"): "OpportunityStage"}
    for row in org.tables.get(words.get((object_, name), ""), {}).values():
        if row["ApiName"] == old:
            row |= {"MasterLabel": new, "ApiName": new, "SystemModstamp": org.stamp()}
    org.schema_changed = org.clock.now()


def redefine(org: Org, object_: str, name: str, changes: dict[str, Any] | None) -> None:
    """Give a field another type, length, vocabulary or duty; None takes it away.

    Values that rows have stay as they are, as far as anybody can tell.
    """
    fields = org.schema[object_].fields
    if changes is None:
        del fields[name]
        for row in org.tables[object_].values():
            row.pop(name, None)
    else:
        plain: dict[str, Any] = {
            key: tuple(one) if isinstance(one, list) else one for key, one in changes.items()
        }
        org.add_field(object_, replace(fields[name], **plain))
    org.schema_changed = org.clock.now()


_SWITCHES: dict[str, Callable[[Org, Any], None]] = {
    "multi_currency": _multi_currency,
    "person_accounts": _persons,
    "lead_history": _history("LeadHistory"),
    "opportunity_history": _history("OpportunityFieldHistory"),
    "email": _mail,
}
