"""All that install makes in an org, held against Salesforce's own metadata schema.

The schema is the metadata WSDL that simple-salesforce carries: it says of each type which elements
there are, in which order, of which type, how often, and of closed words which there are. It does
not know the names of an org's fields, reports and columns, nor the script of a component.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import simple_salesforce
from lxml import etree

from tests.unit.adapters.test_salesforce_furnishing import (
    GROUPS,
    ORDER,
    USES,
    crm,
    ready,
    unpacked,
)

__all__ = ["crm", "ready"]

_XSD = "http://www.w3.org/2001/XMLSchema"
_META = "http://soap.sforce.com/2006/04/metadata"
_ROOTS = (
    "CustomField", "CustomObject", "Dashboard", "DashboardFolder", "LightningComponentBundle",
    "ListView", "Package", "PermissionSet", "QuickAction", "Report", "ReportFolder", "ReportType",
)  # fmt: skip


@pytest.fixture(scope="module")
def schema():
    """The types of the WSDL, each of ours as the root of a file."""
    path = Path(simple_salesforce.__file__).parent / "metadata.wsdl"
    wsdl = etree.parse(path)
    (types,) = wsdl.findall(f".//{{{_XSD}}}schema[@targetNamespace='{_META}']")
    for name in _ROOTS:
        etree.SubElement(types, f"{{{_XSD}}}element", name=name, type=f"tns:{name}")
    return etree.XMLSchema(etree.fromstring(etree.tostring(types)))


def faults(schema, files):
    """What the schema has against XML files, by file."""
    found = {}
    for name, text in files.items():
        if name.endswith((".html", ".js", ".json")):
            continue
        if not schema.validate(etree.fromstring(text)):
            found[name] = [f"{one.line}: {one.message}" for one in schema.error_log]
    return found


def deployed(org):
    """Every file of every deploy, checks and removals too."""
    return {
        f"{number} {name}": text.encode()
        for number, body in enumerate(org.deploys)
        for name, text in unpacked(body)[1].items()
    }


def test_every_file_that_is_deployed_or_removed_is_valid_by_the_metadata_wsdl(ready, crm, schema):
    crm.furnish(ORDER, GROUPS, "")
    crm.remove(ORDER, fields=True, check_only=False)
    files = deployed(ready)
    kinds = {name.rpartition(".")[2] for name in files}
    assert kinds >= {
        "object", "permissionset", "quickAction", "reportType", "report", "dashboard", "xml",
    }  # fmt: skip
    assert any(name.endswith("destructiveChanges.xml") for name in files)
    assert any(name.endswith(".js-meta.xml") for name in files)
    assert faults(schema, files) == {}


def test_every_exported_source_file_is_valid_by_the_metadata_wsdl(crm, schema):
    files = crm.exported(ORDER)
    assert sum(name.endswith(".field-meta.xml") for name in files) == len(USES["Lead"].writes) + 1
    assert faults(schema, files) == {}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("<label>x</label><nope>1</nope>", "nope"),
        ("<hasActivationRequired>maybe</hasActivationRequired><label>x</label>", "maybe"),
        ("<label>x</label><description>too late</description>", "description"),
    ],
    ids=["an element that is none", "a word that is no truth", "the wrong order"],
)
def test_the_schema_refuses(schema, wrong, said):
    text = f'<PermissionSet xmlns="{_META}">{wrong}</PermissionSet>'
    (told,) = faults(schema, {"a.permissionset": text.encode()}).values()
    assert said in " ".join(told)
