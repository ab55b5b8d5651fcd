"""tap-salesforce, a Singer tap that others wrote, reads the practice org.

It wants libraries of its own, so it runs on the Python of its own environment, which
LEADLOOP_TAP_PYTHON names; without one these tests are skipped.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.practice.conftest import CLIENT, SECRET

PYTHON = os.environ.get("LEADLOOP_TAP_PYTHON", "")
RUNNER = Path(__file__).with_name("run_tap_salesforce.py")
pytestmark = pytest.mark.skipif(
    not PYTHON or not Path(PYTHON).exists(),
    reason="tap-salesforce is not installed here (LEADLOOP_TAP_PYTHON)",
)


class Tap:
    """The tap with its file of settings, into which it writes the refresh token it is given."""

    def __init__(self, salesforce, folder: Path) -> None:
        self.sf, self.config = salesforce, folder / "config.json"
        token = salesforce.crm.steer("refresher", {"client": CLIENT})["refresh_token"]
        settings = {"refresh_token": token, "client_id": CLIENT, "client_secret": SECRET}
        self.config.write_text(json.dumps(settings))

    def run(self, *streams, state=None):
        """What the tap gives: records by stream, and its last state."""
        asked = [self.sf.url, str(self.config), json.dumps(state or {}), *streams]
        done = subprocess.run(
            [PYTHON, str(RUNNER), *asked], capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return taken_apart(done.stdout)


@pytest.fixture
def tap(salesforce, tmp_path):
    return Tap(salesforce, tmp_path)


def taken_apart(said: str):
    found: dict[str, list[dict]] = {}
    kept = {}
    for line in said.splitlines():
        one = json.loads(line)
        if one["type"] == "RECORD":
            found.setdefault(one["stream"], []).append(one["record"])
        elif one["type"] == "STATE":
            kept = one["value"]
    return found, kept


def test_the_tap_discovers_the_org_and_reads_leads_to_the_last_page(salesforce, tap):
    ids = salesforce.leads(2345, City="Rome", NumberOfEmployees=12)
    salesforce.crm.steer("delete", {"id": ids[0]})
    found, _ = tap.run("Lead")
    assert {row["Id"] for row in found["Lead"]} == set(ids)
    (gone,) = [row for row in found["Lead"] if row["IsDeleted"]]
    assert gone["Id"] == ids[0]
    row = next(row for row in found["Lead"] if row["Id"] == ids[1])
    assert (row["City"], row["NumberOfEmployees"]) == ("Rome", 12)
    assert row["Address"]["city"] == "Rome"


def test_the_tap_goes_on_where_it_was(salesforce, tap):
    old, other = salesforce.leads(2)
    salesforce.tick(3600)
    (newest,) = salesforce.leads(1)
    _, state = tap.run("Lead")
    salesforce.tick(3600)
    salesforce.write({"id": old, "Title": "CEO"})
    found, _ = tap.run("Lead", state=state)
    titles = {row["Id"]: row["Title"] for row in found["Lead"]}
    assert titles == {newest: "Boss", old: "CEO"}  # it reads from the last stamp on, that one too
    assert other not in titles


def test_the_tap_reads_every_kind_of_record_that_the_org_has(salesforce, tap):
    (lead,) = salesforce.leads(1)
    salesforce.load(
        Account=[{"Name": "Mills"}],
        Contact=[{"LastName": "C", "AccountId": "@Account:0"}],
        Opportunity=[{"Name": "O", "StageName": "Prospecting", "AccountId": "@Account:0"}],
        Campaign=[{"Name": "Fair"}],
        CampaignMember=[{"CampaignId": "@Campaign:0", "LeadId": lead}],
        Task=[{"WhoId": lead, "Subject": "Call"}],
        Event=[{"WhoId": lead, "Subject": "Demo"}],
    )
    salesforce.write({"id": lead, "Status": "Working - Contacted"})
    found, _ = tap.run()
    counts = {name: len(rows) for name, rows in found.items()}
    for name in ("Lead", "Contact", "Account", "Opportunity", "Campaign", "CampaignMember", "Task",
                 "Event", "LeadHistory", "OpportunityHistory"):  # fmt: skip
        assert counts[name] == 1, (name, counts)
