"""Fields and objects spelled shortly, with what most of them have alike."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from connector.practice.salesforce.fields import FieldSpec, ObjectSpec


def text(name: str, length: int = 255, **more: Any) -> FieldSpec:
    """A text of one line."""
    return FieldSpec(name, "string", length=length, **more)


def pick(name: str, values: tuple[str, ...], length: int = 255, **more: Any) -> FieldSpec:
    """A choice among values, which are only proposals unless it is `restricted`."""
    return FieldSpec(name, "picklist", length=length, values=values, **more)


def ref(name: str, refers: tuple[str, ...], relation: str | None = None, **more: Any) -> FieldSpec:
    """A link to a record of one of some objects."""
    return FieldSpec(name, "reference", length=18, refers=refers, relation=relation, **more)


def money(name: str, **more: Any) -> FieldSpec:
    """An amount with cents."""
    return FieldSpec(name, "currency", precision=18, scale=2, **more)


def flag(name: str, **more: Any) -> FieldSpec:
    """A checkbox: never null."""
    return FieldSpec(name, "boolean", nillable=False, default=more.pop("default", False), **more)


def fixed(spec: FieldSpec) -> FieldSpec:
    """A field only the system sets."""
    return replace(spec, create=False, update=False)


_ID = FieldSpec("Id", "id", length=18, nillable=False, create=False, update=False)
_DELETED = fixed(flag("IsDeleted"))
_SYSTEM = (
    fixed(FieldSpec("CreatedDate", "datetime", nillable=False)),
    fixed(ref("CreatedById", ("User",), "CreatedBy", nillable=False)),
    fixed(FieldSpec("LastModifiedDate", "datetime", nillable=False)),
    fixed(ref("LastModifiedById", ("User",), "LastModifiedBy", nillable=False)),
    fixed(FieldSpec("SystemModstamp", "datetime", nillable=False)),
)


def new_object(
    name: str,
    prefix: str,
    *fields: FieldSpec,
    plural: str = "",
    create: bool = True,
    owners: tuple[str, ...] = (),
    tracked: tuple[str, ...] = (),
    deletable: bool = True,
) -> ObjectSpec:
    """An object with the fields every one has; `deletable` ones have a bin."""
    whole = (_ID, *((_DELETED,) if deletable else ()), *fields, *_SYSTEM)
    return ObjectSpec(
        name,
        prefix,
        name,
        plural or f"{name}s",
        {one.name: one for one in whole},
        create=create,
        owners=owners,
        tracked=tracked,
    )
