"""Killed at every place between two durable effects: the CRM's log ends as if nothing happened."""

from __future__ import annotations

import os
import random
import signal
import time

import duckdb  # noqa: F401  loaded before children are forked, so that each need not
import pytest

from tests.crash.soak import Tally, soak
from tests.crash.wire import JOURNEY, Ground, Served, people_at_work
from tests.sync.world import World

pytestmark = [pytest.mark.crash, pytest.mark.timeout(1400)]
EFFECTS = {"commit.before", "commit.after", "send.before", "send.after"}
EFFECTS |= {"write.before", "write.after"}


@pytest.fixture
def ground(tmp_path):
    world = World(tmp_path, f"sqlite:///{tmp_path}/state/leadloop.db")
    served = Served(world)
    yield Ground(world, served)
    served.close()


def go(ground: Ground, name: str) -> None:
    code, _ = ground.step(name)
    assert code == 0, f"{name} ended with {code}"


@pytest.mark.parametrize("number", range(len(JOURNEY)))
def test_killed_at_every_place_of_a_step_and_run_again_all_ends_the_same(ground, number):
    for day, name in JOURNEY[:number]:
        if day is not None:
            people_at_work(ground.world, day)
        go(ground, name)
    day, name = JOURNEY[number]
    if day is not None:
        people_at_work(ground.world, day)
    before = ground.keep()
    code, passed = ground.step(name)
    assert code == 0
    calm = ground.outcome()
    places = sum(passed.values())
    assert places > 20
    if name != "run" or number > 1:
        assert set(passed) >= EFFECTS, "the step wrote nothing, so it shows nothing"
    budget = time.monotonic() + float(os.environ.get("CRASH_SECONDS", "200"))
    order = list(range(1, places + 1))
    random.Random(number).shuffle(order)  # when time is short, any of them
    tried = 0
    for place in order:
        ground.put_back(before)
        code, _ = ground.step(name, kill_at=place)
        assert code in {-signal.SIGKILL, 0}, f"place {place}"
        go(ground, name)
        found = ground.outcome()
        for part, wanted in calm.items():
            assert found[part] == wanted, f"{part} differs after a kill at place {place}"
        tried += 1
        if time.monotonic() > budget:
            break
    print(f"{name} {number}: {tried} of {places} places, {dict(passed)}")
    assert tried >= 5


def test_killed_and_over_bad_lines_for_minutes_all_ends_the_same(ground):
    luck, tally = random.Random(int(os.environ.get("SOAK_SEED", "1"))), Tally()
    soak(ground, luck, float(os.environ.get("SOAK_SECONDS", "120")), tally)
    print(tally.table())
    assert tally.failures == []
    assert tally.survived == tally.injected
    assert tally.injected["kill"] >= 10
    assert len(tally.injected) > 5, "hardly a fault was met, so hardly anything was shown"


@pytest.mark.parametrize("number", [2, 3])
def test_on_postgresql_too(tmp_path, postgresql_server, number):
    """The same over a server's store: each telling begins from a copy of one database."""
    luck = random.Random(number)
    server, name = postgresql_server, f"c{os.getpid()}n{number}"

    def fresh(copy_of: str | None = None) -> str:
        made = f"{name}x{luck.randrange(10**9)}"
        template = f" TEMPLATE {copy_of}" if copy_of else ""
        server.psql(f"CREATE DATABASE {made}{template};")
        return made

    first = fresh()
    world = World(tmp_path, server.get_uri(first))
    served = Served(world)
    ground = Ground(world, served)
    try:
        for day, step in JOURNEY[:number]:
            if day is not None:
                people_at_work(world, day)
            go(ground, step)
        people_at_work(world, JOURNEY[number][0])
        kept = ground.keep()

        def restart() -> None:
            ground.put_back(kept)
            world.store_url = server.get_uri(fresh(first))
            world.stage("route")

        restart()
        code, passed = ground.step("run")
        assert code == 0
        calm = ground.outcome()
        places = sum(passed.values())
        for place in luck.sample(range(1, places + 1), 12):
            restart()
            code, _ = ground.step("run", kill_at=place)
            assert code == -signal.SIGKILL
            _let_go(world)
            go(ground, "run")
            found = ground.outcome()
            for part, wanted in calm.items():
                assert found[part] == wanted, f"{part} differs after a kill at place {place}"
    finally:
        served.close()


def _let_go(world: World) -> None:
    """A killed run's lease ends by itself after a while; here that while is over at once."""
    from connector.store.database import open_store

    store = open_store(world.loaded.store_url())
    with store.write() as tx:
        tx.exec_driver_sql("UPDATE lease SET expires_at = 0")
    store.close()
