"""An agency: one folder of settings, many connections of several kinds, one file each."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from connector.adapters.hubspot.adapter import HubSpotAdapter
from connector.domain.moment import DAY, format_iso
from tests.cli.test_commands import MODEL, ROOT
from tests.practice.at_work import AT_WORK, START
from tests.sync.scoring import NoScorer, score_here

FILES = 8
SETTINGS = """
version: 1
store: sqlite:///./s.db
model: model.yaml
routing: routing.yaml
stage: score
write: {limits: {records: 100%, owners: 100, clears: 100%}}
"""
PEOPLE = (
    "id,name,email,title,account,country,source,created,opted_out,status,reason,status_at,owner\n"
)
HEADS = {
    "owners.csv": "id,name,email,active,type\n",
    "accounts.csv": "id,name,domain,employees,industry,country,customer\n",
    "opportunities.csv": "id,person,account,owner,stage,amount,created,closed,reason\n",
    "activities.jsonl": "",
}


def customer(folder, name):
    """One customer of the agency, whose CRM gives files."""
    (folder / "connections.d" / f"{name}.yaml").write_text(
        f"name: {name}\nkind: files\nmapping: files.yaml\nhandoff: {'true' if name == 'c00' else 'false'}\n"
        f"files: {{folder: data/{name}, out: out/{name}}}\n"
    )
    data = folder / "data" / name
    data.mkdir(parents=True)
    for file, head in HEADS.items():
        (data / file).write_text(head)
    rows = (f"{n},P,p{n}@{name}.example,CEO,,,,2026-01-05T00:00:00Z,,New,,,\n" for n in (1, 2))
    (data / "people.csv").write_text(PEOPLE + "".join(rows))


@pytest.fixture
def agency(tmp_path, monkeypatch):
    monkeypatch.setattr("connector.sync.score.score_store", score_here)
    monkeypatch.setattr("connector.sync.score.Scorer", NoScorer)
    unpaced = replace(HubSpotAdapter.capabilities, paces=())
    monkeypatch.setattr(HubSpotAdapter, "capabilities", unpaced)
    for name, text in {
        "leadloop.yaml": SETTINGS, "model.yaml": MODEL,
        "routing.yaml": "version: 1\nfallback: {queue: nobody}\n",
        "files.yaml": (ROOT / "mappings" / "files.yaml").read_text(),
    }.items():  # fmt: skip
        (tmp_path / name).write_text(text)
    (tmp_path / "connections.d").mkdir()
    for n in range(FILES):
        customer(tmp_path, f"c{n:02}")
    made = {}
    for kind, opened in AT_WORK.items():
        (tmp_path / kind).mkdir()
        work = made[kind] = opened(tmp_path / kind)
        work.person("one", title="CEO")
        work.now += DAY
        address = next(
            line.strip()
            for line in (work.folder / "leadloop.yaml").read_text().splitlines()
            if "address" in line
        )
        (tmp_path / "connections.d" / f"{kind}.yaml").write_text(
            f"name: {kind}\nkind: {kind}\nmapping: {kind}/mapping.yaml\n{address}\nauth: {work.auth}\n"
        )
    yield tmp_path, made
    for work in made.values():
        work.close()


def scored(folder, name):
    out = folder / "out" / name / "people.csv"
    return out.read_text().count(",60,") if out.exists() else 0


def test_an_agency_works_for_all_customers_and_ones_trouble_is_called_by_its_name(
    agency, answer, leadloop
):
    folder, made = agency
    now = ("--now", format_iso(START + DAY))
    assert answer("check")["status"] == "ok"
    first = answer("run", *now, expect=5)
    answer("apply", first["data"]["plan"]["id"], "--approve", *now)
    assert {scored(folder, f"c{n:02}") for n in range(FILES)} == {2}
    assert made["salesforce"].mirrored("one", "score") == 60
    assert made["hubspot"].mirrored("one", "score") == "60"
    assert answer("run", *now)["data"]["counts"].get("apply", {}) == {}

    with (folder / "data" / "c01" / "people.csv").open("a") as file:
        file.write("3,P,p3@c01.example,CEO,,,,2026-01-05T00:00:00Z,,New,,,\n")
    (folder / "data" / "c07" / "people.csv").rename(folder / "elsewhere.csv")
    made["hubspot"].crm.logins.tokens.clear()
    run = leadloop("run", *now, expect=2)
    said = [line for line in run.stderr.splitlines() if not line.startswith("{")]
    assert said[0].startswith("Warning: hubspot: HubSpot refused the token")
    assert said[1].startswith("Error: c07: "), "the first trouble, by its connection's name"
    named = [one for one in (f"c{n:02}" for n in range(FILES)) if f"{one}: " in run.stderr]
    assert named == ["c07"]
    assert scored(folder, "c01") == 3, "everybody else's were written"
    (folder / "elsewhere.csv").rename(folder / "data" / "c07" / "people.csv")
    failed = json.loads(leadloop("run", *now, "-o", "json", expect=3).stdout)
    assert (failed["error"]["where"], failed["warnings"]) == ("hubspot", [])
    troubled = answer("status")["data"]["troubled"]
    assert [(one["connection"], one["state"]) for one in troubled] == [("hubspot", "login")]
