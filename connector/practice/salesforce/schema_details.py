"""Fields that few clients ask for and describe tells of all the same. Source: Object Reference.

Rows hold them only where somebody set them, so that large orgs do not pay for them.
"""

from __future__ import annotations

from dataclasses import replace

from connector.practice.salesforce.fields import FieldSpec, ObjectSpec
from connector.practice.salesforce.spelling import fixed, flag, money, pick, ref, text

_ADDRESSES = {
    "Lead": ("",),
    "Contact": ("Mailing", "Other"),
    "Account": ("Billing", "Shipping"),
}
_PARTS = ("Street", "City", "State", "PostalCode", "Country", "Latitude", "Longitude",
          "GeocodeAccuracy")  # fmt: skip
_PLACES = ("Address", "NearAddress", "Block", "Street", "ExtendedZip", "Zip")
_SALUTATIONS = ("Mr.", "Ms.", "Mrs.", "Dr.", "Prof.")
_CLEAN = ("Matched", "Different", "Acknowledged", "NotFound", "Inactive", "Pending")
_ZONES = ("America/Los_Angeles", "America/New_York", "Asia/Tokyo", "Australia/Sydney",
          "Europe/London", "Europe/Paris")  # fmt: skip
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September",
           "October", "November", "December")  # fmt: skip
FORECASTS = {"Omitted": "Omitted", "Pipeline": "Pipeline", "BestCase": "Best Case",
             "Forecast": "Commit", "Closed": "Closed"}  # fmt: skip
"""Category -> its name."""


def complete(spec: ObjectSpec) -> ObjectSpec:
    """Add the details of an object, and say which of its fields are parts of a compound one."""
    more = {"Lead": _lead, "Contact": _contact, "Account": _account, "Opportunity": _opportunity,
            "Event": _event}.get(spec.name)  # fmt: skip
    for one in more() if more else ():
        spec.fields.setdefault(one.name, replace(one, sparse=one.default is None))
    for prefix in _ADDRESSES.get(spec.name, ()):
        for part in _PARTS:
            _belongs(spec, prefix + part, f"{prefix}Address")
    if spec.name in {"Lead", "Contact"}:
        for name in ("LastName", "FirstName", "Salutation"):
            _belongs(spec, name, "Name")
    return spec


def parts_of(address: str) -> dict[str, str]:
    """What a compound address is made of: key of the whole -> field."""
    prefix = address.removesuffix("Address")
    return {part[0].lower() + part[1:]: prefix + part for part in _PARTS}


def _belongs(spec: ObjectSpec, name: str, whole: str) -> None:
    spec.fields[name] = replace(spec.fields[name], compound=whole)


def _address(prefix: str) -> tuple[FieldSpec, ...]:
    place = FieldSpec(f"{prefix}GeocodeAccuracy", "picklist", length=40, values=_PLACES,
                      restricted=True)  # fmt: skip
    return (
        FieldSpec(f"{prefix}Street", "textarea", length=255),
        text(f"{prefix}City", 40),
        text(f"{prefix}State", 80),
        text(f"{prefix}PostalCode", 20),
        text(f"{prefix}Country", 80),
        FieldSpec(f"{prefix}Latitude", "double", precision=18, scale=15),
        FieldSpec(f"{prefix}Longitude", "double", precision=18, scale=15),
        place,
        fixed(FieldSpec(f"{prefix}Address", "address")),
    )


def _phones(*names: str) -> tuple[FieldSpec, ...]:
    return tuple(FieldSpec(name, "phone", length=40) for name in names)


def _seen() -> tuple[FieldSpec, ...]:
    """What every record has that people look at."""
    return (
        fixed(FieldSpec("LastViewedDate", "datetime")),
        fixed(FieldSpec("LastReferencedDate", "datetime")),
    )


def _looked_up(name: str, relation: str) -> tuple[FieldSpec, ...]:
    """What the vendor's data services keep beside a record."""
    return (
        text("Jigsaw", 20),
        fixed(text(name, 20, relation=relation)),
        pick("CleanStatus", _CLEAN, 40, restricted=True),
        fixed(FieldSpec("PhotoUrl", "url", length=255)),
    )


def _lead() -> tuple[FieldSpec, ...]:
    return (
        pick("Salutation", (*_SALUTATIONS, "Mx."), 40),
        *_address(""),
        *_phones("MobilePhone", "Fax"),
        *_seen(),
        *_looked_up("JigsawContactId", "JigsawContact"),
        text("CompanyDunsNumber", 9),
        ref("DandbCompanyId", ("DandBCompany",), "DandbCompany"),
        ref("IndividualId", ("Individual",), "Individual"),
    )


def _contact() -> tuple[FieldSpec, ...]:
    return (
        pick("Salutation", _SALUTATIONS, 40),
        *_address("Mailing"),
        *_address("Other"),
        *_phones("Fax", "MobilePhone", "HomePhone", "OtherPhone", "AssistantPhone"),
        ref("ReportsToId", ("Contact",), "ReportsTo"),
        text("AssistantName", 40),
        FieldSpec("Birthdate", "date"),
        fixed(FieldSpec("LastCURequestDate", "datetime")),
        fixed(FieldSpec("LastCUUpdateDate", "datetime")),
        *_seen(),
        fixed(flag("IsEmailBounced")),
        *_looked_up("JigsawContactId", "JigsawContact"),
        ref("IndividualId", ("Individual",), "Individual"),
    )


def _account() -> tuple[FieldSpec, ...]:
    partners = (
        replace(flag("IsPartner"), create=False),
        replace(flag("IsCustomerPortal"), create=False),
        fixed(text("ChannelProgramName", unfiltered=True)),
        fixed(text("ChannelProgramLevelName", unfiltered=True)),
    )
    sources = ("Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Other")
    return (
        *_address("Billing"),
        *_address("Shipping"),
        *_phones("Fax"),
        text("AccountNumber", 40),
        text("Sic", 20),
        pick("Ownership", ("Public", "Private", "Subsidiary", "Other"), 40),
        text("TickerSymbol", 20),
        FieldSpec("Description", "textarea", length=32000),
        pick("Rating", ("Hot", "Warm", "Cold"), 40),
        text("Site", 80),
        fixed(FieldSpec("LastActivityDate", "date")),
        *_seen(),
        *partners,
        *_looked_up("JigsawCompanyId", "JigsawCompany"),
        pick("AccountSource", sources, 40),
        text("DunsNumber", 9),
        text("Tradestyle", 255),
        text("NaicsCode", 8),
        text("NaicsDesc", 120),
        text("YearStarted", 4),
        text("SicDesc", 80),
        ref("DandbCompanyId", ("DandBCompany",), "DandbCompany"),
        ref("OperatingHoursId", ("OperatingHours",), "OperatingHours"),
    )


def _opportunity() -> tuple[FieldSpec, ...]:
    kinds = ("Existing Customer - Upgrade", "Existing Customer - Replacement",
             "Existing Customer - Downgrade", "New Customer")  # fmt: skip
    categories = tuple(FORECASTS)
    category = pick("ForecastCategory", categories, 40, restricted=True, nillable=False)
    named = pick("ForecastCategoryName", tuple(FORECASTS.values()), restricted=True, filled=True)
    history = ("OpportunityHistory",)
    return (
        flag("IsPrivate"),
        FieldSpec("Description", "textarea", length=32000),
        fixed(money("ExpectedRevenue")),
        FieldSpec("TotalOpportunityQuantity", "double", precision=18, scale=2),
        pick("Type", kinds),
        text("NextStep", 255),
        fixed(category),
        named,
        fixed(FieldSpec("LastActivityDate", "date")),
        fixed(FieldSpec("LastStageChangeDate", "datetime")),
        fixed(FieldSpec("FiscalQuarter", "int", compound="Fiscal")),
        fixed(FieldSpec("FiscalYear", "int", compound="Fiscal")),
        fixed(text("Fiscal", 6)),
        *_seen(),
        fixed(flag("HasOpenActivity", unfiltered=True)),
        fixed(flag("HasOverdueTask", unfiltered=True)),
        fixed(ref("LastAmountChangedHistoryId", history, "LastAmountChangedHistory")),
        fixed(ref("LastCloseDateChangedHistoryId", history, "LastCloseDateChangedHistory")),
    )


def _event() -> tuple[FieldSpec, ...]:
    return (
        text("Location", 255),
        flag("IsAllDayEvent"),
        FieldSpec("EndDateTime", "datetime"),
        fixed(FieldSpec("EndDate", "date")),
        FieldSpec("Description", "textarea", length=32000),
        fixed(ref("AccountId", ("Account",), "Account")),
        flag("IsPrivate"),
        pick("ShowAs", ("Busy", "OutOfOffice", "Free"), 40, restricted=True, default="Busy"),
        fixed(flag("IsGroupEvent")),
        fixed(pick("GroupEventType", ("0", "1", "2", "3"), 40, restricted=True, default="0")),
        *_recurrence(),
        FieldSpec("ReminderDateTime", "datetime"),
        flag("IsReminderSet"),
        fixed(flag("IsRecurrence2Exclusion")),
        replace(FieldSpec("Recurrence2PatternText", "textarea", length=512), update=False),
        fixed(pick("Recurrence2PatternVersion", ("1", "2"), 40, restricted=True)),
        fixed(flag("IsRecurrence2")),
        fixed(flag("IsRecurrence2Exception")),
        fixed(FieldSpec("Recurrence2PatternStartDate", "datetime")),
        fixed(text("Recurrence2PatternTimeZone", 255)),
    )


def _recurrence() -> tuple[FieldSpec, ...]:
    kinds = ("RecursDaily", "RecursEveryWeekday", "RecursMonthly", "RecursMonthlyNth",
             "RecursWeekly", "RecursYearly")  # fmt: skip
    which = ("First", "Second", "Third", "Fourth", "Last")
    return (
        fixed(ref("RecurrenceActivityId", ("Event",))),
        FieldSpec("RecurrenceStartDateTime", "datetime"),
        FieldSpec("RecurrenceEndDateOnly", "date"),
        pick("RecurrenceTimeZoneSidKey", _ZONES, 40, restricted=True),
        pick("RecurrenceType", kinds, 40, restricted=True),
        FieldSpec("RecurrenceInterval", "int"),
        FieldSpec("RecurrenceDayOfWeekMask", "int"),
        FieldSpec("RecurrenceDayOfMonth", "int"),
        pick("RecurrenceInstance", which, 40, restricted=True),
        pick("RecurrenceMonthOfYear", _MONTHS, 40, restricted=True),
    )
