"""Left alone: runs that meet, runs that are stopped, and what the scheduler is told."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from connector.store.database import open_store
from connector.store.running import leases
from tests.cli.test_commands import NOW, small, start, written

__all__ = ["small"]

SLOW = """
import sys, time
from connector.cli import stopping
from connector.cli.main import main
from connector.cli.progress import Progress
def tell(self, step, counts):
    if step == "resolve" and not seen:
        seen.append(step)
        print("resolving", file=sys.stderr, flush=True)
        sys.stdin.readline()
seen = []
grace = float(sys.argv.pop(1))
listen = stopping.stopping
stopping.stopping = lambda: listen(grace)
Progress.__call__ = tell
main()
"""


@pytest.fixture
def slow(small):
    """A run in a process of its own that waits, between two transactions, to be told to go on."""
    children = []

    def go(*words, grace=20.0):
        child = subprocess.Popen(
            [sys.executable, "-c", SLOW, str(grace), *words, *NOW],
            cwd=small,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        children.append(child)
        while (line := child.stderr.readline()) != "resolving\n":
            assert line
        return child

    yield go
    for child in children:
        child.kill()
        child.communicate()


def contents(folder):
    """Every row of the store but the lease, as text."""
    import sqlite3

    store = sqlite3.connect(folder / "s.db")
    tables = [r[0] for r in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    found = {t: store.execute(f"SELECT * FROM {t}").fetchall() for t in tables if t != "lease"}
    store.close()
    return found


def test_a_tick_that_finds_a_run_going_on_is_skipped_and_leaves_no_trace(small, slow, answer):
    child = slow("run")
    before = contents(small)
    told = answer("run", *NOW, expect=75)
    assert (told["status"], told["error"]["code"]) == ("skipped", "busy")
    assert contents(small) == before
    child.communicate("go\n", timeout=60)
    assert child.returncode == 5
    assert [r["status"] for r in answer("runs", "list")["data"]] == ["needs_approval"]


def test_a_run_that_stood_still_until_another_took_over_commits_nothing_when_it_wakes(
    small, slow, answer
):
    start(answer)
    path = small / "data" / "people.csv"
    path.write_text(path.read_text().replace("Ben", "Benjamin").replace("Clerk", "CEO"))
    child = slow("run")
    os.kill(child.pid, signal.SIGSTOP)
    store = open_store(f"sqlite:///{small}/s.db")
    with store.write() as tx:
        tx.exec_driver_sql("UPDATE lease SET expires_at = 0")
    store.close()
    assert answer("run", *NOW)["status"] == "ok"
    before, files = contents(small), written(small)
    os.kill(child.pid, signal.SIGCONT)
    _, said = child.communicate("go\n", timeout=60)
    assert child.returncode == 75, said
    assert "took over" in said
    assert contents(small) == before
    assert written(small) == files
    statuses = [r["status"] for r in answer("runs", "list")["data"]]
    assert statuses[:2] == ["ok", "crashed"]
    assert leases.TTL == 900_000_000


def lease(folder):
    return contents_of(folder, "SELECT holder, expires_at FROM lease")[0]


def contents_of(folder, sql):
    import sqlite3

    store = sqlite3.connect(folder / "s.db")
    found = store.execute(sql).fetchall()
    store.close()
    return found


def test_asked_to_stop_it_saves_releases_and_ends_with_75_and_the_next_run_goes_on(
    small, slow, answer
):
    child = slow("run", "-o", "json")
    child.send_signal(signal.SIGTERM)
    out, said = child.communicate("go\n", timeout=60)
    assert child.returncode == 75
    told = json.loads(out)
    assert (told["status"], told["error"]["code"]) == ("interrupted", "stopped")
    assert "Traceback" not in said
    assert contents_of(small, "SELECT status, error FROM run") == [("interrupted", "stopped")]
    assert contents_of(small, "SELECT count(*) FROM record") == [(4,)], "what it read is saved"
    assert lease(small)[1] == 0
    again = answer("run", *NOW, expect=5)["data"]["counts"]
    assert (again["pull"].get("new person", 0), again["score"]["scored"]) == (0, 3)


def test_a_wait_longer_than_the_grace_is_broken_off(small, slow):
    child = slow("run", grace=0.5)
    child.send_signal(signal.SIGTERM)
    child.wait(timeout=20)
    assert child.returncode == 75
    assert lease(small)[1] == 0
    assert contents_of(small, "SELECT status FROM run") == [("interrupted",)]


def test_a_second_sigterm_ends_it_at_once(small, slow):
    child = slow("run")
    child.send_signal(signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        child.wait(timeout=0.5)
    child.send_signal(signal.SIGTERM)
    child.wait(timeout=10)
    assert child.returncode == 75
    assert lease(small)[1] == 0


def test_rows_refused_or_kept_aside_end_with_4_once_and_not_at_every_run(small, answer):
    path = small / "leadloop.yaml"
    path.write_text(path.read_text().replace("stage: route", "stage: observe"))
    assert answer("run", *NOW, expect=4)["status"] == "partial"
    assert answer("run", *NOW, expect=0)["status"] == "ok"


def test_every_step_is_one_log_line_with_its_counts_and_the_run_ends_with_the_audit_head(
    small, leadloop, answer
):
    lines = [json.loads(line) for line in leadloop("run", *NOW, expect=5).stderr.splitlines()]
    events = [line["event"] for line in lines if line["event"] != "progress"]
    assert (events[0], events[-1]) == ("run.started", "run.ended")
    steps = {line["step"]: line["counts"] for line in lines if line["event"] == "step.done"}
    assert {"pull", "resolve", "recall", "collect", "score", "decide", "plan"} <= set(steps)
    assert steps["pull"]["rejected"] == 1
    assert len({line["run"] for line in lines if "run" in line}) == 1
    head = contents_of(small, "SELECT hash FROM audit ORDER BY seq DESC LIMIT 1")[0][0]
    assert lines[-1]["audit_head"] == head
    assert answer("doctor")["status"] == "ok"


def test_metrics_are_written_after_good_and_bad_runs(small, answer, leadloop):
    path = small / "leadloop.yaml"
    path.write_text(path.read_text() + "metrics: ./state/leadloop.prom\n")
    start(answer)
    text = (small / "state" / "leadloop.prom").read_text()
    assert 'leadloop_last_run_status{status="ok"} 1.0' in text
    assert 'leadloop_people{state="held"} 1.0' in text
    success = next(x for x in text.splitlines() if x.startswith("leadloop_last_success"))
    (small / "data" / "people.csv").rename(small / "data" / "other.csv")
    leadloop("run", *NOW, expect=2)
    text = (small / "state" / "leadloop.prom").read_text()
    assert 'leadloop_last_run_status{status="failed"} 1.0' in text
    assert success in text.splitlines()


def test_status_names_the_last_success_and_the_next_step(small, answer, leadloop):
    assert "nothing ran yet: leadloop run" in leadloop("status").stdout
    first = answer("run", *NOW, expect=5)
    plan = first["data"]["plan"]["id"]
    told = answer("status")["data"]
    assert told["last_success"]["run"] == first["run_id"]
    assert any(f"leadloop apply {plan} --approve" in step for step in told["next"])
    assert "1 rows could not be read" in told["next"][-1]
    answer("apply", plan, "--approve", *NOW)
    people = small / "data" / "people.csv"
    people.write_text(people.read_text().replace("2026-05-01 00:00", "2026-05-01T00:00:00Z"))
    answer("run", *NOW)
    lines = leadloop("status").stdout.splitlines()
    assert lines[0].startswith("Last success  20")
    assert lines[1] == "Next          nothing to do"
    people.rename(small / "data" / "other.csv")
    leadloop("run", *NOW, expect=2)
    assert "the last run failed (usage): leadloop doctor" in leadloop("status").stdout
