"""Killed at every place between two durable effects: the CRM's log ends as if nothing happened.

    CRASH_PLACES=all CRASH_SEED=3 python -m pytest -m crash tests/crash/test_points.py

CRASH_PLACES is how many places of each step are tried, or `all`; CRASH_SEED chooses which.
"""

from __future__ import annotations

import os
import random
import signal
import tempfile
from pathlib import Path
from uuid import uuid4

import duckdb  # noqa: F401  loaded before children are forked, so that each need not
import narwhals  # noqa: F401
import pytest

from connector.engine.program import program
from connector.sync.opening import model_file
from tests.crash import listed
from tests.crash.ground import AGAIN, Ground, InFiles, OnServer, chosen, memory_ground
from tests.crash.scenes import SCENES, Act
from tests.crash.soak import Tally, soak
from tests.crash.wire import Served
from tests.practice.at_work import AT_WORK
from tests.sync.world import World

pytestmark = [pytest.mark.crash, pytest.mark.timeout(3600)]
SEED = int(os.environ.get("CRASH_SEED", "1"))
_MEMORY = Path("/dev/shm")
MINUTE = 60_000_000


@pytest.fixture
def folder():
    """A folder in memory where there is one: a killed process needs no disk to be remembered."""
    place = _MEMORY if os.access(_MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="ll-crash-", dir=place) as name:
        made = Path(name) / "world"
        made.mkdir()
        yield made


def grounds(folder, request, store):
    """A new world on one of the stores, and its ground."""
    if store == "sqlite":
        world = World(folder, f"sqlite:///{folder}/state/leadloop.db")
        copies = InFiles(folder)
    else:
        server, name = request.getfixturevalue("postgresql_server"), f"c{uuid4().hex}"
        server.psql(f"CREATE DATABASE {name}_0;")
        world = World(folder, server.get_uri(f"{name}_0"))
        copies = OnServer(server, world, InFiles(folder), name)
    served = Served(world)
    return memory_ground(world, served, copies), served


def told(ground: Ground, act: Act, kill_at: int | None = None) -> list[str]:
    """Take the act's step until it is done, killed once if asked; gives the places it passed."""
    code, passed = ground.step(act.step, kill_at)
    tries = 0
    while code != 0:
        assert code == (-signal.SIGKILL if kill_at and not tries else AGAIN), f"ended with {code}"
        tries += 1
        assert tries < 5, "it never came to its end"
        code, _ = ground.step(act.step)
    if act.later:
        ground.world.now += MINUTE
        code, _ = ground.step("run")
        assert code == 0, f"the run after it ended with {code}"
        ground.world.now -= MINUTE
    return passed


@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_killed_at_any_place_and_run_again_all_ends_the_same(folder, request, scene, store):
    ground, served = grounds(folder, request, store)
    luck = random.Random(f"{scene.name} {store} {SEED}")
    try:
        scene.prepare(ground.world)
        program(
            model_file(ground.world.loaded), ground.world.now
        )  # compiled once, for all children
        for act in scene.acts:
            if act.people is not None:
                act.people(ground.world)
            killed_anywhere(ground, act, luck)
    finally:
        served.close()


@pytest.mark.parametrize("kind", sorted(AT_WORK))
def test_killed_at_any_place_lists_and_campaigns_hold_whom_the_flag_names(folder, kind):
    luck = random.Random(f"{kind} {SEED}")
    work = AT_WORK[kind](folder)
    try:
        ground = listed.furnished(work)
        for act in listed.ACTS:
            act.people(work)
            killed_anywhere(ground, act, luck)
    finally:
        work.close()


def killed_anywhere(ground: Ground, act: Act, luck: random.Random) -> None:
    """Tell an act calmly, then killed at one place after another; it stands as told calmly."""
    before = ground.keep()
    passed = told(ground, act)
    calm, after = ground.outcome(), ground.keep()
    assert act.shows(calm), f"{act.name}: it did not do what it is here to show"
    places = chosen(passed, luck)
    for place in places:
        ground.put_back(before)
        told(ground, act, place)
        found = ground.outcome()
        for part, wanted in calm.items():
            where = f"{act.name}: after a kill at place {place} ({passed[place - 1]})"
            assert found[part] == wanted, f"{where} {part} differs"
    ground.put_back(after)
    print(f"{act.name}: {len(places)} of {len(passed)} places")


def test_killed_and_over_bad_lines_for_minutes_all_ends_the_same(folder):
    world = World(folder, f"sqlite:///{folder}/state/leadloop.db")
    served = Served(world)
    luck, tally = random.Random(int(os.environ.get("SOAK_SEED", "1"))), Tally()
    try:
        soak(world, served, luck, float(os.environ.get("SOAK_SECONDS", "120")), tally)
    finally:
        served.close()
    print(tally.table())
    assert tally.failures == []
    assert tally.survived == tally.injected
    assert tally.injected["kill"] >= 10
    assert len(tally.injected) > 5, "hardly a fault was met, so hardly anything was shown"
