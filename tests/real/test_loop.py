"""The whole loop over a real Odoo with two thousand leads, by files and the command line alone."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.real.seed import seed

pytestmark = pytest.mark.real
ROOT = Path(__file__).parents[2]
SETTINGS = """
version: 1
store: sqlite:///./leadloop.db
model: model.yaml
routing: routing.yaml
stage: route
connections:
  - name: odoo
    kind: odoo
    address: {address}
    mapping: odoo.yaml
    auth: {{database: {database}, login: admin, key: "${{LEADLOOP_TEST_KEY}}"}}
"""
ROUTING = """
version: 1
precedence: [last_owner]
pools: {team: {members: [{owner: anna@acme.example}, {owner: ben@acme.example}]}}
fallback: {pool: team}
"""
MODEL = """
version: 1
name: odoo
fit:
  full_marks: 20
  groups:
    - name: who
      rules:
        - {name: Leads others, field: seniority, in: [vp, director, manager], points: 20}
behaviour:
  full_marks: 20
  groups:
    - name: mail
      rules:
        - {name: Clicked, activity: email_click, points: 14, half_life: none, max: 20}
        - {name: Opened, activity: email_open, points: 5, half_life: none, max: 10}
"""


class Place:
    """A folder with settings, and the command line run in it."""

    def __init__(self, folder: Path, odoo) -> None:
        self.folder = folder
        self.odoo = odoo
        values = {"address": odoo.address, "database": odoo.database}
        (folder / "leadloop.yaml").write_text(SETTINGS.format(**values))
        (folder / "routing.yaml").write_text(ROUTING)
        (folder / "model.yaml").write_text(MODEL)
        mapping = (ROOT / "mappings" / "odoo.yaml").read_text()
        (folder / "odoo.yaml").write_text(mapping)

    def leadloop(self, *words: str, expect: int = 0):
        done = subprocess.run(
            [sys.executable, "-m", "connector", *words, "-o", "json"],
            cwd=self.folder,
            env={
                "PATH": "/usr/bin:/bin",
                "PYTHONPATH": str(ROOT),
                "LEADLOOP_TEST_KEY": self.odoo.key,
            },
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == expect, done.stdout[-1500:] + done.stderr[-3000:]
        assert self.odoo.key not in done.stdout + done.stderr
        return json.loads(done.stdout)

    def counts(self, answer, step):
        return answer["data"]["counts"].get(step, {})


@pytest.fixture(scope="module")
def seeded(odoo):
    return seed(odoo.call, odoo.sql)


@pytest.fixture(scope="module")
def place(odoo, seeded, tmp_path_factory):
    place = Place(tmp_path_factory.mktemp("odoo"), odoo)
    place.seeded = seeded
    time.sleep(1.1)
    return place


@pytest.fixture(scope="module")
def first(place):
    place.leadloop("install")
    answer = place.leadloop("run", expect=5)
    applied = place.leadloop("apply", answer["data"]["plan"]["id"], "--approve")
    return answer, applied


def tasks_of_ours(odoo):
    return odoo.call(
        "mail.activity",
        "search_read",
        domain=[["summary", "like", "[leadloop-"], ["active", "in", [True, False]]],
        fields=["res_id", "user_id"],
    )


def shown(odoo, domain, fields):
    domain = [*domain, ["active", "in", [True, False]]]
    return odoo.call("crm.lead", "search_read", domain=domain, fields=fields, order="id")


def test_install_makes_our_fields_and_then_nothing_more(place, first):
    steps = place.leadloop("install")["data"]
    assert {step["action"] for step in steps} == {"keep"}
    assert {step["field"] for step in steps} >= {"x_leadloop_score", "x_leadloop_nurture"}


def test_everything_is_read_and_scored(place, first):
    answer, _ = first
    pulled = place.counts(answer, "pull")
    assert pulled["new person"] == place.seeded["leads"]
    assert pulled["new activity"] >= place.seeded["traces"]
    assert place.counts(answer, "score")["scored"] == place.seeded["leads"]


def test_won_lost_and_reasons_come_back_as_verdicts(place, first):
    answer, _ = first
    collected = place.counts(answer, "collect")
    assert collected["won"] == place.seeded["won"]
    assert collected["lost"] == place.seeded["lost"]
    rows = place.leadloop("dispositions", "--limit", "5000")["data"]
    reasons = {row["reason"] for row in rows if row["verdict"] == "lost"}
    assert reasons == {"Too expensive", "We don't have people/skills", "Not enough stock"}


def test_scores_reasons_and_flags_stand_in_odoo(place, first, odoo):
    rows = shown(odoo, [], ["x_leadloop_score", "x_leadloop_reasons", "x_leadloop_nurture"])
    assert len(rows) == place.seeded["leads"]
    scores = [row["x_leadloop_score"] for row in rows]
    assert max(scores) > 80
    assert len(set(scores)) > 5
    assert any(row["x_leadloop_nurture"] for row in rows)
    best = max(rows, key=lambda row: row["x_leadloop_score"])
    assert "Leads others" in best["x_leadloop_reasons"]


def test_a_second_run_writes_nothing(place, first, odoo):
    before = odoo.call("crm.lead", "search_count", domain=[["write_date", ">", "2000-01-01"]])
    time.sleep(1.1)
    latest = odoo.sql("SELECT max(write_date) FROM crm_lead")
    answer = place.leadloop("run")
    assert place.counts(answer, "apply") == {}
    assert place.counts(answer, "plan") == {}
    assert odoo.sql("SELECT max(write_date) FROM crm_lead") == latest
    assert before


def test_released_people_get_an_owner_and_a_persons_change_of_it_survives(place, first, odoo):
    released = place.leadloop("handoffs", "release", "--per-day", "6")["data"]["released"]
    assert released == 6
    answer = place.leadloop("run")
    assert place.counts(answer, "apply")["handed_off"] == 6
    rows = shown(odoo, [["x_leadloop_state", "=", "handed_off"]], ["user_id"])
    given = [row for row in rows if row["user_id"]]
    names = {row["user_id"][1] for row in given}
    assert names >= {"Anna", "Ben"}
    tasks = {row["res_id"]: row["user_id"][1] for row in tasks_of_ours(odoo)}
    assert len(tasks) == 6
    assert set(tasks.values()) == {"Anna", "Ben"}, "nobody whom sales had before gets one"
    carla = odoo.call("res.users", "search", domain=[["login", "=", "carla@acme.example"]])[0]
    mine = odoo.sql(
        "SELECT id FROM crm_lead WHERE x_leadloop_state = 'handed_off' AND user_id IS NOT NULL "
        "ORDER BY write_date DESC LIMIT 1"
    )
    odoo.call("crm.lead", "write", [int(mine)], vals={"user_id": carla})
    time.sleep(1.1)
    for _ in range(2):
        place.leadloop("run")
    assert len(tasks_of_ours(odoo)) == 6, "a task is made once"
    (row,) = shown(odoo, [["id", "=", int(mine)]], ["user_id"])
    assert row["user_id"][0] == carla
    told = place.leadloop("explain", f"odoo/lead/{mine}")["data"]
    assert told["cycle"]["owner"] == f"odoo/{carla}"


def test_a_lead_lost_with_a_reason_is_rejected_with_it(place, first, odoo):
    lead = odoo.call(
        "crm.lead", "create", vals_list=[{"name": "New", "email_from": "n@new.example"}]
    )
    time.sleep(1.1)
    place.leadloop("run")
    (reason,) = odoo.call("crm.lost.reason", "search", domain=[["name", "=", "Too expensive"]])
    odoo.call("crm.lead", "action_set_lost", lead, lost_reason_id=reason)
    time.sleep(1.1)
    place.leadloop("run")
    (row,) = shown(odoo, [["id", "=", lead[0]]], ["x_leadloop_state", "x_leadloop_verdict"])
    assert row["x_leadloop_state"] == "lost"
    assert row["x_leadloop_verdict"] == "lost: Too expensive"


def test_a_wrong_key_is_said_and_nothing_is_lost(place, first, odoo):
    right, odoo_key = place.odoo.key, "0" * 40
    place.odoo.key = odoo_key
    try:
        answer = place.leadloop("run", expect=3)
    finally:
        place.odoo.key = right
    assert answer["error"]["code"] == "login"
    later = place.leadloop("run", expect=3)["error"]
    assert "not tried again before" in later["message"], "a refused log-in is not hammered"
    place.leadloop("doctor")
    assert place.leadloop("run")["status"] == "ok"


def test_init_reads_the_live_schema_and_writes_nothing_to_odoo(place, first, odoo, tmp_path):
    latest = odoo.sql("SELECT max(write_date) FROM crm_lead")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "connector", "init", "odoo", "-o", "json"),
            *("--address", odoo.address, "--database", odoo.database),
        ],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "ODOO_KEY": odoo.key},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    profile = json.loads(done.stdout)["data"]["profile"]
    filled = {one["field"]: one["filled"] for one in profile["fields"]}
    assert profile["rows"]["lead"] >= place.seeded["leads"]
    assert filled["title"] > 0.9
    assert profile["activity_types"]["email_sent"] > 1000
    assert odoo.key not in done.stdout + done.stderr + (tmp_path / "leadloop.yaml").read_text()
    assert odoo.sql("SELECT max(write_date) FROM crm_lead") == latest


def test_mails_and_tasks_on_a_lead_become_activities(place, first, odoo):
    (lead,) = odoo.call(
        "crm.lead", "create", vals_list=[{"name": "Talker", "email_from": "t@talk.example"}]
    )
    odoo.call(
        "mail.message",
        "create",
        vals_list=[
            {"model": "crm.lead", "res_id": lead, "message_type": "email", "body": "<p>Hello</p>"}
        ],
    )
    (model,) = odoo.call("ir.model", "search", domain=[["model", "=", "crm.lead"]])
    kind = odoo.call("mail.activity.type", "search", domain=[["category", "=", "phonecall"]])
    (task,) = odoo.call(
        "mail.activity",
        "create",
        vals_list=[{"res_model_id": model, "res_id": lead, "activity_type_id": kind[0]}],
    )
    odoo.call("mail.activity", "action_feedback", [task], feedback="spoke")
    time.sleep(1.1)
    place.leadloop("run")
    told = place.leadloop("explain", f"odoo/lead/{lead}")["data"]["activities"]
    assert {one["type"] for one in told} >= {"email_reply", "call"}
