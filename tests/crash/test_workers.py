"""Worker processes on one PostgreSQL store and one folder of settings, each CRM behind a bad line."""

from __future__ import annotations

import os
import random
import time
import traceback
from collections import Counter
from types import SimpleNamespace

import pytest
import tenacity

from connector.adapters import memory
from connector.adapters.memory import Remote
from connector.domain.moment import DAY
from connector.errors import LeadloopError
from connector.sync.opening import open_loop
from connector.sync.run import run as run_loop
from tests.crash.wire import Served, WireAdapter
from tests.proxy import FAULTS, Proxy
from tests.sync.scoring import NoScorer, score_here
from tests.sync.world import SETTINGS, World

pytestmark = [pytest.mark.crash, pytest.mark.timeout(600)]
SICK = {"c2": "401", "c3": "503"}
NAMES = ("crm", "c1", "c2", "c3", "c4", "c5")
WORKERS, TURNS, PATIENCE_S = 4, 12, 240
MINUTE = 60_000_000


class Shared(World):
    """One folder: the settings, and a file for each connection."""

    def stage(self, stage):
        text = SETTINGS.format(store=self.store_url, stage=stage)
        head, _, rest = text.partition("connections:\n")
        block, _, tail = rest.partition("write:")
        self.write("leadloop.yaml", f"{head}write:{tail}")
        (self.folder / "connections.d").mkdir(exist_ok=True)
        fields = block.replace("  - name: crm\n", "").replace("\n    ", "\n").strip()
        for name in NAMES:
            self.write(
                f"connections.d/{name}.yaml",
                f"name: {name}\nhandoff: {'true' if name == 'crm' else 'false'}\n{fields}\n",
            )


class Lines:
    """Each CRM behind an address and a proxy of its own."""

    def __init__(self, world):
        self.world = world
        self.crms = {"crm": world.crm}
        for name in NAMES[1:]:
            other = Remote(lambda: world.now, page=7)
            other.fields = {s: dict(f) for s, f in world.crm.fields.items()}
            other.objects = {s: {} for s in world.crm.objects}
            self.crms[name] = other
        self.served = {n: Served(SimpleNamespace(crm=crm)) for n, crm in self.crms.items()}
        self.proxies = {n: Proxy(s.server.server_address[1]) for n, s in self.served.items()}

    def enter(self):
        memory.shared = lambda name, *_: WireAdapter(self.proxies[name].address)

    def close(self):
        for one in (*self.proxies.values(), *self.served.values()):
            one.close()

    def fill(self, first, count):
        for name, crm in self.crms.items():
            for n in range(first, first + count):
                given = {"email": f"{name}{n}@{name}.example", "title": "CEO", "status": "new"}
                crm.put("leads", f"{name}{n}", company="big" if name == "crm" else None, **given)
        for n in range(first, first + count):
            self.world.event(f"crm{n}", url="/pricing")
        self.world.now += 1_000_000


@pytest.fixture
def lines(tmp_path, postgresql_url, monkeypatch):
    monkeypatch.setattr("connector.sync.score.score_store", score_here)
    monkeypatch.setattr("connector.sync.score.Scorer", NoScorer)
    monkeypatch.setattr(memory, "shared", None)
    made = Lines(Shared(tmp_path, postgresql_url))
    made.enter()
    yield made
    made.close()


def worker(lines, began):
    """Run again and again, as a worker does, until a run is good or the turns are used up."""
    world, said = lines.world, []
    tenacity.nap.time.sleep = lambda _seconds: None
    os.read(began, 1)
    for _ in range(TURNS):
        try:
            with open_loop(
                world.loaded, now=world.now, clock=lambda: time.time_ns() // 1000, command="run",
                candidate=False, tell=lambda *_: None, warn=said.append,
            ) as loop:  # fmt: skip
                if run_loop(loop, lambda: world.now, send=True).status == "ok":
                    break
        except LeadloopError as error:
            assert error.retryable or error.code == "login", error  # noqa: PT017
        world.now += MINUTE
        time.sleep(0.05)


def work(lines):
    """Let the workers begin at once; every one of them must come to its end."""
    began, go = os.pipe()
    children = []
    for _ in range(WORKERS):
        child = os.fork()
        if child == 0:
            try:
                worker(lines, began)
            except BaseException:  # noqa: BLE001  the child says it and ends
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        children.append(child)
    os.write(go, b"x" * WORKERS)
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    os.close(began)
    os.close(go)
    assert codes == [0] * WORKERS


def effects(lines, name, field="ll_score"):
    return Counter(e[1] for e in lines.crms[name].effects if e[0] == "leads" and e[2] == field)


@pytest.mark.parametrize("seed", [1, 2])
def test_four_processes_share_the_connections_and_ones_trouble_blocks_no_other(lines, seed):
    lines.fill(0, 5)
    world = lines.world
    world.start()
    world.pass_time(DAY)
    lines.fill(5, 6)
    for crm in lines.crms.values():
        crm.effects.clear()
    luck = random.Random(seed)
    kinds = [one for one in FAULTS if one not in {"stale", "pass"}]
    for name, proxy in lines.proxies.items():
        proxy.met.clear()
        proxy.always = SICK.get(name)
        if name not in SICK:
            proxy.faults = [
                luck.choice(kinds) if luck.random() < 0.2 else "latency" for _ in range(80)
            ]
    journaled = world.rows("SELECT DISTINCT run FROM journal")
    work(lines)

    new = list(range(5, 11))
    for name, crm in lines.crms.items():
        wanted = {} if name in SICK else {f"{name}{n}": 1 for n in new}
        assert effects(lines, name) == wanted, name
        shown = {crm.objects["leads"][who]["ll_score"] for who in wanted}
        assert shown <= {80 if name == "crm" else 36}
        if name in SICK:
            assert set(lines.proxies[name].met) == {SICK[name]}
            assert 0 < len(lines.proxies[name].met) <= 40, "who is in trouble is not hammered"
    met = {
        fault for name, proxy in lines.proxies.items() if name not in SICK for fault in proxy.met
    }
    assert len(met) > 6
    assert effects(lines, "crm", "owner") == {f"crm{n}": 1 for n in new}
    assert len(world.crm.tasks) == len(new)
    runs = set(world.rows("SELECT DISTINCT run FROM journal")) - set(journaled)
    assert len(runs) > 1, "one worker did everything"

    for proxy in lines.proxies.values():
        proxy.faults, proxy.always = [], None
    world.pass_time(DAY)
    work(lines)
    for name in lines.crms:
        assert effects(lines, name) == {f"{name}{n}": 1 for n in new}, name
    assert len(world.crm.tasks) == len(new)
    assert (
        world.rows(
            "SELECT connection, state FROM outbox WHERE state NOT IN ('applied', 'superseded', 'conflict', 'noop')"
        )
        == []
    )
    assert world.rows("SELECT count(*) FROM lease WHERE expires_at > 0") == [(0,)]
