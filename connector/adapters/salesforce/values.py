"""Our values on their way to Salesforce, checked against the description before they leave."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any, NamedTuple

from connector.adapters.salesforce.describing import Described, Spec, field_type
from connector.adapters.salesforce.soql import full_id
from connector.domain.outward import FieldType
from connector.domain.record import Scalar

_TRUE, _FALSE = frozenset({"true", "1", "1.0"}), frozenset({"false", "0", "0.0"})


Check = Callable[[Scalar], Any]
"""Gives a value as a field takes it. Raises ValueError with Salesforce's code where it does not."""


class Refused(NamedTuple):
    """Why a value cannot be sent: Salesforce's own code for it, and the field."""

    code: str
    field: str


def prepared(described: Described, values: Mapping[str, Scalar]) -> dict[str, Any] | Refused:
    """Give the values as Salesforce takes them, or the first that it would refuse."""
    ready: dict[str, Any] = {}
    checks = _checks(described)
    for name, value in values.items():
        known = checks.get(name) or checks.get(name.casefold())
        if known is None:
            return Refused("INVALID_FIELD_FOR_INSERT_UPDATE", name)
        spelled, check = known
        try:
            ready[spelled] = check(value)
        except ValueError as error:
            return Refused(str(error) if error.args else "INVALID_TYPE", name)
    return ready


@lru_cache(maxsize=32)
def _checks(described: Described) -> dict[str, tuple[str, Check]]:
    """Salesforce's spelling and a check for each field that may be written, by both spellings:
    Salesforce's own, as most are asked for, and lower-case."""
    found: dict[str, tuple[str, Check]] = {}
    for name, spec in described.fields.items():
        if spec.get("updateable"):
            spelled = str(spec["name"])
            found[name] = found[spelled] = spelled, _check(spec)
    return found


def _check(spec: Spec) -> Check:
    kind = field_type(spec)
    if kind is FieldType.BOOLEAN:
        return _flag  # a checkbox knows no null
    if kind is FieldType.NUMBER:
        check = _number(spec)
    elif kind is FieldType.OWNER or spec["type"] == "reference":
        check = _reference
    else:
        check = _text(spec)
    return _or_null(check, nillable=bool(spec.get("nillable", True)))


def _or_null(check: Check, *, nillable: bool) -> Check:
    def checked(value: Scalar) -> Any:
        if value is not None:
            return check(value)
        if not nillable:
            raise ValueError("REQUIRED_FIELD_MISSING")
        return None

    return checked


def _reference(value: Scalar) -> str:
    ident = full_id(str(value))
    if ident is None:
        raise ValueError("MALFORMED_ID")
    return ident


def _flag(value: Scalar) -> bool:
    word = str(value).casefold()
    if value is None or word in _FALSE:
        return False
    if word in _TRUE:
        return True
    raise ValueError("INVALID_TYPE")


def _number(spec: Spec) -> Check:
    whole, scale = spec["type"] in {"int", "long"}, int(spec.get("scale") or 0)
    digits = int(spec.get("digits") or 0) or int(spec.get("precision") or 0) - scale
    limit = 10**digits if digits > 0 else math.inf

    def checked(value: Scalar) -> int | float:
        number = math.nan
        with suppress(ValueError):
            number = math.nan if value is None or isinstance(value, bool) else float(value)
        if not math.isfinite(number):
            raise ValueError("INVALID_TYPE")
        if abs(number) >= limit:
            raise ValueError("NUMBER_OUTSIDE_VALID_RANGE")
        if whole and not number.is_integer():
            raise ValueError("INVALID_TYPE")
        return int(number) if number.is_integer() else number

    def fast(value: Scalar) -> int | float:  # as most are
        return value if type(value) is int and -limit < value < limit else checked(value)

    return fast


def _text(spec: Spec) -> Check:
    length = int(spec.get("length") or 0) or math.inf
    several = spec["type"] == "multipicklist"
    allowed = None
    if spec.get("restrictedPicklist") and spec["type"] in {"picklist", "multipicklist"}:
        allowed = {str(one["value"]) for one in spec["picklistValues"] if one.get("active")}

    def checked(value: Scalar) -> str:
        text = str(value) if not isinstance(value, bool) else str(value).lower()
        if len(text) > length:
            raise ValueError("STRING_TOO_LONG")
        if allowed is not None and not allowed.issuperset(text.split(";") if several else [text]):
            raise ValueError("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST")
        return text

    return checked
