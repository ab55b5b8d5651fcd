"""`leadloop install` and `uninstall` against the practice org, as an admin calls them."""

from __future__ import annotations

import json
import re

import pytest
import requests
from click.testing import CliRunner

from connector.cli.main import leadloop
from connector.demo.shipped import shipped
from connector.errors import UsageError
from connector.practice.server import PracticeServer
from tests.contract.practice_fakes import CLIENT, SECRET, SalesforceFake

SETTINGS = """
version: 1
store: sqlite:///./state/leadloop.db
connections:
  - name: sf
    kind: salesforce
    address: {address}
    mapping: mapping.yaml
    auth: {{client_id: {client}, client_secret: "${{SF_SECRET}}"}}
"""


@pytest.fixture
def org(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SF_SECRET", SECRET)
    fake = SalesforceFake()
    with PracticeServer(fake.crm) as server:
        settings = SETTINGS.format(address=server.address, client=CLIENT)
        (tmp_path / "leadloop.yaml").write_text(settings)
        for name in ("model.yaml", "scenarios.yaml"):
            (tmp_path / name).write_text(shipped(name))
        (tmp_path / "mapping.yaml").write_text(shipped("salesforce.yaml"))
        yield fake


def call(*words):
    return CliRunner().invoke(leadloop, list(words), catch_exceptions=False)


def rows(*words):
    return json.loads(call(*words, "-o", "json").stdout)


def test_a_plan_makes_nothing_and_names_fields_parts_and_what_writes_will_meet(org):
    planned = rows("install", "sf", "--plan")
    kinds = {(row["object"], row["action"]) for row in planned["data"]}
    assert {("Lead", "create"), ("ListView", "create"), ("PermissionSet", "create")} <= kinds
    assert any("custom fields" in said for said in planned["warnings"])
    again = rows("install", "sf", "--plan")
    assert again["data"] == planned["data"]


def test_installed_fields_are_there_and_a_second_time_there_is_none_to_make(org):
    assert call("install", "sf").exit_code == 0
    fields = [r for r in rows("install", "sf", "--plan")["data"] if r["field"].endswith("__c")]
    assert {row["action"] for row in fields} == {"keep"}


def test_a_group_can_be_left_out(org):
    planned = rows("install", "sf", "--plan", "--without", "reports", "--without", "panel")
    assert not {"Report", "Dashboard", "LightningComponentBundle"} & {
        row["object"] for row in planned["data"]
    }


def test_a_canary_is_written_as_it_was_and_a_strange_one_is_refused(org):
    lead = org.put(1, title="VP")
    done = call("install", "sf", "--canary", lead)
    assert done.exit_code == 0
    assert f"canary lead/{lead}".lower() in done.stdout.lower()
    with pytest.raises(UsageError, match="no person"):
        call("install", "sf", "--canary", org.missing)


def test_an_export_writes_files_and_makes_nothing(org, tmp_path):
    done = call("install", "sf", "--export", "md")
    assert "nothing was made" in done.stdout
    field = tmp_path / "md/force-app/main/default/objects/Lead/fields"
    assert (field / "Leadloop_Score__c.field-meta.xml").exists()
    fields = [r for r in rows("install", "sf", "--plan")["data"] if r["field"].endswith("__c")]
    assert {row["action"] for row in fields} == {"create"}


def test_uninstalling_asks_first_and_fields_need_a_place_to_be_kept(org):
    call("install", "sf")
    with pytest.raises(UsageError, match="nobody is there to ask"):
        call("uninstall", "sf")
    with pytest.raises(UsageError, match="loses what they hold"):
        call("uninstall", "sf", "--fields", "--yes")
    planned = rows("uninstall", "sf", "--plan")["data"]
    assert {row["action"] for row in planned} == {"remove"}
    assert "CustomField" not in {row["kind"] for row in planned}


def test_an_admins_log_in_of_the_sf_cli_makes_it_and_is_kept_nowhere(org, tmp_path, monkeypatch):
    address = re.search(r"http://[^\s]+", (tmp_path / "leadloop.yaml").read_text())[0]
    form = {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": SECRET}
    given = requests.post(f"{address}/services/oauth2/token", data=form, timeout=10).json()
    told = json.dumps(
        {"result": {"accessToken": given["access_token"], "instanceUrl": given["instance_url"]}}
    )
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "sf"
    program.write_text(f"#!/bin/sh\necho \"$@\" >> {tmp_path}/asked\necho '{told}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    done = call("install", "sf", "--admin-cli", "my-admin")
    assert done.exit_code == 0, done.stdout
    assert "--target-org my-admin" in (tmp_path / "asked").read_text()
    kept = [
        path
        for path in tmp_path.rglob("*")
        if path.is_file()
        and path.parent != folder
        and given["access_token"].encode() in path.read_bytes()
    ]
    assert kept == []
    fields = [r for r in rows("install", "sf", "--plan")["data"] if r["field"].endswith("__c")]
    assert {row["action"] for row in fields} == {"keep"}
