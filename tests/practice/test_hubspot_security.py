"""What the code asks of a HubSpot portal, beside the mapping, stands in docs/security.md."""

from __future__ import annotations

import re
from pathlib import Path

import orjson
import pytest

from connector.sync.opening import open_sources
from connector.sync.upkeep.health import examine
from connector.sync.upkeep.provision import furnisher, order_of, plan_install
from tests.practice.conftest import heard

PAGE = (Path(__file__).parents[2] / "docs" / "security.md").read_text(encoding="utf-8")
OBJECTS = "calls|companies|contacts|deals|emails|meetings|tasks|leads|notes|line_items"
OURS = "leadloop_"


def section(title):
    return PAGE.partition(f"\n### {title}\n")[2].partition("\n### ")[0]


def listed(place):
    """The properties that the page names of each object: those read, or those written."""
    found: dict[str, set[str]] = {}
    for title in ("hubspot", "hubspot, asked by the code itself"):
        for name, *cells in re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) \|", section(title), re.M):
            names = {one.partition(".")[0] for one in re.findall(r"`([\w.]+)`", cells[place])}
            found.setdefault(name, set()).update(names)
    return found


def call_of(request):
    """A call as the page spells it: without versions and ids."""
    path = re.sub(r"/(\d{4}-\d{2}|v\d)(?=/|$)", "", request.path)
    path = re.sub(rf"(?<=/objects)/({OBJECTS})(?=/|$)", "/OBJECT", path)
    path = re.sub(rf"(?<=/properties)/({OBJECTS})(?=/|$)", "/OBJECT", path)
    path = re.sub(rf"/associations/({OBJECTS})/({OBJECTS})/", "/associations/OBJECT/OBJECT/", path)
    return f"{request.method} {re.sub(r'/[0-9a-f-]*[0-9][0-9a-f-]*(?=/|$)', '/ID', path)}"


def properties_of(request):
    """(read, written) of one call: the names of properties, wherever they stand in it."""
    read = {name for value in request.arguments("properties") for name in value.split(",")}
    written: set[str] = set()
    if request.body[:1] != b"{" or "/objects/" not in request.path:
        return read, written
    body = orjson.loads(request.body)
    for name in ("properties", "propertiesWithHistory"):
        read |= set(body.get(name) or ()) if isinstance(body.get(name), list) else set()
    read |= {f["propertyName"] for g in body.get("filterGroups", ()) for f in g["filters"]}
    for one in [body, *body.get("inputs", ())]:
        if isinstance(one.get("properties"), dict):
            written |= set(one["properties"])
    return read, written


@pytest.fixture
def asked(opened, monkeypatch):
    """What a whole life asks for: runs with hand-off, nurture and response, doctor and plans."""
    work = opened("hubspot")
    settings = (work.folder / "leadloop.yaml").read_text() + "nurture: {default: general}\n"
    settings += "handoff: {note: true}\n"
    work.crm.steer("rules", {"leads_enabled": True})
    work.write("leadloop.yaml", settings)
    calls = heard(work.crm, monkeypatch)
    with work.stack as stack:
        for source in open_sources(work.loaded, lambda: work.now, stack):
            maker = furnisher(source.adapter)
            order = order_of(source, plan_install(source), ["general"])
            maker.furnish(order, list(maker.groups), f"user {work.us}")
            maker.plan_parts(order)
            maker.survey(order)
            maker.remove(order, fields=True, check_only=True)
        work.person("cold", title="Clerk")
        work.go()
        work.pass_time()
        work.hot("one")
        work.edit("cold", jobtitle="Clerk II")
        work.go()
        work.pass_time()
        work.run()
        list(examine(work.loaded, lambda: work.now))
    return [request for _, request in calls]


def test_every_call_and_every_property_of_a_whole_life_is_on_the_page(asked):
    known = set(re.findall(r"`((?:GET|POST|PUT|PATCH|DELETE) /[\w/-]+)`", section(
        "hubspot, asked by the code itself")))  # fmt: skip
    known |= {one.replace("/contacts/", "/OBJECT/") for one in known}
    known |= {re.sub(r"/tasks(?=/|$)", "/OBJECT", one) for one in known}
    made = {call_of(request) for request in asked}
    assert {"POST /crm/objects/OBJECT/batch/update", "POST /crm/lists"} <= made
    assert made - known == set(), "called, and not on the page"
    read, written = listed(0), listed(1)
    strange = set()
    for request in asked:
        kind = re.search(rf"/objects/({OBJECTS})", re.sub(r"/\d{4}-\d{2}", "", request.path))
        asked_for, set_to = properties_of(request)
        if kind is not None:
            name = kind.group(1)
            there = read.get(name, set()) | written.get(name, set())
            strange |= {f"reads {name}.{one}" for one in asked_for - there}
            strange |= {f"writes {name}.{one}" for one in set_to - written.get(name, set())}
    assert strange == set(), "and not on the page"


def test_every_path_that_the_code_knows_is_on_the_page():
    own = section("hubspot, asked by the code itself")
    folder = Path(__file__).parents[2] / "connector" / "adapters" / "hubspot"
    for path in folder.glob("*.py"):
        text = re.sub(r"/(\{API_VERSION\}|v\d)(?=[/\"])", "", path.read_text(encoding="utf-8"))
        for known in re.findall(r"\"(/[a-z][a-z-]+/[\w/-]+)\"", text):
            older = known.replace("/events/events", "/events/event-occurrences")
            assert older in own.replace("/OBJECT", ""), f"{path.name}: {known}"
