"""Killed at any moment, run again until it is done: the files end as if nothing had happened."""

from __future__ import annotations

import csv
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest

from connector.domain.moment import parse_iso
from tests.crash.company import invent
from tests.crash.folder import write_folder

pytestmark = pytest.mark.crash
ROOT = Path(__file__).parents[2]
NOW = "2026-06-01T00:00:00Z"
SETTINGS = """
version: 1
store: sqlite:///./s.db
model: model.yaml
routing: routing.yaml
stage: route
connections:
  - {name: crm, kind: files, mapping: mapping.yaml, files: {folder: company, out: out}}
write: {limits: {records: 100%, owners: 100000, clears: 100%}}
"""
VOLATILE = ("leadloop_run",)


def settle(folder: Path) -> None:
    company = invent(3, parse_iso(NOW))
    del company.people[600:]
    kept = {row["id"] for row in company.people}
    company.activities = [row for row in company.activities if row["person"] in kept]
    company.opportunities = [row for row in company.opportunities if row["person"] in kept]
    write_folder(company, folder / "company")
    (folder / "leadloop.yaml").write_text(SETTINGS)
    for ours, theirs in (("mapping", "files"), ("model", "model"), ("routing", "routing")):
        text = (ROOT / "mappings" / f"{theirs}.yaml").read_text()
        (folder / f"{ours}.yaml").write_text(text)


def start(folder: Path, *words: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "connector", *words, "--now", NOW, "-q", "-o", "json"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_until_it_runs(folder: Path) -> None:
    """Return once the store says that a run is going on."""
    for _ in range(600):
        time.sleep(0.05)
        with suppress(sqlite3.Error), closing(sqlite3.connect(folder / "s.db")) as store:
            if store.execute("SELECT 1 FROM run WHERE status = 'running'").fetchone():
                return
    raise AssertionError("the run never began")


def finish(folder: Path, *words: str) -> int:
    child = start(folder, *words)
    out, err = child.communicate(timeout=120)
    assert child.returncode in {0, 4, 5}, out[-500:] + err[-2000:]
    return child.returncode


def kill_until_done(folder: Path, luck: random.Random, longest: float, *words: str) -> int:
    """Start the command and kill it after a random time, again and again, until one ends by itself."""
    kills = 0
    while True:
        child = start(folder, *words)
        try:
            child.wait(luck.uniform(0.2, longest))
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.communicate()
            kills += 1
            longest *= 1.1  # in the end it may finish
            continue
        out, err = child.communicate()
        assert child.returncode in {0, 4, 5}, out[-500:] + err[-2000:]
        return kills


def plan_of(folder: Path) -> str:
    store = sqlite3.connect(folder / "s.db")
    rows = store.execute(
        "SELECT id FROM plan WHERE state = 'needs_approval' ORDER BY created_at, id"
    )
    found = [row[0] for row in rows]
    store.close()
    return found[-1]


def outcome(folder: Path) -> dict[str, dict[str, str]]:
    with (folder / "out" / "people.csv").open(encoding="utf-8") as file:
        return {
            row["id"]: {k: v for k, v in row.items() if k not in VOLATILE}
            for row in csv.DictReader(file)
        }


def journey(folder: Path, go) -> dict[str, dict[str, str]]:
    """First run, approval, release of the backlog, second run."""
    go("run")
    go("apply", plan_of(folder), "--approve")
    finish(folder, "handoffs", "release", "--per-day", "5")
    go("run")
    finish(folder, "run")
    return outcome(folder)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_killed_at_random_and_run_again_the_files_end_the_same(tmp_path, seed):
    (tmp_path / "calm").mkdir()
    (tmp_path / "wild").mkdir()
    settle(tmp_path / "calm")
    settle(tmp_path / "wild")
    calm = journey(tmp_path / "calm", lambda *words: finish(tmp_path / "calm", *words))
    luck = random.Random(seed)
    kills = []

    def wild(*words):
        kills.append(kill_until_done(tmp_path / "wild", luck, 1.0, *words))

    found = journey(tmp_path / "wild", wild)
    assert sum(kills) >= 3, "nothing was killed, so nothing was shown"
    assert found == calm
    assert len(calm) > 500


def test_asked_to_stop_it_saves_and_ends_with_75(tmp_path):
    settle(tmp_path)
    child = start(tmp_path, "run")
    wait_until_it_runs(tmp_path)
    child.send_signal(signal.SIGTERM)
    _, err = child.communicate(timeout=60)
    assert child.returncode in {75, 5}, err
    if child.returncode == 75:
        assert "stopped on request" in err
    assert finish(tmp_path, "run") == 5
