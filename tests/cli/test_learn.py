"""`leadloop learn` from the store: verdicts in, a change of the model's text out, with its proof."""

from __future__ import annotations

import difflib
import json
from pathlib import Path
from random import Random

import pytest
from click.testing import CliRunner
from sqlalchemy import insert

from connector.cli.main import leadloop as group
from connector.domain.moment import DAY, HOUR
from connector.engine.small import score_rows
from connector.scoring.model import load_model
from connector.store import schema
from connector.store.database import open_store
from connector.store.persons.people import dumps
from tests.past import NOW, did

pytest.importorskip("sklearn")
SHIPPED = Path(__file__).parents[2] / "mappings" / "model.yaml"
SETTINGS = """
version: 1
store: sqlite:///./s.db
model: model.yaml
connections:
  - {name: crm, kind: files, mapping: mapping.yaml, files: {folder: data, out: out}}
"""
# What the shipped model does not know of this company: small farms buy, vice presidents do not.
CHANCES = {"farming": 0.75, "software": 0.25, "retail trade": 0.15}


@pytest.fixture
def company(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "leadloop.yaml").write_text(SETTINGS)
    (tmp_path / "model.yaml").write_text(SHIPPED.read_text())
    return tmp_path


def fill(folder, passes, seed=3):
    """So many passes through sales' hands, spread over 300 days, won by industry and webinars."""
    luck = Random(seed)
    rows = {name: [] for name in ("person", "cycle", "disposition", "activity")}
    for n in range(passes):
        who, at = f"crm/lead/{n}", NOW - 300 * DAY + n * (280 * DAY // passes)
        industry, came = luck.choice(list(CHANCES)), luck.random() < 0.4
        facts = {
            "account.industry": industry,
            "seniority": luck.choice(["vp", "manager", "staff"]),
            "account.employees": float(luck.randrange(5, 2000)),
        }
        won = luck.random() < min(0.95, CHANCES[industry] + (0.2 if came else 0))
        end, reason = ("won", None) if won else (luck.choice(["rejected", "lost"]), "no_budget")
        rows["person"].append({
            "id": who, "facts": dumps(facts), "doc": "{}", "excluded": "customer" if won else None,
            "stale": False, "pending": False, "first_run": "r",
        })  # fmt: skip
        rows["cycle"].append({
            "person": who, "number": 1, "state": end, "why": end, "since": at + 9 * DAY,
            "next_at": None, "opened_at": at - 30 * DAY, "behaviour_at": None, "owner": None,
            "routed_at": at, "handed_off_at": at, "sla_due_at": None, "theme": None,
            "verdict": end, "verdict_reason": reason, "verdict_at": at + 9 * DAY, "current": True,
        })  # fmt: skip
        rows["disposition"].append({
            "id": str(n), "person": who, "number": 1, "verdict": end, "reason": reason,
            "at": at + 9 * DAY, "by": None, "source": who, "run": "r",
        })  # fmt: skip
        rows["activity"].append(did(who, f"{n}.v", at - luck.randrange(1, 50) * DAY))
        if came:
            rows["activity"].append(did(who, f"{n}.w", at - 3 * DAY, type="webinar"))
        # What comes after the hand-off must not be learnt from: everybody who won got a contract.
        if won:
            rows["activity"].append(did(who, f"{n}.c", at + HOUR, type="contract_sent"))
    store = open_store(f"sqlite:///{folder}/s.db")
    with store.write() as tx:
        for name, found in rows.items():
            tx.execute(insert(getattr(schema, name)), found)
    store.close()


def learn(*words):
    result = CliRunner().invoke(group, ["learn", *words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def test_learning_from_verdicts_gives_a_patch_that_loads_and_its_test_beside_the_old_model(company):
    fill(company, 600)
    before = (company / "model.yaml").read_text()
    data = json.loads(learn("--out", "revised.yaml", "-o", "json").stdout)["data"]

    assert (company / "model.yaml").read_text() == before  # a person merges it
    revised = (company / "revised.yaml").read_text()
    assert revised == data["revised"]
    new, old = load_model(company / "revised.yaml"), load_model(company / "model.yaml")
    assert new.hash != old.hash
    head, _, rest = before.partition("weights: {fit: 60, behaviour: 40}\n")
    middle = rest[: rest.index("  full_marks: 60 #")]
    after_fit = before[before.index("    # No rule on") : before.index("  full_marks: 50")]
    tail = before[before.index("\n# Who is out") :]
    assert revised.startswith(head)  # what is not learnt stays, byte for byte
    assert all(part in revised for part in (middle, after_fit))
    assert revised.endswith(tail)
    assert "20 + 20 + 12 + 8" not in revised  # it is not true any more
    diff = difflib.unified_diff(before.splitlines(), revised.splitlines(), lineterm="")
    changes = [line for line in diff if line[:1] in "+-" and line[:3] not in {"+++", "---"}]
    shown = [line.rstrip() for line in data["patch"].splitlines()]
    assert changes
    assert all(line.rstrip() in shown for line in changes)

    told = data["backtest"]
    assert told["tested_on"] == pytest.approx(180, abs=2)  # the newest 30% of 600
    for one in (told["old"], told["new"]):
        assert 0 < one["low"] < one["auc"] < one["high"] < 1
    assert told["new"]["auc"] > told["old"]["auc"] + 0.1
    assert told["new"]["tested_on"] == told["tested_on"]
    assert not [row for row in data["points"] if "contract_sent" in row["field"]]

    def fit(model, industry):
        row = {"person": "p", "account.industry": industry, "seniority": "staff"}
        return score_rows(model, [row], [], NOW)[0][0].fit

    assert fit(old, "farming") < fit(old, "software")
    assert fit(new, "farming") > fit(new, "software") > -1


def test_people_read_the_patch_and_both_figures(company):
    fill(company, 600)
    told = learn().output
    assert "The model in force: " in told
    assert "on the newest 180" in told
    assert "+++ " in told
    assert "farming" in told


def test_too_few_outcomes_give_a_watch_and_no_patch(company):
    fill(company, 30)
    data = json.loads(learn("-o", "json").stdout)["data"]
    assert data["patch"] is data["revised"] is data["backtest"] is None
    assert {"account.industry", "seniority"} <= {row["field"] for row in data["watch"]}
