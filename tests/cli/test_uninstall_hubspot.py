"""`leadloop uninstall hubspot`, as an admin looks before anything goes."""

from __future__ import annotations

import pytest
import responses

from connector.cli.main import main
from connector.demo.shipped import shipped
from tests.unit.adapters.hubspot_edge import BASE, TOKEN, Portal, definition

SETTINGS = """
version: 1
store: sqlite:///./state/leadloop.db
connections:
  - {name: hubspot, kind: hubspot, mapping: mapping.yaml, auth: {token: "${HUBSPOT_TOKEN}"}}
"""


@pytest.fixture
def portal(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HUBSPOT_TOKEN", TOKEN)
    (tmp_path / "leadloop.yaml").write_text(SETTINGS)
    (tmp_path / "mapping.yaml").write_text(shipped("hubspot.yaml"))
    portal = Portal("2026-09")
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        portal.serve(mock)
        ours = definition("leadloop_score", "number", "number", groupName="leadloop")
        portal.properties = {"contacts": [*BASE, ours], "companies": BASE, "deals": BASE}
        yield portal


def run(*words):
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    return ended.value.code


def test_the_plan_counts_the_values_that_stay_and_those_that_would_go(portal, capsys):
    for number in range(1, 6):
        portal.put("contacts", number, leadloop_score="7" if number < 4 else None)
    assert run("uninstall", "hubspot", "--plan") == 0
    told = capsys.readouterr().out
    assert "records with a value: 3; it stays, --fields archives it" in " ".join(told.split())
    assert "0 would be removed, 0 blocked; fields and what they hold stay" in told
    assert run("uninstall", "hubspot", "--plan", "--fields") == 0
    told = capsys.readouterr().out
    assert "records with a value: 3; restorable for 90 days" in " ".join(told.split())
    assert "1 would be removed, 0 blocked" in told
    assert "leadloop_score" in {one["name"] for one in portal.properties["contacts"]}
