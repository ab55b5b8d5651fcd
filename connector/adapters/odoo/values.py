"""Odoo's values and ours: false is nothing, a reference is [id, name], times are naive UTC."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connector.adapters.base import RemoteField
from connector.domain.moment import SECOND, Micros, to_datetime
from connector.domain.outward import FieldType
from connector.domain.record import Scalar

TYPES = {
    FieldType.NUMBER: "integer",
    FieldType.TEXT: "char",
    FieldType.LONG_TEXT: "text",
    FieldType.BOOLEAN: "boolean",
    FieldType.MOMENT: "datetime",
}
_OURS = {
    "integer": FieldType.NUMBER,
    "float": FieldType.NUMBER,
    "monetary": FieldType.NUMBER,
    "char": FieldType.TEXT,
    "selection": FieldType.TEXT,
    "text": FieldType.LONG_TEXT,
    "html": FieldType.LONG_TEXT,
    "boolean": FieldType.BOOLEAN,
    "datetime": FieldType.MOMENT,
}


def moment_text(moment: Micros) -> str:
    """Spell a moment the one way Odoo takes it, at its resolution of a second, rounded down."""
    return to_datetime(moment // SECOND * SECOND).strftime("%Y-%m-%d %H:%M:%S")


def read_value(value: Any, kind: str) -> Any:
    """Turn a value Odoo gave into ours."""
    if kind == "boolean":
        return value
    if value is False or value is None:
        return None
    match kind:
        case "many2one" | "many2one_reference":
            return str(value[0]) if isinstance(value, list) else str(value) if value else None
        case "datetime":
            return f"{value.replace(' ', 'T')}Z"
        case "one2many" | "many2many":
            return [str(one) for one in value]
    return value


def write_value(value: Scalar, kind: str) -> Any:
    """Turn a value of ours into what Odoo takes; raises ValueError when it cannot be."""
    if value is None:
        return False
    match kind:
        case "many2one":
            return int(value)
        case "integer":
            return int(value)
        case "float" | "monetary":
            return float(value)
        case "boolean":
            return bool(value)
        case "datetime":
            return str(value).removesuffix("Z").replace("T", " ")
    return str(value)


def described(name: str, spec: Mapping[str, Any]) -> RemoteField:
    """Describe a field as `fields_get` gives it."""
    selection = spec.get("selection") if spec["type"] == "selection" else None
    return RemoteField(
        name=name,
        type=_OURS.get(spec["type"]),
        label=str(spec.get("string") or ""),
        writable=not spec.get("readonly", False),
        length=spec.get("size") or None,
        values=tuple(str(key) for key, _ in selection) if isinstance(selection, list) else None,
    )
