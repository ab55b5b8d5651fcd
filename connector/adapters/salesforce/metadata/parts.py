"""One piece of metadata: what it is called, where its file lies, and what stands in it. Pure.

An org is handed pieces as a package (fields and list views of one object share a file there), a
customer's pipeline in source format (a file each). Both are spelled from the same pieces.

Source: Metadata API Developer Guide, "package.xml", "Deleting Components from an Organization";
Salesforce DX Developer Guide, "Source Format".
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias
from xml.etree import ElementTree as ET

from connector.adapters.salesforce.calls import API

SPACE = "http://soap.sforce.com/2006/04/metadata"
_EPOCH = (1980, 1, 1, 0, 0, 0)
Tree: TypeAlias = "Sequence[tuple[str, str | Tree]]"
"""Children in order: a name with a text, or with children of its own."""


class Part(NamedTuple):
    """A component. `root` is its XML element's name; one with a `holder` is part of its object.

    `text` is for files that are no XML, by their path.
    """

    group: str
    kind: str
    name: str
    root: str
    tree: Tree
    path: str
    source_path: str
    holder: str | None = None
    texts: Mapping[str, str] = {}


def element(name: str, tree: Tree, *, top: bool = True) -> ET.Element:
    """Build an element of metadata."""
    made = ET.Element(name, {"xmlns": SPACE} if top else {})
    for child, inside in tree:
        if isinstance(inside, str):
            ET.SubElement(made, child).text = inside
        else:
            made.append(element(child, inside, top=False))
    return made


def spelled(root: ET.Element) -> bytes:
    """Spell a file."""
    return bytes(ET.tostring(root, encoding="UTF-8", xml_declaration=True))


def package(parts: Sequence[Part]) -> bytes:
    """Pack parts for a deploy: the same bytes for the same parts."""
    files: dict[str, bytes] = {"package.xml": manifest((p.kind, p.name) for p in parts)}
    held: dict[str, ET.Element] = {}
    for one in parts:
        files |= {path: text.encode() for path, text in one.texts.items()}
        if one.holder is None:
            files[one.path] = spelled(element(one.root, one.tree))
        else:
            root = held.setdefault(one.path, ET.Element("CustomObject", {"xmlns": SPACE}))
            root.append(element(one.root, one.tree, top=False))
    return zipped(files | {path: spelled(root) for path, root in held.items()})


def removal(members: Iterable[tuple[str, str]]) -> bytes:
    """Pack the removal of components, (kind, name) each; absent ones do not fail the rest."""
    files = {
        "package.xml": manifest(()),
        "destructiveChanges.xml": manifest(members),
    }
    return zipped(files)


def source_files(parts: Sequence[Part]) -> dict[str, bytes]:
    """Give the files of the same parts in source format, by path, with their manifest."""
    base = "force-app/main/default"
    files = {"manifest/package.xml": manifest((p.kind, p.name) for p in parts)}
    for one in parts:
        files[f"{base}/{one.source_path}"] = spelled(
            element(_SINGLE.get(one.root, one.root), one.tree)
        )
        files |= {f"{base}/{path}": text.encode() for path, text in one.texts.items()}
    project = (
        '{"packageDirectories": [{"path": "force-app", "default": true}], "sourceApiVersion": "'
    )
    return files | {"sfdx-project.json": f'{project}{API}"}}\n'.encode()}


_SINGLE = {"fields": "CustomField", "listViews": "ListView"}


def manifest(members: Iterable[tuple[str, str]]) -> bytes:
    """Spell the list of components, by kind."""
    kinds: dict[str, list[str]] = {}
    for kind, name in members:
        kinds.setdefault(kind, []).append(name)
    tree: list[tuple[str, str | Tree]] = [
        ("types", [*(("members", n) for n in dict.fromkeys(names)), ("name", kind)])
        for kind, names in kinds.items()
    ]
    return spelled(element("Package", [*tree, ("version", API)]))


def zipped(files: Mapping[str, bytes]) -> bytes:
    """Pack files."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), text)
    return packed.getvalue()
