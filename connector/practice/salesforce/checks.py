"""What Salesforce checks before it saves a record, in the order clients see it refuse.

Source: SOAP API Developer Guide, "StatusCode"; Object Reference for what may own what.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from connector.practice.salesforce.errors import SaveError
from connector.practice.salesforce.fields import FieldSpec, ObjectSpec
from connector.practice.salesforce.ids import canonical
from connector.practice.salesforce.moments import normal_moment

if TYPE_CHECKING:
    from connector.practice.salesforce.org import Org

Row = dict[str, Any]
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def check_writable(
    org: Org, spec: ObjectSpec, values: Mapping[str, Any], user: str, *, creating: bool
) -> Row:
    """The values under their fields' own spelling, if all may be set. Raises SaveError."""
    found: Row = {}
    barred = []
    for name, value in values.items():
        if name == "attributes" or name.lower() == "id":
            continue
        one = spec.find(name)
        if one is None or not org.sees(user, spec, one):
            raise SaveError(
                "INVALID_FIELD", f"No such column '{name}' on sobject of type {spec.name}", [name]
            )
        if not (one.create if creating else one.update) or not org.edits(user, spec, one):
            barred.append(one.name)
        found[one.name] = value
    if barred:
        raise SaveError(
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            f"Unable to create/update fields: {', '.join(barred)}. Please check the security "
            "settings of this field and verify that it is read/write for your profile or "
            "permission set.",
            barred,
        )
    return found


def check_values(
    org: Org, spec: ObjectSpec, given: Row, row: Row | None, *, alerts: bool = True
) -> None:
    """Hold values against types, vocabularies and rules; spells moments as rows hold them.

    `alerts` says whether a duplicate rule that only alerts stops the row, too.
    """
    for name, value in given.items():
        given[name] = _checked(spec.fields[name], value)
    _check_required(spec, given, row)
    if "OwnerId" in given:
        _check_owner(org, spec, given["OwnerId"])
    _check_references(org, spec, given)
    whole = {**(row or {}), **given}
    _check_rules(org, spec, whole)
    if row is None:
        _check_unique(org, spec, whole, alerts=alerts)


def _checked(one: FieldSpec, value: Any) -> Any:
    if value is None or value == "":
        return False if one.type == "boolean" else None
    match one.type:
        case "string" | "textarea" | "picklist" | "combobox" | "phone" | "url" | "email":
            return _text(one, value)
        case "int" | "double" | "currency" | "percent":
            return _number(one, value)
        case "boolean":
            if isinstance(value, bool):
                return value
            raise _mistyped(one, value, "boolean")
        case "datetime":
            return _moment(one, value)
        case "date":
            try:
                return date.fromisoformat(str(value)[:10]).isoformat()
            except ValueError:
                raise _mistyped(one, value, "date") from None
        case "reference":
            whole = canonical(value)
            if whole is None:
                raise SaveError("MALFORMED_ID", f"{one.label or one.name}: id value of incorrect "
                                f"type: {value}", [one.name])  # fmt: skip
            return whole
    return value


def _text(one: FieldSpec, value: Any) -> str:
    if not isinstance(value, str):
        raise _mistyped(one, value, "string")
    if one.length and len(value) > one.length:
        raise SaveError(
            "STRING_TOO_LONG",
            f"{one.label or one.name}: data value too large: {value[:40]} "
            f"(max length={one.length})",
            [one.name],
        )
    if one.restricted and value not in one.values:
        raise SaveError(
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            f"{one.label or one.name}: bad value for restricted picklist field: {value}",
            [one.name],
        )
    if one.type == "email" and not _EMAIL.fullmatch(value):
        raise SaveError(
            "INVALID_EMAIL_ADDRESS",
            f"{one.label or one.name}: invalid email address: {value}",
            [one.name],
        )
    return value


def _number(one: FieldSpec, value: Any) -> int | float:
    """A number in range; text that spells one is taken too, as recorded calls show."""
    if isinstance(value, str):
        try:
            value = float(value) if "." in value else int(value)
        except ValueError:
            raise _mistyped(one, value, "double" if one.type != "int" else "int") from None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _mistyped(one, value, "double" if one.type != "int" else "int")
    whole = one.precision - one.scale
    if one.precision and abs(value) >= 10**whole:
        raise SaveError(
            "NUMBER_OUTSIDE_VALID_RANGE",
            f"{one.label or one.name}: value outside of valid range on numeric field: {value}",
            [one.name],
        )
    return int(value) if one.type == "int" else round(float(value), one.scale)


def _moment(one: FieldSpec, value: Any) -> str:
    try:
        return normal_moment(str(value))
    except ValueError:
        raise _mistyped(one, value, "dateTime") from None


def _mistyped(one: FieldSpec, value: Any, wanted: str) -> SaveError:
    return SaveError(
        "JSON_PARSER_ERROR",
        f"Cannot deserialize instance of {wanted} from {type(value).__name__} value",
        [one.name],
    )


def _check_required(spec: ObjectSpec, given: Row, row: Row | None) -> None:
    missing = [
        one.name
        for one in spec.fields.values()
        if not one.nillable
        and one.default is None
        and one.create
        and one.name != "OwnerId"
        and (given.get(one.name) is None if row is None or one.name in given else False)
    ]
    if missing:
        raise SaveError(
            "REQUIRED_FIELD_MISSING",
            f"Required fields are missing: [{', '.join(missing)}]",
            missing,
        )


def _check_owner(org: Org, spec: ObjectSpec, owner: Any) -> None:
    row = org.find(owner)
    kind = org.type_of(owner or "")
    if row is None or kind not in spec.owners:
        raise SaveError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", ["OwnerId"])
    if kind == "User" and not row["IsActive"]:
        raise SaveError(
            "INACTIVE_OWNER_OR_USER", "operation performed with inactive user", ["OwnerId"]
        )
    if kind == "Group":
        serves = org.tables["QueueSobject"].values()
        if not any(q["QueueId"] == owner and q["SobjectType"] == spec.name for q in serves):
            raise SaveError(
                "INVALID_CROSS_REFERENCE_KEY", "Queue not associated with this SObject type",
                ["OwnerId"],
            )  # fmt: skip


def _check_references(org: Org, spec: ObjectSpec, given: Row) -> None:
    for name, value in given.items():
        one = spec.fields[name]
        if one.type != "reference" or value is None or name == "OwnerId":
            continue
        found = org.find(value)
        if found is None or org.type_of(value) not in one.refers:
            raise SaveError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [name])
        if found.get("IsDeleted"):
            raise SaveError("ENTITY_IS_DELETED", "entity is deleted", [name])


def _check_rules(org: Org, spec: ObjectSpec, whole: Row) -> None:
    for rule in org.rules.validation:
        if rule["object"] == spec.name and whole.get(rule["field"]) == rule["equals"]:
            raise SaveError("FIELD_CUSTOM_VALIDATION_EXCEPTION", rule["message"], [])


def _check_unique(org: Org, spec: ObjectSpec, whole: Row, *, alerts: bool) -> None:
    if spec.name == "PermissionSetAssignment":
        for there in org.tables[spec.name].values():
            if all(there[k] == whole.get(k) for k in ("AssigneeId", "PermissionSetId")):
                raise SaveError(
                    "DUPLICATE_VALUE",
                    "duplicate value found: <unknown> duplicates value on record with id: "
                    "<unknown>",
                )
    if spec.name == "CampaignMember" and bool(whole.get("LeadId")) is bool(whole.get("ContactId")):
        raise SaveError("INVALID_FIELD", "Specify either a lead or a contact", ["LeadId"])
    if spec.name == "CampaignMember":
        who = [whole.get(k) for k in ("CampaignId", "LeadId", "ContactId")]
        for there in org.tables[spec.name].values():
            if [there.get(k) for k in ("CampaignId", "LeadId", "ContactId")] == who:
                raise SaveError("DUPLICATE_VALUE", "Already a campaign member.")
    rule = org.rules.duplicates.get(spec.name)
    if not whole.get("Email") or not (rule == "block" or (rule == "alert" and alerts)):
        return
    for there in org.tables[spec.name].values():
        same = str(there.get("Email") or "").lower() == str(whole["Email"]).lower()
        if same and not there["IsDeleted"]:
            raise SaveError("DUPLICATES_DETECTED", "Use one of these records?")
