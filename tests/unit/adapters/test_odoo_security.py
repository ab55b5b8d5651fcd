"""What the code asks of an Odoo database, beside the mapping, stands in docs/security.md."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import responses

from connector.adapters.base import FieldStep, NewTask, Window
from connector.adapters.odoo.adapter import OdooAdapter
from connector.domain.change import Write
from connector.domain.outward import FieldType
from connector.mapping.compile import compile_mapping
from connector.mapping.document import load_mapping

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
ADDRESS = "https://odoo.example"
EVERYWHERE = {"id", "write_date", "active"}
OBJECTS = compile_mapping(load_mapping(ROOT / "mappings" / "odoo.yaml"))
NOW = 1_780_000_000_000_000
MANY = {"country_id": "res.country"}
MODELS = ("crm.lead", "mailing.subscription")


def listed(place):
    """The fields that the page names of each model: those read, or those written."""
    found: dict[str, set[str]] = {}
    for title in ("odoo", "odoo, asked by the code itself"):
        page = PAGE.partition(f"\n### {title}\n")[2].partition("\n### ")[0]
        for name, *cells in re.findall(r"^\| `([\w.]+)` \| (.*?) ?\| (.*?) ?\|", page, re.M):
            names = {one.partition(".")[0] for one in re.findall(r"`([\w.]+)`", cells[place])}
            found.setdefault(name, set()).update(names)
    return found


def value_of(model, name):
    if name == "id":
        return 1
    if name in {"contact_id", "list_id"} or name in MANY:
        return [1, "one"]
    if name == "opt_out":
        return False
    told = {"email_normalized": "a@b.example", "x_leadloop_nurture": True, "model": model,
            "x_leadloop_nurture_theme": "general", "name": "Leadloop nurture: general",
            "res_id": 1, "summary": "Call [m1]"}  # fmt: skip
    return told.get(name, False)


@pytest.fixture
def asked():
    """What each verb asks for: (model, method, arguments), of a server that has all it is asked."""
    calls = []

    def answer(request):
        model, method = request.url.rpartition("/json/2/")[2].split("/")
        given = json.loads(request.body or b"{}")
        calls.append((model, method, given))
        told = {
            "context_get": {"uid": 2},
            "fields_get": _Fields(model),
            "create": [len(calls)],
            "search_read": [{n: value_of(model, n) for n in ["id", *given.get("fields", [])]}],
            "read": [{n: value_of(model, n) for n in ["id", *given.get("fields", [])]}],
        }.get(method, True)
        if method == "search_read" and any(t[1:] == [">", 1] for t in given.get("domain", [])):
            told = []
        body = told.plain() if isinstance(told, _Fields) else told
        return 200, {"Content-Type": "application/json"}, json.dumps(body)

    with responses.RequestsMock(assert_all_requests_are_fired=False) as net:
        day = {"Date": "Mon, 02 Mar 2026 09:00:00 GMT"}
        net.get(re.compile(f"{ADDRESS}/.*version.*"), json={"version_info": [19, 0], "version": "19.0"},
                headers=day)  # fmt: skip
        net.post(re.compile(f"{ADDRESS}/web/webclient/version_info"), headers=day,
                 json={"result": {"server_version_info": [19, 0], "server_version": "19.0"}})  # fmt: skip
        net.add_callback(responses.POST, re.compile(f"{ADDRESS}/json/2/.*"), answer)
        adapter = OdooAdapter(ADDRESS, "crm", "me", lambda: "key", page=1)
        _live(adapter)
        adapter.close()
    return calls


class _Fields:
    """The fields of a model, as `fields_get` gives them: all that mapping and code may ask for."""

    def __init__(self, model):
        names = {n.partition(".")[0] for one in OBJECTS.values() for n in one.names}
        names |= {"active", "email_normalized", "summary", "name", "code", *EVERYWHERE}
        self.names = names | {t.to for one in OBJECTS.values() for t in one.writes.values()}

    def plain(self):
        return {
            name: {
                "type": "many2one" if name in MANY else "char",
                "string": name,
                "readonly": False,
            }
            | ({"relation": MANY[name]} if name in MANY else {})
            for name in self.names
        }


def _live(adapter):
    adapter.check()
    adapter.sources()
    for one in OBJECTS.values():
        next(iter(adapter.read(one.source, one.names, Window(None, NOW), None)), None)
        adapter.read_ids(one.source, one.names, ["1"])
    lead = next(one for one in OBJECTS.values() if one.writes)
    flags = {"x_leadloop_nurture": True, "x_leadloop_nurture_theme": "general"}
    adapter.write([Write(lead.source, "1", flags)])
    task = NewTask("m1", lead.source, "1", "2", "Call [m1]", "text", NOW)
    adapter.find_tasks([task])
    adapter.create_task(task)
    step = FieldStep(lead.source, "x_leadloop_new", FieldType.TEXT, "New", 80, "create")
    adapter.create_fields(adapter.plan_fields([step]))


def test_every_field_that_is_asked_for_or_written_is_on_the_page(asked):
    there, put = listed(0), listed(1)
    models = {model for model, _, _ in asked}
    assert {"mail.activity", "mailing.subscription", "ir.model.fields", "res.country"} <= models
    strange = set()
    for model, method, given in asked:
        known = there.get(model, set()) | put.get(model, set()) | EVERYWHERE
        terms = [term[0] for term in given.get("domain", ()) if isinstance(term, list)]
        strange |= {f"reads {model}.{n}" for n in [*given.get("fields", ()), *terms]
                    if n.partition(".")[0] not in known}  # fmt: skip
        values = [*given.get("vals_list", ())] + ([given["vals"]] if "vals" in given else [])
        strange |= {f"writes {model}.{n}" for one in values for n in one
                    if n not in put.get(model, set())}  # fmt: skip
        assert method in {
            "search_read",
            "fields_get",
            "context_get",
            "read",
            "create",
            "write",
            "unlink",
        }
        assert model in there or model in put
    assert strange == set(), "and not on the page"


def test_every_model_that_the_code_names_is_on_the_page():
    there = set(listed(0)) | set(listed(1))
    for path in (ROOT / "connector" / "adapters" / "odoo").glob("*.py"):
        text = path.read_text(encoding="utf-8")
        named = set(re.findall(r"\"((?:ir|res|mail|mailing|crm)\.[a-z.]+)\"", text))
        assert named <= there, path.name
