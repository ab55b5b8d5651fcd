"""The schedule: one run at a time, and an end in good order."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest
import requests

from connector.config.settings import Serve
from connector.domain.moment import SECOND
from connector.errors import UsageError
from connector.serve.schedule import Schedule
from tests.cli.test_commands import small  # noqa: F401  the folder of files

SLOW = "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: sys.exit(75)); open(sys.argv[1], 'a').write('x'); time.sleep(30)"


def house(**serve):
    told = []
    settings = SimpleNamespace(serve=Serve.model_validate(serve))
    return SimpleNamespace(
        loaded=SimpleNamespace(settings=settings), closing=False, told=told,
        note=lambda event, **values: told.append((event, values)),
    )  # fmt: skip


def until(true, seconds=15):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_runs_come_one_after_the_other_and_a_slow_one_delays_the_next(tmp_path):
    log = tmp_path / "log"
    code = "import sys, time; f = open(sys.argv[1], 'a'); f.write('a'); f.flush(); time.sleep(1.5); f.write('b')"
    one = house(every="1s")
    schedule = Schedule(one, [sys.executable, "-c", code, str(log)])
    schedule.start(time.time_ns() // 1000)
    until(lambda: log.exists() and log.read_text().startswith("abab"))
    schedule.close()
    assert set(log.read_text().replace("ab", "")) <= {"a"}


def test_missed_ticks_collapse_into_one(tmp_path):
    log = tmp_path / "log"
    one = house(every="10m")
    schedule = Schedule(
        one, [sys.executable, "-c", "import sys; open(sys.argv[1], 'a').write('x')", str(log)]
    )
    schedule.start(time.time_ns() // 1000 - 3605 * SECOND)  # seven were due while nobody was up
    until(lambda: ("run.over", {"exit": 0}) in one.told)
    time.sleep(0.5)
    schedule.close()
    assert log.read_text() == "x"
    assert [event for event, _ in one.told] == ["run.due", "run.over"]


def test_at_the_end_a_run_is_asked_to_save_what_it_is_at_and_waited_for(tmp_path):
    log = tmp_path / "log"
    one = house(every="1h")
    schedule = Schedule(one, [sys.executable, "-c", SLOW, str(log)])
    schedule.start(time.time_ns() // 1000)
    until(lambda: log.exists() and log.read_text() == "x")
    began = time.monotonic()
    schedule.close()
    assert time.monotonic() - began < 10
    assert ("run.over", {"exit": 75}) in one.told
    assert schedule.run_once() is None


def test_a_schedule_that_is_none_is_refused():
    with pytest.raises(UsageError, match="is not a schedule"):
        Schedule(house(cron="whenever"), ["true"]).start(SECOND)


def test_the_command_serves_runs_the_loop_and_ends_in_good_order_at_sigterm(small):  # noqa: F811
    with (small / "leadloop.yaml").open("a") as file:
        file.write("serve: {port: 0, every: 1h}\n")
    process = subprocess.Popen(
        [sys.executable, "-m", "connector", "serve"], cwd=small, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    address = process.stdout.readline().removeprefix("Serving on ").strip()
    try:
        until(
            lambda: (
                "leadloop_needs_approval 1.0" in requests.get(f"{address}/metrics", timeout=10).text
            ),
            60,
        )
        assert "A plan waits for a person" in requests.get(address, timeout=10).text
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0, told
    events = [json.loads(line)["event"] for line in told.splitlines() if line.startswith("{")]
    assert "run.due" in events
    assert "Traceback" not in told
