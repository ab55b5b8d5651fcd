"""The same story ends alike on SQLite and on PostgreSQL: what was written, stored and is listed.

Most tests of the loop run on SQLite alone; what their statements do on a server is shown here.
"""

from __future__ import annotations

import re

import pytest

from connector.report.figures import report_figures
from connector.store.database import open_store
from connector.store.outgoing import flapping, questions
from connector.store.passes import offers
from connector.sync.deciding import nurturing
from connector.sync.handing_off.standings import standings
from connector.sync.upkeep.exporting import export_views
from tests.crash.ground import MemoryCrm, world_book
from tests.crash.scenes import SCENES, STEPS, Act, Scene
from tests.sync.scoring import NoScorer, score_here
from tests.sync.test_nurture import THEMES
from tests.sync.world import MAPPING, SETTINGS, World

pytestmark = pytest.mark.timeout(900)
MINUTE = 60_000_000
_NAMES = re.compile(r"\b01k[0-9a-z]{17}\b|forgotten/[0-9a-f]+")
"""Names of runs and of who was forgotten, which are others each time."""


def _desk(world):
    """Owners are asked about, accounts are known by domain, themes follow assets."""
    mapping = MAPPING.replace("owner: theirs}", "owner: ask}").replace(
        "industry: industry}", "industry: industry, domain: domain}\n    owner: owner", 1
    )
    world.write("mapping.yaml", mapping)
    world.write(
        "leadloop.yaml",
        SETTINGS.replace("50%", "100%").format(store=world.store_url, stage="route") + THEMES,
    )
    world.put("companies", "big", domain=None, owner=None)
    world.put("companies", "key", name="Key", domain="https://www.key.example", owner="carla")
    for n in range(3):
        world.lead(f"s{n}", title="Clerk", country="de")
        world.event(f"s{n}", "download", asset="breach-guide")
    world.start()


def _somebody_owns_it(world):
    world.pass_time()
    world.hot("k1", email="x@key.example", company=None)
    world.event("k1", "form_submit", form="demo")
    world.hot("k2", owner="ben", title="CEO")
    world.lead("s9", title="Clerk")
    world.event("s9", "email_sent", message="m1")
    world.now += 5_000_000


def _set_back(world):
    world.pass_time()
    world.put("leads", "k1", ll_score=1)
    world.put("leads", "k2", status="bad", reason="no_budget")
    world.put("deals", "d1", lead="k1", owner="carla", amount=9.5, stage="open")
    world.now += 5_000_000


DESK = Scene(
    "desk",
    _desk,
    (
        Act("owned", _somebody_owns_it, "run", lambda o: ("k1", "carla") in o["owners"]),
        *(Act(f"set back {n}", _set_back, "run", lambda o: o["said"]) for n in range(4)),
    ),
)


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch):
    monkeypatch.setattr("connector.sync.score.score_store", score_here)
    monkeypatch.setattr("connector.sync.score.Scorer", NoScorer)


def told(world, scene):
    """Tell a story; gives how it ended, act by act, and what people are shown at its end."""
    scene.prepare(world)
    ends = []
    for act in scene.acts:
        if act.people is not None:
            act.people(world)
        STEPS[act.step](world)
        if act.later:
            world.now += MINUTE
            world.run()
        ends.append({**MemoryCrm(world, "").log(), **world_book(world)})
        assert act.shows(ends[-1]), act.name
    return ends, listed(world)


def listed(world):
    store = open_store(world.loaded.store_url())
    try:
        with store.read() as tx:
            found = {
                "partners": offers.conversion(tx),
                "asked": questions.opened(tx),
                "left alone": flapping.stopped(tx, world.now),
            }
        views = dict(export_views(store, world.folder / "views", "csv"))
        files = {
            f.name: sorted(_NAMES.sub("…", f.read_text()).splitlines())  # sorted without the names
            for f in (world.folder / "views").iterdir()
        }
        return found | {
            "views": views,
            "files": files,
            "figures": report_figures(store, world.loaded, world.now, []),
            "late": standings(store, world.loaded, world.now),
            "cells": nurturing.waiting_by_cell(store, world.loaded),
            "segments": nurturing.segments(store, world.loaded),
            "unheard": nurturing.unheard(store, world.loaded, world.now + 30 * 86_400_000_000),
            "blocked": nurturing.blocked(store, world.loaded),
            "worklist": nurturing.worklist(store, world.loaded, world.now),
        }
    finally:
        store.close()


@pytest.mark.parametrize("scene", [*SCENES.values(), DESK], ids=[*SCENES, "desk"])
def test_a_story_ends_alike_on_both_databases(tmp_path, postgresql_url, scene):
    found = []
    for name, url in (("sqlite", f"sqlite:///{tmp_path}/s.db"), ("server", postgresql_url)):
        (tmp_path / name).mkdir()
        found.append(told(World(tmp_path / name, url), scene))
    (ends, lists), (server_ends, server_lists) = found
    for act, one, other in zip(scene.acts, ends, server_ends, strict=True):
        for part, wanted in one.items():
            assert other[part] == wanted, f"{act.name}: {part}"
    for part, wanted in lists.items():
        assert _NAMES.sub("…", repr(server_lists[part])) == _NAMES.sub("…", repr(wanted)), part
