"""A store that was lost, or brought back from an old backup: the CRM's own fields rebuild it."""

from __future__ import annotations

import shutil
from collections import Counter

import pytest

from connector.domain.moment import DAY, HOUR
from tests.sync.world import World

PASSENGERS = {"ll_run", "ll_model"}


def lose(world):
    """Delete the store, as a dead disk does."""
    if world.store_url.startswith("sqlite"):
        shutil.rmtree(world.folder / "state")
        return
    from sqlalchemy import create_engine, text

    engine = create_engine(world.store_url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as tx:
        tx.execute(text("DROP SCHEMA public CASCADE"))
        tx.execute(text("CREATE SCHEMA public"))
    engine.dispose()


def go(world):
    """Run, as an admin would who approves what waits."""
    result = world.run()
    if result.status == "needs_approval":
        world.apply(result.plan.id)
    return result


def early_weeks(world):
    """Three weeks in which about everything happens to somebody."""
    world.lead("clerk", title="Clerk")
    world.lead("flagged", title="Clerk")
    world.hot("backlog")
    world.hot("taken", owner="ben")
    world.start()
    for name in ("l1", "l2", "l3", "l4", "l5", "l6", "moved"):
        world.hot(name)
    world.hot("rival", email="x@rival.example")
    go(world)
    world.pass_time(DAY)
    world.put("leads", "l2", status="bad", reason="no_budget")
    world.put("leads", "l3", status="later", reason="timing")
    world.put("leads", "l4", status="working")
    world.put("leads", "moved", owner="ben")
    world.put("leads", "flagged", ll_nurture=False)
    world.put("deals", "d5", lead="l5", owner="anna", amount=5.0, stage="open")
    go(world)
    world.pass_time(2 * DAY)
    world.event("l3", url="/pricing")
    world.put("leads", "l3", status="new", owner=None)
    go(world)
    world.pass_time(9 * DAY)
    go(world)
    world.pass_time(DAY)
    go(world)


def later_weeks(world):
    """What comes after the loss: news about those known, somebody new, and time."""
    world.hot("new1", country="fr")  # a rule, not a turn, chooses: turns are not mirrored
    world.put("leads", "l4", status="good")
    world.put("leads", "l6", status="bad", reason="junk")
    world.event("clerk", "download", asset="guide")
    go(world)
    world.pass_time(DAY)
    world.put("deals", "d5", stage="won", closed_at="2026-03-17T10:00:00Z")
    world.event("l2", url="/pricing")
    go(world)
    for _ in range(6):
        world.pass_time(7 * DAY)
        go(world)
    world.lead("flagged", title="Senior Clerk")
    go(world)
    world.pass_time(HOUR)
    go(world)


def effects(world):
    return Counter(
        (ident, name, before, after)
        for ident, name, before, after in world.written()
        if name not in PASSENGERS
    )


def shown(world):
    return {
        ident: {k: v for k, v in row.items() if k not in PASSENGERS | {"changed_at"}}
        for ident, row in world.crm.objects["leads"].items()
    }


def story(world, *, loss):
    early_weeks(world)
    world.written()
    loss(world)
    later_weeks(world)
    return effects(world), shown(world)


@pytest.fixture
def calm(tmp_path):
    folder = tmp_path / "calm"
    folder.mkdir()
    return story(World(folder, f"sqlite:///{folder}/state/s.db"), loss=lambda _world: None)


def test_a_lost_store_is_rebuilt_without_a_write_that_a_continuing_run_would_not_have_made(
    calm, world
):
    known, stood = calm

    def loss(world):
        lose(world)
        before = shown(world)
        first = world.run()
        assert first.counts["recall"]["recalled"] == 12
        assert first.status == "ok", first.plan
        assert effects(world) == Counter()
        assert shown(world) == before
        assert world.rows("SELECT DISTINCT why FROM move") == [("found in the CRM as it was",)]
        assert world.rows("SELECT count(*) FROM cycle WHERE sla_due_at IS NOT NULL") == [(0,)]

    found, stands = story(world, loss=loss)
    assert found - known == Counter(), "writes nobody would have made"
    late = {key for key in known - found if key[1] in {"owner", "ll_state", "ll_cycle"}}
    assert late == set(), "writes that were not made"
    assert stands == stood


def test_without_its_mirror_fields_a_lost_store_would_have_handed_people_off_again(world):
    """The naive twin: with nothing to read back, somebody rejected is worked on anew."""
    early_weeks(world)
    world.written()
    lose(world)
    for row in world.crm.objects["leads"].values():
        row.update(ll_state=None, ll_cycle=None, ll_verdict=None)
    go(world)
    assert effects(world) != Counter()


def test_an_old_backup_brought_back_finds_itself_out_and_holds_its_plan(tmp_path):
    folder = tmp_path / "w"
    folder.mkdir()
    world = World(folder, f"sqlite:///{folder}/state/s.db")
    world.lead("clerk", title="Clerk")
    world.lead("l1", title="Clerk")
    world.lead("l2", title="Clerk")
    world.start()
    shutil.copytree(folder / "state", folder / "backup")
    for name in ("l1", "l2"):
        world.put("leads", name, title="VP Operations")
        world.event(name, url="/pricing")
    go(world)
    world.pass_time(DAY)
    world.put("leads", "l2", status="bad", reason="junk")
    go(world)
    assert (world.shown("l1")["ll_state"], world.shown("l2")["ll_state"]) == (
        "handed_off",
        "rejected",
    )
    world.written()
    shutil.rmtree(folder / "state")
    shutil.copytree(folder / "backup", folder / "state")
    assert "older" in said_by_doctor(world)
    world.lead("clerk", title="CEO")
    effects(world)
    result = world.run()
    assert result.counts["recall"]["ahead"] == 2
    assert result.status == "needs_approval"
    assert result.plan.held[0].startswith("the store was older than the CRM (2 people")
    assert effects(world) == Counter()
    assert world.run().status == "needs_approval", "until somebody has looked"
    assert "plan waits" in said_by_doctor(world)
    world.apply(world.run().plan.id)
    assert {key[0] for key in effects(world)} == {"clerk"}
    assert world.run().status == "ok"
    rows = world.rows("SELECT person, state, sla_due_at FROM cycle WHERE current")
    states = {person.rpartition("/")[2]: (state, due) for person, state, due in rows}
    assert (states["l1"], states["l2"]) == (("handed_off", None), ("rejected", None))


def said_by_doctor(world):
    from connector.sync.upkeep.health import examine

    findings = examine(world.loaded, lambda: world.now)
    return " ".join(one.said for one in findings if one.state == "look")


def test_a_first_run_that_was_killed_is_still_the_first_day(world, monkeypatch):
    """Who was not looked at before the kill is held as backlog like the others."""
    world.hot("l1")
    world.hot("l2")
    monkeypatch.setattr("connector.sync.decide.PAGE", 1)

    class Killed(BaseException):
        pass

    def kill(loop, *, day_one):
        from connector.sync.decide import _moves, _pages, cycles, policy_of, primaries

        page = next(_pages(loop))
        with loop.store.write() as tx:
            found = primaries(tx, loop, (one.person for one in page))
            policy = policy_of(loop, day_one=day_one)
            moves = list(_moves(loop, tx, page, found, policy))
            cycles.save(tx, moves, loop.now, loop.run)
        raise Killed

    monkeypatch.setattr("connector.sync.run.decide", kill)
    with pytest.raises(Killed):
        world.run()
    monkeypatch.undo()
    world.pass_time(HOUR)
    world.run()
    held = world.rows("SELECT state, why FROM cycle WHERE current")
    assert held == [("held", "backlog")] * 2


def test_half_a_mirror_is_none():
    from connector.decisions.mirror import read_mirror

    for held in (
        {},
        {"state": "nurture"},
        {"state": "nurture", "cycle": "x"},
        {"state": "nurture", "cycle": 0},
        {"state": "Hot lead!", "cycle": 1},
        {"state": "nurture", "cycle": float("inf")},
    ):
        assert read_mirror(held, 5) is None
    whole = read_mirror({"state": " recycled ", "cycle": "2.0", "verdict": "recycled: not: now"}, 5)
    assert (whole.number, whole.verdict, whole.reason) == (2, "recycled", "not: now")
