"""Takes a metadata zip: custom fields, list views and permission sets; and takes away what one
names as destructive. All of it or nothing, unless `rollbackOnError` is false.

Source: Metadata API Developer Guide, "Deploying with REST", "Deleting Components from an
Organization"; CustomField, PermissionSet.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass, field
from email import policy
from email.parser import BytesParser
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import orjson

from connector.practice.salesforce.errors import ApiError
from connector.practice.salesforce.fields import FieldSpec
from connector.practice.wire import Request

if TYPE_CHECKING:
    from connector.practice.salesforce.org import Org

_SPACE = "{http://soap.sforce.com/2006/04/metadata}"
_TYPES = {
    "Number": "double",
    "Text": "string",
    "LongTextArea": "textarea",
    "TextArea": "textarea",
    "Checkbox": "boolean",
    "DateTime": "datetime",
    "Date": "date",
    "Picklist": "picklist",
    "Currency": "currency",
    "Percent": "percent",
    "Email": "email",
    "Url": "url",
    "Phone": "phone",
}
_DESTRUCTIVE = (
    "destructiveChangesPre.xml",
    "destructiveChanges.xml",
    "destructiveChangesPost.xml",
)


@dataclass
class _Work:
    """What a zip would do, and what is wrong with it."""

    fields: list[tuple[str, FieldSpec]] = field(default_factory=list)
    rights: dict[str, tuple[str, dict[str, dict[str, tuple[bool, bool]]]]] = field(
        default_factory=dict
    )
    gone: list[tuple[str, str]] = field(default_factory=list)
    """(kind, name) of what is taken away."""
    successes: list[dict[str, Any]] = field(default_factory=list)
    failures: list[dict[str, Any]] = field(default_factory=list)


def deploy(org: Org, archive: bytes, options: dict[str, Any], user: str) -> dict[str, Any]:
    """Check the zip and, unless `checkOnly` or something is wrong, apply it.

    Gives the `deployResult`; raises ValueError where the archive is no zip.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as zipped:
            files = {name: zipped.read(name) for name in zipped.namelist()}
    except zipfile.BadZipFile:
        raise ValueError("the file is not a zip") from None
    work = _Work()
    _check_package(files, work)
    for name, text in files.items():
        if name.startswith("objects/"):
            _object(org, name, text, work)
    for name, text in files.items():
        if name.startswith("permissionsets/"):
            _permission_set(org, name, text, work)
    for name in _DESTRUCTIVE:
        if name in files:
            _destructive(org, name, files[name], work)
    if not options.get("checkOnly") and (not work.failures or _in_part(options)):
        _apply(org, work, user)
    return _result(work, options)


def _in_part(options: dict[str, Any]) -> bool:
    """Whether what is right is to be done though something else is wrong."""
    return options.get("rollbackOnError") is False


def parts(request: Request) -> tuple[dict[str, Any], bytes]:
    """The options and the zip of a multipart body. Raises ApiError."""
    kind = request.headers.get("content-type", "").encode()
    parsed = BytesParser(policy=policy.HTTP).parsebytes(
        b"Content-Type: " + kind + b"\r\n\r\n" + request.body
    )
    options: dict[str, Any] = {}
    archive = b""
    for part in parsed.iter_parts() if parsed.is_multipart() else ():
        content = part.get_payload(decode=True)
        body = content if isinstance(content, bytes) else b""
        if part.get_param("name", header="content-disposition") == "json":
            options = orjson.loads(body).get("deployOptions", {})
        else:
            archive = body
    if not archive:
        raise ApiError(400, "INVALID_MULTIPART_REQUEST", "the multipart request has no file part")
    return options, archive


def _check_package(files: dict[str, bytes], work: _Work) -> None:
    if "package.xml" not in files:
        _fail(work, "package.xml", "", "", "No package.xml found")
        return
    manifest = ET.fromstring(files["package.xml"])  # noqa: S314  our own loopback client's
    for types in manifest.findall(f"{_SPACE}types"):
        kind = types.findtext(f"{_SPACE}name") or ""
        for member in types.findall(f"{_SPACE}members"):
            if (
                kind == "PermissionSet"
                and f"permissionsets/{member.text}.permissionset" not in files
            ):
                _fail(
                    work, "package.xml", kind, member.text or "",
                    f"An object '{member.text}' of type {kind} was named in package.xml, but was "
                    "not found in zipped directory",
                )  # fmt: skip


def _object(org: Org, name: str, text: bytes, work: _Work) -> None:
    object_ = name.removeprefix("objects/").removesuffix(".object")
    spec = org.spec(object_)
    root = ET.fromstring(text)  # noqa: S314  our own loopback client's
    for one in root.findall(f"{_SPACE}fields"):
        full = f"{object_}.{one.findtext(f'{_SPACE}fullName')}"
        if spec is None:
            _fail(work, name, "CustomField", full, f"Entity {object_} cannot be found")
            continue
        try:
            made = _field(one)
        except ValueError as error:
            _fail(work, name, "CustomField", full, str(error))
            continue
        there = spec.fields.get(made.name)
        if there is not None and there.type != made.type:
            _fail(
                work, name, "CustomField", full,
                f"Cannot change field type from {there.type} to {made.type}",
            )  # fmt: skip
            continue
        changed = there != made
        work.fields.append((spec.name, made))
        _succeed(work, name, "CustomField", full, created=there is None, changed=changed)
    for one in root.findall(f"{_SPACE}listViews"):
        full = f"{object_}.{one.findtext(f'{_SPACE}fullName')}"
        _succeed(work, name, "ListView", full, created=True, changed=True)


def _field(node: ET.Element) -> FieldSpec:
    """Read a field; raises ValueError with Salesforce's words for what it lacks."""

    def text(name: str) -> str | None:
        return node.findtext(f"{_SPACE}{name}")

    name, kind = text("fullName") or "", text("type") or ""
    if not name.endswith("__c"):
        raise ValueError("The custom field name must end with __c")
    if kind not in _TYPES:
        raise ValueError(f"Invalid type: {kind}")
    if not text("label"):
        raise ValueError("Must specify a non-empty label for the CustomField")
    if kind == "Number" and (text("precision") is None or text("scale") is None):
        raise ValueError("Must specify 'precision' and 'scale' for a CustomField of type Number")
    if kind in {"Text", "LongTextArea"} and text("length") is None:
        raise ValueError(f"Must specify 'length' for a CustomField of type {kind}")
    if kind == "LongTextArea" and text("visibleLines") is None:
        raise ValueError("Must specify 'visibleLines' for a CustomField of type LongTextArea")
    if kind == "Checkbox" and text("defaultValue") is None:
        raise ValueError("Must specify 'defaultValue' for a CustomField of type Checkbox")
    if kind == "Text" and not 1 <= int(text("length") or 0) <= 255:
        raise ValueError("Text length must be between 1 and 255")
    if kind == "LongTextArea" and not 256 <= int(text("length") or 0) <= 131072:
        raise ValueError("Long text area length must be between 256 and 131072")
    return FieldSpec(
        name,
        _TYPES[kind],
        label=text("label") or "",
        length=int(text("length") or 0),
        precision=int(text("precision") or 0),
        scale=int(text("scale") or 0),
        nillable=kind != "Checkbox",
        default=text("defaultValue") == "true" if kind == "Checkbox" else None,
        custom=True,
        external=text("externalId") == "true",
    )


def _permission_set(org: Org, name: str, text: bytes, work: _Work) -> None:
    full = name.removeprefix("permissionsets/").removesuffix(".permissionset")
    root = ET.fromstring(text)  # noqa: S314  our own loopback client's
    label = root.findtext(f"{_SPACE}label") or full
    rights: dict[str, dict[str, tuple[bool, bool]]] = {}
    coming = {f"{object_}.{made.name}" for object_, made in work.fields}
    for one in root.findall(f"{_SPACE}fieldPermissions"):
        path = one.findtext(f"{_SPACE}field") or ""
        object_, _, last = path.partition(".")
        spec = org.spec(object_)
        if path not in coming and (spec is None or spec.find(last) is None):
            _fail(
                work,
                name,
                "PermissionSet",
                full,
                f"In field: field - no CustomField named {path} found",
            )
            return
        read = one.findtext(f"{_SPACE}readable") == "true"
        edit = one.findtext(f"{_SPACE}editable") == "true"
        rights.setdefault(object_, {})[last] = (read, edit)
    known = _known_set(org, full)
    changed = known is None or org.rights.get(known) != rights
    work.rights[full] = (label, rights)
    _succeed(work, name, "PermissionSet", full, created=known is None, changed=changed)


def _destructive(org: Org, name: str, text: bytes, work: _Work) -> None:
    """Check a removal: what is not there is no failure, what is in use is one."""
    root = ET.fromstring(text)  # noqa: S314  our own loopback client's
    for types in root.findall(f"{_SPACE}types"):
        kind = types.findtext(f"{_SPACE}name") or ""
        for member in types.findall(f"{_SPACE}members"):
            full = member.text or ""
            users = org.rules.references.get(full, ())
            if full == "*":
                _fail(work, name, kind, full, "Wildcards are not allowed in destructiveChanges")
            elif users:
                _fail(work, name, kind, full, "This custom field is referenced elsewhere in "
                      f"salesforce.com: {', '.join(users)}")  # fmt: skip
            elif kind == "PermissionSet" and _is_assigned(org, full):
                _fail(work, name, kind, full, "You can't delete a permission set that's assigned "
                      "to users")  # fmt: skip
            else:
                work.gone.append((kind, full))
                _succeed(work, name, kind, full, created=False, changed=True, deleted=True)


def _is_assigned(org: Org, name: str) -> bool:
    known = _known_set(org, name)
    rows = org.tables["PermissionSetAssignment"].values()
    return known is not None and any(row["PermissionSetId"] == known for row in rows)


def _take_away(org: Org, kind: str, full: str, user: str) -> None:
    if kind == "PermissionSet" and (known := _known_set(org, full)) is not None:
        org.rights.pop(known, None)
        org.delete(known, user)
    object_, _, last = full.partition(".")
    spec = org.spec(object_) if kind == "CustomField" else None
    made = spec.find(last) if spec is not None else None
    if spec is None or made is None:
        return
    del spec.fields[made.name]
    for row in org.tables[spec.name].values():
        row.pop(made.name, None)
    for rights in org.rights.values():
        rights.get(spec.name, {}).pop(made.name, None)


def _known_set(org: Org, name: str) -> str | None:
    rows = org.tables["PermissionSet"].values()
    return next((row["Id"] for row in rows if row["Name"] == name), None)


def _apply(org: Org, work: _Work, user: str) -> None:
    org.schema_changed = org.clock.now()
    for object_, made in work.fields:
        org.schema[object_].fields[made.name] = made
        if made.default is not None:
            for row in org.tables[object_].values():
                row.setdefault(made.name, made.default)
    for name, (label, rights) in work.rights.items():
        known = _known_set(org, name)
        if known is None:
            row = org.insert("PermissionSet", {"Name": name, "Label": label}, user)
            known = str(row["Id"])
        org.rights[known] = rights
    for kind, full in work.gone:
        _take_away(org, kind, full, user)


def _succeed(
    work: _Work,
    file: str,
    kind: str,
    full: str,
    *,
    created: bool,
    changed: bool,
    deleted: bool = False,
) -> None:
    work.successes.append(
        {
            "fileName": file,
            "componentType": kind,
            "fullName": full,
            "created": created,
            "changed": changed,
            "deleted": deleted,
            "success": True,
        }
    )


def _fail(work: _Work, file: str, kind: str, full: str, problem: str) -> None:
    work.failures.append(
        {
            "fileName": file,
            "componentType": kind,
            "fullName": full,
            "problem": problem,
            "problemType": "Error",
            "lineNumber": 1,
            "columnNumber": 1,
            "success": False,
        }
    )


def _result(work: _Work, options: dict[str, Any]) -> dict[str, Any]:
    good, bad = len(work.successes), len(work.failures)
    return {
        "checkOnly": bool(options.get("checkOnly")),
        "rollbackOnError": bool(options.get("rollbackOnError", True)),
        "ignoreWarnings": bool(options.get("ignoreWarnings")),
        "status": _status(work, options),
        "done": True,
        "success": not bad,
        "numberComponentsDeployed": 0 if bad and not _in_part(options) else good,
        "numberComponentsTotal": good + bad,
        "numberComponentErrors": bad,
        "numberTestErrors": 0,
        "numberTestsCompleted": 0,
        "numberTestsTotal": 0,
        "details": {
            "componentSuccesses": work.successes,
            "componentFailures": work.failures,
            "runTestResult": {},
        },
    }


def _status(work: _Work, options: dict[str, Any]) -> str:
    if not work.failures:
        return "Succeeded"
    return "SucceededPartial" if work.successes and _in_part(options) else "Failed"
