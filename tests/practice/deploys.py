"""Metadata on its way to the practice org: files zipped, handed in, and waited for."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

SPACE = 'xmlns="http://soap.sforce.com/2006/04/metadata"'
MANIFEST = f"<Package {SPACE}><version>62.0</version></Package>"


def zipped(files: Mapping[str, str]) -> bytes:
    """A package of these files."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return packed.getvalue()


def fields(**spelt: str) -> bytes:
    """A package of fields of Lead, each name with its XML."""
    inner = "".join(f"<fields><fullName>{name}</fullName>{xml}</fields>" for name, xml in spelt.items())  # fmt: skip
    objects = f"<CustomObject {SPACE}>{inner}</CustomObject>"
    return zipped({"package.xml": MANIFEST, "objects/Lead.object": objects})


def removal(*names: str, kind: str = "CustomField") -> bytes:
    """A package that takes components away."""
    members = "".join(f"<members>{name}</members>" for name in names)
    gone = f"<Package {SPACE}><types>{members}<name>{kind}</name></types></Package>"
    return zipped({"package.xml": MANIFEST, "destructiveChanges.xml": gone})


def deploy(salesforce: Any, archive: bytes, **options: Any) -> Any:
    """Hand a package in and wait for its end; gives the result."""
    given = {"checkOnly": False, "rollbackOnError": True, "singlePackage": True, **options}
    parts = {
        "json": (None, json.dumps({"deployOptions": given}), "application/json"),
        "file": ("deploy.zip", archive, "application/zip"),
    }
    path = f"{salesforce.data}/metadata/deployRequest"
    begun = salesforce.http.post(salesforce.url + path, files=parts, timeout=10)
    assert begun.status_code == 201, begun.text
    for _ in range(5):
        state = salesforce.json("GET", f"{path}/{begun.json()['id']}?includeDetails=true")
        if state["deployResult"]["done"]:
            return state["deployResult"]
    raise AssertionError("the deployment never ends")
