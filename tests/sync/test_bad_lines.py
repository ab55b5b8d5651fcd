"""Over a line that breaks, lies, drips and repeats: the CRM ends as over a good one."""

from __future__ import annotations

import random

import pytest

from connector.adapters import memory
from connector.domain.moment import DAY
from connector.errors import LeadloopError
from tests.crash.scenes import people_at_work
from tests.crash.wire import Served, WireAdapter
from tests.proxy import FAULTS, Proxy
from tests.sync.world import START, World


@pytest.fixture(autouse=True)
def hurry(monkeypatch):
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda _seconds: None)


def journey(world, adapter, monkeypatch):
    """Run, approve, run, each until it comes to its end; the CRM's log without the runs' names."""
    monkeypatch.setattr(memory, "shared", lambda *_: adapter)

    def insist(step):
        for _ in range(60):
            try:
                return step()
            except LeadloopError as error:
                assert error.retryable, error  # noqa: PT017  what else went wrong must be seen
                world.pass_time(60_000_000)
        raise AssertionError("it never came to its end")

    def approve():
        plan = world.rows("SELECT id FROM plan WHERE kind = 'write' ORDER BY id DESC")[0][0]
        return world.apply(plan)

    people_at_work(world, 0)
    insist(world.run)
    insist(approve)
    world.now = START + DAY  # however long the first step took
    people_at_work(world, 1)
    insist(world.run)
    insist(world.run)
    log = [e for e in world.crm.effects if e[2] != "ll_run"]
    return sorted(log, key=lambda e: (e[0], e[1], e[2]))


@pytest.fixture
def told(tmp_path, monkeypatch):
    monkeypatch.setattr("connector.sync.score.score_store", _here)
    served = []

    def tell(name, faults=()):
        folder = tmp_path / name
        folder.mkdir()
        world = World(folder, f"sqlite:///{folder}/state/s.db")
        crm = Served(world)
        proxy = Proxy(crm.server.server_address[1], faults)
        served.extend([crm, proxy])
        return journey(world, WireAdapter(proxy.address), monkeypatch), proxy, world

    yield tell
    for one in served:
        one.close()


def _here(*given, **more):
    from tests.sync.scoring import score_here

    return score_here(*given, **more)


def test_the_crm_ends_the_same_over_bad_lines(told):
    calm, _, _ = told("calm")
    kinds = [f for f in FAULTS if f not in {"stale", "pass"}]
    for seed in (1, 2):
        luck = random.Random(seed)
        faults = [luck.choice(kinds) if luck.random() < 0.4 else "pass" for _ in range(200)]
        found, proxy, world = told(f"bad{seed}", faults)
        assert found == calm
        assert len(set(proxy.met)) > 8
        left = "SELECT count(*) FROM outbox WHERE state IN ('dead', 'unknown')"
        assert world.rows(left) == [(0,)]
