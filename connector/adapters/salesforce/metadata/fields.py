"""Our fields, and the permission sets that show them. Pure.

Source: Metadata API Developer Guide, "CustomField", "PermissionSet".
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from connector.adapters.base import FieldStep
from connector.adapters.salesforce.metadata.parts import Part, Tree
from connector.domain.outward import FieldType

INTEGRATION, REP, MANAGER = "Leadloop_Integration", "Leadloop_Rep", "Leadloop_Manager"
CORE = "fields"
REASONS = (
    "No need",
    "No budget",
    "No authority",
    "Wrong time",
    "Chose a competitor",
    "Cannot be reached",
    "Not a fit",
    "Student or job seeker",
    "Duplicate",
)
"""What sales may answer; an org adds its own, and ours are only ever added."""
_LONG = (256, 131_072)
_DESCRIPTION = "Written by Leadloop; people read it, nobody edits it."
_ASKED = "Filled in by sales; Leadloop learns from it."

Field = tuple[str, str]
"""An object and one of its fields."""


def field_part(step: FieldStep, values: Sequence[str] = ()) -> Part:
    """Spell a field. With `values` it is a picklist that takes others too."""
    tree: Tree = [
        ("fullName", step.name),
        ("description", _ASKED if values else _DESCRIPTION),
        ("label", step.label),
        *(_picklist(values) if values else _type(step)),
    ]
    return Part(
        CORE,
        "CustomField",
        f"{step.source}.{step.name}",
        "fields",
        tree,
        f"objects/{step.source}.object",
        f"objects/{step.source}/fields/{step.name}.field-meta.xml",
        holder=step.source,
    )


def permission_parts(fields: Iterable[Field], asked: Collection[Field]) -> list[Part]:
    """Spell who may do what: we write, reps read and answer, managers see all and answer.

    A set names all its fields, for deploying it takes away what it does not name.
    """
    all_ = sorted(set(fields))
    return [
        _set(
            INTEGRATION, "Leadloop Integration", "Lets Leadloop write its own fields.", all_, all_
        ),
        _set(REP, "Leadloop Rep", "Reads scores and reasons; answers hand-offs.", all_, asked),
        _set(MANAGER, "Leadloop Manager", "Reads all of it; answers hand-offs.", all_, asked),
    ]


def _set(
    name: str, label: str, said: str, fields: Sequence[Field], editable: Collection[Field]
) -> Part:
    tree: Tree = [
        ("description", said),
        *(
            (
                "fieldPermissions",
                [
                    ("editable", "true" if (source, field) in editable else "false"),
                    ("field", f"{source}.{field}"),
                    ("readable", "true"),
                ],
            )
            for source, field in fields
        ),
        ("hasActivationRequired", "false"),
        ("label", label),
    ]
    path = f"permissionsets/{name}.permissionset"
    return Part(CORE, "PermissionSet", name, "PermissionSet", tree, path, f"{path}-meta.xml")


def _picklist(values: Sequence[str]) -> Tree:
    spelled: Tree = [
        ("value", [("fullName", one), ("default", "false"), ("label", one)]) for one in values
    ]
    definition: Tree = [("sorted", "false"), *spelled]
    return [
        ("required", "false"),
        ("type", "Picklist"),
        ("valueSet", [("restricted", "false"), ("valueSetDefinition", definition)]),
    ]


def _type(step: FieldStep) -> Tree:
    return list(_types(step).items())


def _types(step: FieldStep) -> Mapping[str, str]:
    match step.type:
        case FieldType.NUMBER:
            return {"precision": "18", "required": "false", "scale": "0", "type": "Number"}
        case FieldType.LONG_TEXT:
            length = min(max(step.length, _LONG[0]), _LONG[1])
            return {"length": str(length), "type": "LongTextArea", "visibleLines": "5"}
        case FieldType.BOOLEAN:
            return {"defaultValue": "false", "type": "Checkbox"}
        case FieldType.MOMENT:
            return {"required": "false", "type": "DateTime"}
    return {"length": str(min(max(step.length, 1), 255)), "required": "false", "type": "Text"}
