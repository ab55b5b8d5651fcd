"""docs/security.md holds against mappings and code: fields, hosts, and who opens a connection."""

from __future__ import annotations

import ast
import importlib.util
import re
from pathlib import Path
from urllib.parse import urlsplit

from connector.adapters.salesforce.metadata.fields import INTEGRATION, MANAGER, REP

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
FILES = [
    path
    for path in (ROOT / "connector").rglob("*.py")
    if not {"practice", "demo"} & set(path.relative_to(ROOT / "connector").parts)
]
SPEAKERS = {
    "connector/transport/http.py",
    "connector/transport/riding.py",
    "connector/serve/server.py",
    "connector/transport/messages.py",
}
"""Files that may hold a library which opens connections to the outside."""
NETWORK = {
    "aiohttp", "apprise", "ftplib", "http.client", "httpx", "requests", "smtplib", "socket",
    "telnetlib", "urllib.request", "urllib3", "websockets", "xmlrpc.client",
}  # fmt: skip
HARMLESS = {
    "xmlrpc.client",
    "urllib3.exceptions",
    "urllib3.fields",
    "urllib3.filepost",
    "requests.structures",
}
"""Parts of such libraries that only spell or name things here; Odoo's calls are spelled by one."""
NO_HOSTS = {"soap.sforce.com", "json-schema.org", "schemas.xmlsoap.org"}
"""Names of document formats that look like addresses; nothing is ever asked there."""


def generator():
    spec = importlib.util.spec_from_file_location("fields", ROOT / "docs" / "fields.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def imports(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def test_the_page_lists_each_field_that_is_read_and_written():
    assert generator().page(PAGE) == PAGE, "run: python docs/fields.py"


def test_the_page_would_notice_a_field_it_does_not_name():
    made = generator()
    assert made.page(PAGE.replace("`HasOptedOutOfEmail`, ", "", 1)) == PAGE


def test_only_the_transport_opens_connections_and_only_serve_listens():
    found = {
        str(path.relative_to(ROOT))
        for path in FILES
        for name in imports(path)
        if name not in HARMLESS and (name in NETWORK or name.partition(".")[0] in NETWORK)
    }
    assert found == SPEAKERS


def test_each_host_in_the_code_is_on_the_page_or_an_example():
    hosts = {}
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        for address in re.findall(r"https?://[A-Za-z0-9][A-Za-z0-9.-]+", text):
            hosts[urlsplit(address).hostname] = path.name
    strange = {
        host: name
        for host, name in hosts.items()
        if host not in NO_HOSTS
        and "." in host
        and not host.startswith(("acme.", "127.", "crm.example", "odoo.example"))
        and host not in PAGE
        and host != "www."
    }
    assert strange == {}


def test_the_roles_on_the_page_are_those_that_install_makes():
    for name in (INTEGRATION, REP, MANAGER):
        assert f"permission set {name.replace('_', ' ')}" in PAGE


def test_the_tables_that_keep_tokens_hold_them_sealed():
    schema = (ROOT / "connector" / "store" / "schema.py").read_text(encoding="utf-8")
    assert 'Column("sealed", Text' in schema
    assert "Fernet" in PAGE


def test_no_bodies_of_mails_are_read():
    for name in ("TextBody", "HtmlBody", "hs_email_text", "hs_email_html", "body_html"):
        for path in (ROOT / "mappings").glob("*.yaml"):
            assert name not in path.read_text(encoding="utf-8"), path.name


def test_the_bill_of_materials_is_made_by_pinned_tools_out_of_the_pins():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    target = makefile.partition("\nsbom:")[2].partition("\n\n")[0]
    assert "cyclonedx-py requirements requirements/base.txt" in target
    assert "--output-reproducible" in target
    assert "--require-hashes -r requirements/sbom.txt" in makefile
    pins = re.split(r"\n(?=\S)", (ROOT / "requirements" / "sbom.txt").read_text(encoding="utf-8"))
    assert any(pin.startswith("cyclonedx-bom==") for pin in pins)
    assert all("==" in pin and "--hash=sha256:" in pin for pin in pins if pin[0].isalnum())
    assert "`make sbom`" in PAGE
