"""What a CRM refused is tried again when somebody says so: all of it, of one run, or of one code."""

from __future__ import annotations

import pytest

from connector.adapters.memory import MemoryAdapter
from connector.domain.change import Outcome, Result
from connector.domain.moment import DAY, format_iso
from tests.sync.scoring import NoScorer, score_here
from tests.sync.world import World

CODES = {"l1": "INVALID_EMAIL", "l2": "STRING_TOO_LONG", "l3": "INVALID_EMAIL"}


@pytest.fixture
def refusing(tmp_path, monkeypatch):
    """A loop at work over a CRM that refuses three new people; gives it, and whom it refuses."""
    monkeypatch.setattr("connector.sync.score.score_store", score_here)
    monkeypatch.setattr("connector.sync.score.Scorer", NoScorer)
    world = World(tmp_path, f"sqlite:///{tmp_path}/state/leadloop.db")
    for n in range(9):
        world.lead(f"old{n}", title="Clerk")
    world.start()
    whole = MemoryAdapter.write
    refused = dict(CODES)
    world.sent = []

    def write(self, batch):
        world.sent += [one.id for one in batch]
        told = {o.id: o for o in whole(self, [one for one in batch if one.id not in refused])}
        for one in batch:
            if one.id in refused:
                told[one.id] = Outcome(one.id, Result.REFUSED, refused[one.id], "no", "email")
        return [told[one.id] for one in batch]

    monkeypatch.setattr(MemoryAdapter, "write", write)
    world.pass_time(DAY)
    for one in CODES:
        world.lead(one, title="Clerk")
    world.pass_time(1_000_000)
    return world, refused


def scored(world):
    return [one for one in CODES if world.shown(one).get("ll_score") is not None]


def test_the_dead_are_re_armed_by_code_by_run_and_all_and_by_nothing_else(
    refusing, answer, leadloop
):
    world, refused = refusing

    def run(expect=0):
        world.pass_time(1_000_000)
        world.sent.clear()
        return answer("run", "--now", format_iso(world.now), expect=expect)

    first = run(expect=4)
    assert first["status"] == "partial"
    shown = answer("runs", "show", first["run_id"], "--failed")["data"]["refused"]
    assert {(row["record"], row["code"]) for row in shown} == set(CODES.items())
    assert all("runs retry" in row["hint"] for row in shown)

    refused.clear()
    run()
    assert world.sent == [], "what was refused is not sent again by itself"

    assert answer("runs", "retry", "--code", "NO_SUCH_CODE")["data"] == {"retried": 0}
    assert answer("runs", "retry", "--code", "INVALID_EMAIL")["data"] == {"retried": 4}, (
        "each has a score and a flag"
    )
    assert answer("runs", "retry", "--code", "INVALID_EMAIL")["data"] == {"retried": 0}
    assert world.sent == [], "nothing is sent before the next run"
    run()
    assert sorted(set(world.sent)) == ["l1", "l3"]
    assert scored(world) == ["l1", "l3"]

    assert "made no plan" in leadloop("runs", "retry", "nobody", expect=2).stderr
    assert "2 refused rows will be planned" in leadloop("runs", "retry", first["run_id"]).stdout
    run()
    assert scored(world) == list(CODES)
    assert answer("runs", "retry")["data"] == {"retried": 0}


def test_what_is_tried_again_is_what_is_wanted_then_and_may_be_refused_again(refusing, answer):
    world, refused = refusing
    now = format_iso(world.now)
    answer("run", "--now", now, expect=4)
    world.put("leads", "l2", ll_score=24)  # somebody else did it meanwhile
    world.pass_time(DAY)
    assert answer("runs", "retry")["data"] == {"retried": 6}
    world.sent.clear()
    del refused["l1"]
    again = answer("run", "--now", format_iso(world.now), expect=4)
    assert again["data"]["counts"]["apply"]["refused"] == 4
    assert scored(world) == ["l1", "l2"]
    rows = world.rows(
        "SELECT record, changes FROM outbox WHERE state = 'dead' AND grp = 'score' ORDER BY 1"
    )
    assert [row[0] for row in rows] == ["l2", "l3"]
    assert '"ll_score"' not in rows[0][1], "planned against the CRM as it was then"
