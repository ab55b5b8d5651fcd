"""`leadloop init hubspot`: settings and a mapping that fit a portal as HubSpot ships it."""

from __future__ import annotations

import json

import pytest
import responses

from connector.cli.main import main
from connector.config.load import load_settings
from connector.mapping.compile import compile_mapping
from connector.mapping.document import load_mapping
from tests.unit.adapters.hubspot_edge import BASE, TOKEN, Portal, definition

OURS = "leadloop_"


def test_it_writes_what_the_portal_is_read_with_before_any_field_of_ours_is_there(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HUBSPOT_TOKEN", TOKEN)
    portal = Portal("2026-09")
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        portal.serve(mock)
        portal.properties = dict.fromkeys(("contacts", "companies", "deals"), BASE)
        assert _run("init", "hubspot") == 2
        assert "has no property" in capsys.readouterr().err
        portal.properties = _shipped(tmp_path)
        portal.put("contacts", 1, email="ada@a.example", jobtitle="VP", hs_lead_status="MINE")
        portal.put("emails", 1, hs_email_direction="EMAIL", hs_timestamp="2026-10-01T00:00:00Z")
        portal.ties["emails", "contacts"] = {"1": [{"toObjectId": "1", "associationTypes": []}]}
        assert _run("init", "hubspot", "--force", "-o", "json") == 0
    profile = json.loads(capsys.readouterr().out)["data"]["profile"]
    assert profile["rows"]["contact"] == 1
    assert profile["activity_types"] == {"email_sent": 1}
    assert profile["rejected"] == {}
    unmapped = {"object": "contact", "field": "hs_lead_status", "value": "MINE", "rows": 1}
    assert profile["unmapped"] == [unmapped]
    settings = (tmp_path / "leadloop.yaml").read_text()
    assert TOKEN not in settings
    link = "https://app-eu1.hubspot.com/contacts/4711/record/0-1/{id}"
    assert load_settings(tmp_path / "leadloop.yaml").settings.handoff.link == link


def _run(*words):
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    return ended.value.code


def _shipped(folder):
    """The portal's own properties, as far as the mapping names them."""
    found = {}
    for one in compile_mapping(load_mapping(folder / "mapping.yaml")).values():
        names = {n.partition(".")[0] for n in one.names} | {"firstname", "lastname"}
        wanted = (n for n in sorted(names) if not n.startswith((OURS, "associations")))
        found[one.source] = [*BASE, *(definition(n) for n in wanted if n not in {"id"})]
    return found
