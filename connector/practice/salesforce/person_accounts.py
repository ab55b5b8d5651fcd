"""Person accounts: one account and one hidden contact that are the same person.

Source: Salesforce Help, "Person Accounts"; Change Data Capture Developer Guide, "Person Accounts":
a change of one moves the stamps of both. On the account a contact's standard fields are called
`PersonX` and its custom fields `X__pc`. An account becomes one by its record type.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from connector.practice.salesforce.errors import SaveError
from connector.practice.salesforce.spelling import fixed, flag, new_object, ref, text

if TYPE_CHECKING:
    from connector.practice.salesforce.fields import FieldSpec
    from connector.practice.salesforce.org import Org, Row

_SAME = ("LastName", "FirstName", "Salutation", "OwnerId", "Phone")
_PLACES = tuple(
    f"{prefix}{part}"
    for prefix in ("Mailing", "Other")
    for part in ("Street", "City", "State", "PostalCode", "Country", "Latitude", "Longitude",
                 "GeocodeAccuracy", "Address")
)  # fmt: skip
_PERSONS = (*_PLACES, "MobilePhone", "HomePhone", "OtherPhone", "AssistantPhone", "Email", "Title",
            "Department", "AssistantName", "LeadSource", "Birthdate", "HasOptedOutOfEmail",
            "DoNotCall", "LastCURequestDate", "LastCUUpdateDate", "EmailBouncedReason",
            "EmailBouncedDate", "IndividualId")  # fmt: skip
_NAMES = ("LastName", "FirstName", "Salutation")


def on_account(name: str) -> str:
    """What a contact's field is called on the account."""
    if name.endswith("__c"):
        return f"{name[:-1]}pc"
    return name if name in _SAME else f"Person{name}"


def on_contact(name: str) -> str | None:
    """The contact's field behind one of the account; None where there is none."""
    if name.endswith("__pc"):
        return f"{name[:-2]}c"
    if name in _SAME:
        return name
    bare = name.removeprefix("Person")
    return bare if name != bare and bare in _PERSONS else None


def switch_on(org: Org) -> None:
    """Give the org person accounts, which nobody can switch off again."""
    contact = org.schema["Contact"]
    for name in _NAMES:
        org.add_field("Account", replace(contact.fields[name], nillable=True))
    for name in _PERSONS:
        org.add_field("Account", _as_persons(contact.fields[name]))
    person = fixed(ref("PersonContactId", ("Contact",), "PersonContact"))
    for object_, fields in {
        "Account": (person, fixed(flag("IsPersonAccount"))),
        "Contact": (fixed(flag("IsPersonAccount")),),
    }.items():
        for one in fields:
            org.add_field(object_, one)
        org.add_field(object_, ref("RecordTypeId", ("RecordType",), "RecordType"))
    org.add_field("Lead", replace(org.schema["Lead"].fields["Company"], nillable=True))
    org.add_object(new_object(
        "RecordType", "012", text("Name", 80), text("DeveloperName", 80),
        text("SobjectType", 40), flag("IsActive"), flag("IsPersonType"), create=False,
        deletable=False, plural="Record Types",
    ))  # fmt: skip
    for name in ("PersonAccount", "Business_Account"):
        values = {"Name": name.replace("_", " "), "DeveloperName": name, "SobjectType": "Account",
                  "IsActive": True, "IsPersonType": name == "PersonAccount"}  # fmt: skip
        org.insert("RecordType", values, "")
    for one in list(contact.fields.values()):
        if one.custom:
            mirror_field(org, one)


def _as_persons(one: FieldSpec) -> FieldSpec:
    """A contact's field as the account shows it."""
    return replace(
        one,
        name=on_account(one.name),
        length=80 if one.name == "Title" else one.length,
        compound=f"Person{one.compound}" if one.compound else None,
        relation=f"Person{one.relation}" if one.relation else None,
    )


def mirror_field(org: Org, one: FieldSpec) -> None:
    """Show a contact's custom field on the account, where there are person accounts."""
    if "RecordType" in org.tables:
        org.add_field("Account", replace(one, name=on_account(one.name)))


def new_values(org: Org, given: Row) -> Row:
    """The values of a new account. Raises SaveError for person's fields on a business."""
    if "RecordType" not in org.tables:
        return given
    kind = org.find(given.get("RecordTypeId"))
    if kind is not None and kind["IsPersonType"]:
        if not given.get("LastName"):
            raise SaveError("REQUIRED_FIELD_MISSING", "Required fields are missing: [LastName]",
                            ["LastName"])  # fmt: skip
        return {**given, "IsPersonAccount": True, "Name": _name(given)}
    check_account({}, given)
    return given


def check_account(row: Row, given: Row) -> None:
    """Raises SaveError for person's fields on a business account."""
    if row.get("IsPersonAccount"):
        return
    wrong = sorted(
        name for name in given
        if name in _NAMES or name.endswith("__pc") or name[6:] in _PERSONS
    )  # fmt: skip
    if wrong:
        raise SaveError("INVALID_FIELD_FOR_INSERT_UPDATE", "Account: bad field names on "
                        f"insert/update call: {', '.join(wrong)}", wrong)  # fmt: skip


def check_contact(row: Row, given: Row) -> None:
    """Raises SaveError for another record type of a person's contact."""
    if row.get("IsPersonAccount") and "RecordTypeId" in given:
        raise SaveError(
            "INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id"
        )


def after_insert(org: Org, row: Row, user: str, *, loaded: bool) -> None:
    """Make the contact of a new person account."""
    if not (row.get("IsPersonAccount") or (loaded and row.get("LastName"))):
        return
    row["IsPersonAccount"] = True
    values = {there: row.get(name) for name in row if (there := on_contact(name)) is not None}
    stamps = {key: row[key] for key in ("CreatedDate", "LastModifiedDate", "SystemModstamp")}
    values |= {"AccountId": row["Id"], "IsPersonAccount": True, **stamps}
    row["PersonContactId"] = org.insert("Contact", values, user, loaded=loaded)["Id"]
    row["Name"] = _name(row)


def after_change(org: Org, row: Row, changed: dict[str, Any], user: str) -> None:
    """Give the other record of the person the same values, and the same stamp."""
    if not row.get("IsPersonAccount"):
        return
    if org.type_of(row["Id"]) == "Account":
        twin = org.find(row["PersonContactId"])
        named = {on_contact(key): value for key, value in changed.items()}
    else:
        twin = org.find(row["AccountId"])
        named = {on_account(key): value for key, value in changed.items()}
    if twin is None:
        return
    known = org.schema[org.type_of(twin["Id"])].fields
    values = {key: value for key, value in named.items() if key is not None and key in known}
    in_step = all(twin.get(key) == value for key, value in values.items())
    if not in_step or twin["SystemModstamp"] != row["SystemModstamp"]:
        org.change(twin, values, user, row["SystemModstamp"])


def after_delete(org: Org, row: Row, user: str) -> None:
    """The contact goes with its account."""
    contact = org.find(row["PersonContactId"])
    if contact is not None and not contact["IsDeleted"]:
        contact["IsPersonAccount"] = False
        org.delete(contact["Id"], user)


def _name(row: Row) -> str:
    return " ".join(filter(None, (row.get("FirstName"), row.get("LastName"))))
