"""Several workers on one PostgreSQL store: they share the connections and do nothing twice."""

from __future__ import annotations

import threading
import time
from collections import Counter

import pytest

from connector.adapters.memory import MemoryAdapter, Remote, register
from connector.errors import BusyError, LeadloopError, LoginError
from connector.sync.opening import open_loop
from connector.sync.run import run as run_loop
from tests.sync.scoring import NoScorer, score_here
from tests.sync.world import SETTINGS, World

NAMES = ("crm", "c1", "c2", "c3")


class Many(World):
    """The same company in four CRMs; the first gives leads to sales."""

    def stage(self, stage):
        text = SETTINGS.format(store=self.store_url, stage=stage)
        head, _, rest = text.partition("connections:\n")
        block, _, tail = rest.partition("write:")
        blocks = [
            block.replace("name: crm", f"name: {n}").replace(
                "kind: memory", "kind: memory\n    handoff: " + ("true" if n == "crm" else "false")
            )
            for n in NAMES
        ]
        self.write("leadloop.yaml", head + "connections:\n" + "".join(blocks) + "write:" + tail)

    def spread(self):
        """Give every CRM the objects of the first, and leads of its own."""
        self.crms = {"crm": self.crm}
        for name in NAMES[1:]:
            other = Remote(lambda: self.now, page=7)
            other.fields = {s: dict(f) for s, f in self.crm.fields.items()}
            other.objects = {s: {} for s in self.crm.objects}
            self.crms[name] = other
            register(name, other)


@pytest.fixture
def many(tmp_path, monkeypatch, request):
    monkeypatch.setattr("connector.sync.score.score_store", score_here)
    monkeypatch.setattr("connector.sync.score.Scorer", NoScorer)
    url = getattr(request, "param", None) or request.getfixturevalue("postgresql_url")
    world = Many(tmp_path, url if url != "sqlite" else f"sqlite:///{tmp_path}/s/s.db")
    world.spread()
    return world


def fill(world, first, count):
    for name, crm in world.crms.items():
        for n in range(first, first + count):
            crm.put("leads", f"{name}{n}", email=f"{name}{n}@a.example", title="CEO", status="new")


def work(world, errors, results):
    try:
        with open_loop(
            world.loaded,
            now=world.now,
            clock=lambda: time.time_ns() // 1000,
            command="run",
            candidate=False,
            tell=lambda *_: None,
            warn=lambda _: None,
        ) as loop:
            results.append(run_loop(loop, lambda: world.now, send=True))
    except BusyError:
        results.append(None)
    except LeadloopError as error:
        errors.append(error)


def test_workers_share_the_connections_and_write_each_value_once(many, monkeypatch):
    fill(many, 0, 5)
    many.start()
    many.pass_time()
    fill(many, 5, 5)
    many.now += 1_000_000
    for crm in many.crms.values():
        crm.effects.clear()
    readers: dict[str, set[int]] = {}
    at_once, most = Counter(), Counter()
    whole = MemoryAdapter.read

    def slow(adapter, source, names, window, after):
        name = next(n for n, c in many.crms.items() if c is adapter.remote)
        readers.setdefault(name, set()).add(threading.get_ident())
        at_once[name] += 1
        most[name] = max(most[name], at_once[name])
        time.sleep(0.15)
        yield from whole(adapter, source, names, window, after)
        at_once[name] -= 1

    monkeypatch.setattr(MemoryAdapter, "read", slow)
    errors: list[Exception] = []
    results: list[object] = []
    threads = [threading.Thread(target=work, args=(many, errors, results)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert set(most.values()) == {1}, "two workers read one CRM at once"
    assert len(set.union(*readers.values())) > 1, "one worker did everything"
    many.run()
    for name, crm in many.crms.items():
        scores = [e for e in crm.effects if e[2] == "ll_score" and e[0] == "leads"]
        assert sorted(e[1] for e in scores) == sorted(f"{name}{n}" for n in range(5, 10))
        assert {row["ll_score"] for row in crm.objects["leads"].values()} == {36}
    assert many.rows(
        "SELECT count(*) FROM outbox WHERE state NOT IN ('applied', 'superseded')"
    ) == [(0,)]


@pytest.mark.parametrize("many", [None, "sqlite"], indirect=True, ids=["postgresql", "sqlite"])
def test_one_connections_trouble_never_blocks_another(many):
    fill(many, 0, 3)
    many.start()
    many.pass_time()
    fill(many, 3, 2)
    many.crms["c2"].locked_out = True
    with pytest.raises(LoginError):
        many.run()
    for name, crm in many.crms.items():
        written = crm.objects["leads"][f"{name}3"].get("ll_score")
        assert written == (None if name == "c2" else 36)
    many.crms["c2"].locked_out = False
    many.pass_time()
    assert many.run().status == "ok"
    assert many.crms["c2"].objects["leads"]["c23"]["ll_score"] == 36
