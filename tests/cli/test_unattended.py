"""Left alone: runs that meet, runs that are stopped, and what the scheduler is told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from connector.store import leases
from connector.store.database import open_store
from tests.cli.test_commands import NOW, small, start, written

__all__ = ["small"]

SLOW = """
import sys, time
from connector.cli import options
from connector.cli.main import main
from connector.cli.progress import Progress
def tell(self, step, counts):
    if step == "resolve" and not seen:
        seen.append(step)
        print("resolving", file=sys.stderr, flush=True)
        sys.stdin.readline()
seen = []
Progress.__call__ = tell
main()
"""


@pytest.fixture
def slow(small):
    """A run in a process of its own that waits, between two transactions, to be told to go on."""
    children = []

    def go(*words):
        child = subprocess.Popen(
            [sys.executable, "-c", SLOW, *words, *NOW],
            cwd=small,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        children.append(child)
        assert child.stderr.readline() == "resolving\n"
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
