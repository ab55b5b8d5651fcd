"""What the code itself asks of a Salesforce org, beside the mapping, stands in docs/security.md."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

import orjson
import pytest

from connector.practice.salesforce import soql as grammar
from connector.sync.opening import open_sources
from connector.sync.upkeep.health import examine
from connector.sync.upkeep.provision import furnisher, order_of, plan_install
from tests.practice.conftest import heard

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
EVERYWHERE = {"Id", "IsDeleted", "MasterRecordId", "CurrencyIsoCode", "SystemModstamp"}
ROW = re.compile(r"^\| `(\w+)` \| (.*?) \| (.*?) \|", re.MULTILINE)


def listed(place):
    """The fields that the page names of each object: those read, or those written."""
    found: dict[str, set[str]] = {}
    _, _, page = PAGE.partition("\n### salesforce")
    for name, *cells in ROW.findall(page):
        found.setdefault(name, set()).update(re.findall(r"`([\w.]+)`", cells[place]))
    return found


def conditions_of(condition):
    if isinstance(condition, grammar.Test):
        yield condition.field
    elif isinstance(condition, grammar.Not):
        yield from conditions_of(condition.part)
    elif isinstance(condition, grammar.Both):
        for one in condition.parts:
            yield from conditions_of(one)


def queries(query):
    yield query
    if query.where is not None:
        stack = [query.where]
        while stack:
            one = stack.pop()
            if isinstance(one, grammar.Both):
                stack += one.parts
            elif isinstance(one, grammar.Not):
                stack.append(one.part)
            elif isinstance(one.value, grammar.Query):
                yield from queries(one.value)


@pytest.fixture
def asked(opened, monkeypatch):
    """What a whole life asks for: runs with hand-off, nurture and response, doctor and plans."""
    work = opened("salesforce")
    with_nurture = (work.folder / "leadloop.yaml").read_text() + "nurture: {default: general}\n"
    (work.folder / "leadloop.yaml").write_text(with_nurture)
    calls = heard(work.crm, monkeypatch)
    with work.stack as stack:
        for source in open_sources(work.loaded, lambda: work.now, stack):
            maker = furnisher(source.adapter)
            order = order_of(source, plan_install(source), ["general"])
            maker.furnish(order, ["campaigns"], f"user {work.us}")
            maker.plan_parts(order)
            maker.survey(order)
            maker.remove(order, fields=True, check_only=True)
        work.person("cold", title="Clerk")
        deal = {"Name": "D", "StageName": "Closed Won", "CloseDate": "2026-03-01", "Amount": 5}
        work.crm.steer("load", {"Opportunity": [deal]})
        work.go()
        work.pass_time()
        work.hot("one")
        work.edit("cold", Title="Clerk II")
        work.go()
        work.pass_time()
        work.run()
        list(examine(work.loaded, lambda: work.now))
    read: dict[str, set[str]] = {}
    written: dict[str, set[str]] = {}
    for said, request in calls:
        if "query?" in f"{said}?" and (soql := request.argument("q")):
            for query in queries(grammar.parse(soql)):
                fields = {name for name, _ in query.fields} | set(conditions_of(query.where or ()))
                read.setdefault(query.source, set()).update(fields)
        if request.method in {"POST", "PATCH"} and request.body[:1] == b"{":
            body = orjson.loads(request.body)
            kind = re.search(r"/sobjects/(\w+)$", unquote(request.path))
            for row in body.get("records", [body] if kind else []):
                name = row.get("attributes", {}).get("type") or kind.group(1)
                if name != "sobjects":
                    written.setdefault(name, set()).update(set(row) - {"attributes", "id"})
    return read, written


def test_every_field_that_is_asked_for_or_written_is_on_the_page(asked):
    read, written = asked
    assert {"Task", "CampaignMember", "Lead"} <= set(written), "the scenario wrote them"
    assert {"LeadStatus", "ObjectPermissions", "FlowDefinitionView", "Organization"} <= set(read)
    there, put = listed(0), listed(1)
    missing = {
        f"{name}.{field}"
        for name, fields in read.items()
        for field in fields - EVERYWHERE
        if field not in there.get(name, set()) | put.get(name, set())
    }
    assert missing == set(), "read, and not on the page"
    missing = {
        f"{name}.{field}"
        for name, fields in written.items()
        for field in fields
        if field not in put.get(name, set())
    }
    assert missing == set(), "written, and not on the page"


def test_every_object_that_a_query_in_the_code_names_is_on_the_page():
    there = set(listed(0))
    for path in (ROOT / "connector" / "adapters" / "salesforce").glob("*.py"):
        text = path.read_text(encoding="utf-8")
        named = set(re.findall(r"\bFROM ([A-Z]\w+)", text))
        named |= set(re.findall(r"\.(?:where|matching)\(\s*\"(\w+)\"", text))
        assert named <= there, path.name
