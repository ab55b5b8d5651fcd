"""Our values on their way to Salesforce, checked against the description before they leave."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from connector.adapters.salesforce.describing import Described, Spec, field_type
from connector.adapters.salesforce.soql import full_id
from connector.domain.outward import FieldType
from connector.domain.record import Scalar

_TRUE, _FALSE = frozenset({"true", "1", "1.0"}), frozenset({"false", "0", "0.0"})


class Refused(NamedTuple):
    """Why a value cannot be sent: Salesforce's own code for it, and the field."""

    code: str
    field: str


def prepared(described: Described, values: Mapping[str, Scalar]) -> dict[str, Any] | Refused:
    """Give the values as Salesforce takes them, or the first that it would refuse."""
    ready: dict[str, Any] = {}
    for name, value in values.items():
        spec = described.fields.get(name.casefold())
        if spec is None or not spec.get("updateable"):
            return Refused("INVALID_FIELD_FOR_INSERT_UPDATE", name)
        try:
            ready[str(spec["name"])] = _value(spec, value)
        except ValueError as error:
            return Refused(str(error) if error.args else "INVALID_TYPE", name)
    return ready


def _value(spec: Spec, value: Scalar) -> Any:
    kind = field_type(spec)
    if kind is FieldType.BOOLEAN:
        return _flag(value)  # a checkbox knows no null
    if value is None:
        if not spec.get("nillable", True):
            raise ValueError("REQUIRED_FIELD_MISSING")
        return None
    if kind is FieldType.NUMBER:
        return _number(spec, value)
    if kind is FieldType.OWNER or spec["type"] == "reference":
        ident = full_id(str(value))
        if ident is None:
            raise ValueError("MALFORMED_ID")
        return ident
    return _text(spec, value)


def _flag(value: Scalar) -> bool:
    word = str(value).casefold()
    if value is None or word in _FALSE:
        return False
    if word in _TRUE:
        return True
    raise ValueError("INVALID_TYPE")


def _number(spec: Spec, value: str | float) -> int | float:
    number = math.nan
    with suppress(ValueError):
        number = math.nan if isinstance(value, bool) else float(value)
    if not math.isfinite(number):
        raise ValueError("INVALID_TYPE")
    digits = int(spec.get("digits") or 0) or int(spec.get("precision") or 0) - int(
        spec.get("scale") or 0
    )
    if digits > 0 and abs(number) >= 10**digits:
        raise ValueError("NUMBER_OUTSIDE_VALID_RANGE")
    if spec["type"] in {"int", "long"} and not number.is_integer():
        raise ValueError("INVALID_TYPE")
    return int(number) if number.is_integer() else number


def _text(spec: Spec, value: Scalar) -> str:
    text = str(value) if not isinstance(value, bool) else str(value).lower()
    length = int(spec.get("length") or 0)
    if length and len(text) > length:
        raise ValueError("STRING_TOO_LONG")
    if spec.get("restrictedPicklist") and spec["type"] in {"picklist", "multipicklist"}:
        allowed = {str(one["value"]) for one in spec["picklistValues"] if one.get("active")}
        chosen = text.split(";") if spec["type"] == "multipicklist" else [text]
        if not allowed.issuperset(chosen):
            raise ValueError("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST")
    return text
