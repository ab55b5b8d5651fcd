"""Our metadata as a package: custom fields, and the permission set that shows them. Pure.

Source: Metadata API Developer Guide, "CustomField", "PermissionSet", "package.xml".
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from xml.etree import ElementTree as ET

from connector.adapters.base import FieldStep
from connector.adapters.salesforce.calls import API
from connector.domain.outward import FieldType

PERMISSION_SET = "Leadloop_Integration"
_SPACE = "http://soap.sforce.com/2006/04/metadata"
_LONG = (256, 131_072)
_EPOCH = (1980, 1, 1, 0, 0, 0)
_DESCRIPTION = "Written by Leadloop; people read it, nobody edits it."


def zipped(fields: Sequence[FieldStep], readable: Iterable[tuple[str, str]]) -> bytes:
    """Build the package: fields to make, and (object, field) pairs our user may edit.

    The permission set names all of them, for deploying it takes away what it does not name.
    """
    files = {
        "package.xml": _manifest(fields),
        f"permissionsets/{PERMISSION_SET}.permissionset": _permissions(readable),
    }
    for source in dict.fromkeys(step.source for step in fields):
        ours = [step for step in fields if step.source == source]
        files[f"objects/{source}.object"] = _object(ours)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), text)
    return packed.getvalue()


def _manifest(fields: Sequence[FieldStep]) -> bytes:
    root = ET.Element("Package", xmlns=_SPACE)
    members = {
        "CustomField": [f"{step.source}.{step.name}" for step in fields],
        "PermissionSet": [PERMISSION_SET],
    }
    for kind, names in members.items():
        if names:
            types = ET.SubElement(root, "types")
            for name in names:
                ET.SubElement(types, "members").text = name
            ET.SubElement(types, "name").text = kind
    ET.SubElement(root, "version").text = API
    return _spelled(root)


def _permissions(readable: Iterable[tuple[str, str]]) -> bytes:
    root = ET.Element("PermissionSet", xmlns=_SPACE)
    ET.SubElement(root, "description").text = "Lets Leadloop write its own fields."
    for source, field in sorted(set(readable)):
        may = {"editable": "true", "field": f"{source}.{field}", "readable": "true"}
        _add(ET.SubElement(root, "fieldPermissions"), may)
    _add(root, {"hasActivationRequired": "false", "label": "Leadloop Integration"})
    return _spelled(root)


def _object(steps: Sequence[FieldStep]) -> bytes:
    root = ET.Element("CustomObject", xmlns=_SPACE)
    for step in steps:
        common = {"fullName": step.name, "description": _DESCRIPTION, "label": step.label}
        _add(ET.SubElement(root, "fields"), common | _type(step))
    return _spelled(root)


def _type(step: FieldStep) -> dict[str, str]:
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


def _add(parent: ET.Element, values: Mapping[str, str]) -> None:
    for name, value in values.items():
        ET.SubElement(parent, name).text = value


def _spelled(root: ET.Element) -> bytes:
    return bytes(ET.tostring(root, encoding="UTF-8", xml_declaration=True))
