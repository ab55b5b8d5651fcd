"""The stories in which runs are killed: what people do, and the step that is taken after it."""

from __future__ import annotations

import csv
from collections.abc import Callable
from io import StringIO
from typing import Any, NamedTuple

import orjson

from connector.adapters.base import RemoteField
from connector.domain.moment import DAY, HOUR, format_iso
from connector.errors import ApprovalError
from connector.store.database import open_store
from connector.store.running import runs
from connector.sync.opening import alone, routing_in_use
from connector.sync.upkeep.forget import forget_everywhere
from connector.sync.writing.undo import undo
from tests.sync.world import MAPPING, ROUTING, SETTINGS, World


class Act(NamedTuple):
    """What people do, and the step taken after it, in which the run is killed.

    `shows` says of the calm outcome that the step did what it is here for. With `later`, a run a
    minute afterwards belongs to it: what could not be known at once is settled then.
    """

    name: str
    people: Callable[[World], object] | None
    step: str
    shows: Callable[[dict[str, Any]], object]
    later: bool = False


class Scene(NamedTuple):
    """One story: how the company is set up, and its acts."""

    name: str
    prepare: Callable[[World], object]
    acts: tuple[Act, ...]


# --- steps, each taken in a child ----------------------------------------------------------------


def _approve(world: World) -> None:
    # The clock stands while a step is told again, so ids of two plans tell no order: the state does.
    plans = world.rows("SELECT id FROM plan WHERE kind = 'write' AND state <> 'superseded'")
    for (plan,) in plans:
        _go(world, plan)


def _go(world: World, plan: str) -> None:
    try:
        world.apply(plan)
    except ApprovalError as error:
        if "nothing to apply" not in str(error):
            raise


def _undo(world: World) -> None:
    """Plan the way back of each run that wrote since the last hour, newest first, and go it."""
    wrote = world.rows(
        "SELECT j.run FROM journal j JOIN outbox o ON o.id = j.outbox "
        "LEFT JOIN plan p ON p.id = o.plan WHERE coalesce(p.kind, 'write') <> 'undo' "
        f"AND j.at > {world.now - HOUR} GROUP BY j.run ORDER BY max(j.seq) DESC"
    )
    assert wrote, "the last hour's runs wrote nothing to undo"
    for (run,) in wrote:
        plan = _way_back_of(world, run)
        if plan is None:
            with world.open("runs undo", candidate=True) as loop:
                plan = undo(loop, run).id
        _go(world, plan)


def _way_back_of(world: World, run: str) -> str | None:
    told = world.rows("SELECT about FROM audit WHERE what = 'undo planned'")
    plans = (orjson.loads(about) for (about,) in told)
    return next((one["plan"] for one in plans if one["of"] == run), None)


FORGOTTEN = ("l1@acme.example", "l2@acme.example")


def _forget(world: World) -> None:
    """Erase two people; told again, it erases whoever is left."""
    store = open_store(world.loaded.store_url())
    try:
        for address in FORGOTTEN:
            with alone(world.loaded, store, runs.new_id(world.now)) as held:
                routing = routing_in_use(world.loaded, held)
                forget_everywhere(
                    world.loaded, routing, held, address, world.now, allow_return=False
                )
    finally:
        store.close()


STEPS = {"run": World.run, "approve": _approve, "undo": _undo, "forget": _forget}


# --- a first week --------------------------------------------------------------------------------


def people_at_work(world: World, day: int) -> None:
    """What people do in the CRM before a step: the same in every telling."""
    if day == 0:
        for n in range(7):
            world.lead(f"old{n}", title="Clerk", owner=None)
        world.hot("h1")
        world.hot("h2", owner="ben")
        world.put("deals", "d1", lead="h2", owner="ben", amount=5.0, stage="open")
    elif day == 1:
        world.pass_time()
        world.hot("n1")
        world.hot("n2", email="old3@acme.example")
        world.put("leads", "old0", ll_score=3)
        world.put("leads", "h1", ll_nurture=True)
        world.crm.delete("leads", "old5")
        world.crm.delete("leads", "old6", merged_into="old1")
        world.put("leads", "old2", title="VP Sales")
    elif day == 2:
        world.pass_time(DAY + HOUR)
        world.put("leads", "n1", status="bad", reason="no_budget")
        world.put("deals", "d1", stage="won")
        world.event("old4", "form_submit", form="demo")
        world.crm.objects["leads"]["old1"]["title"] = "CEO"  # without a stamp: the night finds it
    world.now += 5_000_000  # what happened lies behind the window's end


JOURNEY = ((0, "run"), (None, "approve"), (1, "run"), (2, "run"), (None, "undo"))


def _day(number: int | None) -> Callable[[World], None] | None:
    return None if number is None else lambda world: people_at_work(world, number)


def _wrote(outcome: dict[str, Any]) -> bool:
    return any(name.startswith("ll_") for _, _, name, *_ in outcome["effects"])


WEEK = Scene(
    "week",
    lambda _world: None,
    tuple(
        Act(
            f"{step} {place}",
            _day(day),
            step,
            _wrote if place else lambda o: o["waiting"],
            later=place > 1,  # a task that may be there is looked for once the CRM must show it
        )
        for place, (day, step) in enumerate(JOURNEY)
    ),
)


# --- sales: tasks, partners, owners that wait for approval, undo, forgetting ----------------------

_PACKAGE = (
    "      package: {to: ll_package, owner: ours}\n"
    "      do_next: {to: ll_next, owner: ours}\n"
    "      sla_due: {to: ll_due, owner: ours}\n"
)
_PARTNERS = ROUTING.replace(
    "  team:\n",
    "  partners:\n"
    "    members:\n"
    "      - owner: pat@one.example\n"
    "        partner: {name: One, answer_within: 2d, deliver: {csv: drop}}\n"
    "      - owner: pia@two.example\n"
    "        partner: {name: Two, answer_within: 2d, deliver: {mail: drop, to: pia@two.example}}\n"
    "  team:\n",
).replace("rules: [", "rules: [{name: Italy, when: {country: it}, to: {pool: partners}}, ")


def _sales(world: World) -> None:
    for name in ("ll_package", "ll_next", "ll_due"):
        world.crm.fields["leads"][name] = RemoteField(name, None)
    world.write(
        "mapping.yaml",
        MAPPING.replace("      score: {to: ll_s", _PACKAGE + "      score: {to: ll_s"),
    )
    world.write("routing.yaml", _PARTNERS)
    settings = SETTINGS.replace("records: 50%, owners: 100", "records: 100%, owners: 2")
    world.write(
        "leadloop.yaml",
        settings.format(store=world.store_url, stage="route")
        + "sla: {tiers: [], first_touch: 30d}\n",
    )
    for name, mail in (("pat", "pat@one.example"), ("pia", "pia@two.example")):
        world.put("users", name, name=name, email=mail, active=True, type="user")
    for n in range(6):
        world.lead(f"seed{n}", title="Clerk")
    world.start()


def _leads_come(world: World) -> None:
    world.pass_time()
    world.hot("l1", name="Ada", country="it")
    world.hot("l2", country="fr")
    world.now += 5_000_000


def answer(world: World, partner: str, word: str) -> None:
    """The partner says yes or no to what it was offered last."""
    codes = world.rows(
        f"SELECT code FROM offer WHERE partner = 'crm/{partner}' AND state = 'offered'"
    )
    (world.folder / "drop").mkdir(exist_ok=True)
    out = StringIO()
    writer = csv.writer(out)
    writer.writerow(["code", "answer"])
    writer.writerows((code, word) for (code,) in codes)
    world.write("drop/answers.csv", out.getvalue())


def _one_accepts(world: World) -> None:
    world.pass_time()
    answer(world, "pat", "accept")
    world.hot("l3", name="Bea", country="it")
    world.put("leads", "l2", owner="ben")  # somebody gives it to a colleague
    world.now += 5_000_000


def _more_than_may_go(world: World) -> None:
    world.pass_time()
    for offered in ("pat", "pia"):
        answer(world, offered, "decline")
        if world.rows("SELECT 1 FROM offer WHERE state = 'offered'"):
            break
    for n in range(4, 8):
        world.hot(f"l{n}", country="de")
    world.now += 5_000_000


def _somebody_takes_one(world: World) -> None:
    world.put("leads", "l5", owner="carla")
    world.put("leads", "l6", ll_score=1)
    world.now += 5_000_000


def _they_are_back(world: World) -> None:
    world.pass_time()
    world.put("leads", "l1", title="CEO")
    world.event("l2", url="/pricing/again")
    world.now += 5_000_000


SALES = Scene(
    "sales",
    _sales,
    (
        Act("give one and offer one", _leads_come, "run", lambda o: o["tasks"] and o["offers"], later=True),
        Act("a partner says yes", _one_accepts, "run",
            lambda o: ("l1", "pat") in o["owners"] and ("l2", "ben") in o["owners"], later=True),
        Act("too many owners at once", _more_than_may_go, "run",
            lambda o: [w for w in o["waiting"] if w[1] == "owner"], later=True),
        Act("approve owners", None, "approve", lambda o: len(o["tasks"]) >= 5, later=True),
        Act("undo owners", _somebody_takes_one, "undo",
            lambda o: ("l5", "carla") in o["owners"] and ("l4", None) in o["owners"]),
        Act("forget", None, "forget",
            lambda o: o["kept out"] != [(0,)] and "Ada" not in str(o["files"])),
        Act("after forgetting", _they_are_back, "run", lambda o: "Ada" not in str(o["files"])),
    ),
)  # fmt: skip


# --- night: merges, silent deletes and late rows, found by reconciling ----------------------------


def _many(world: World) -> None:
    settings = SETTINGS.replace("records: 50%", "records: 100%")
    world.write("leadloop.yaml", settings.format(store=world.store_url, stage="route"))
    for n in range(9):
        world.lead(f"c{n}", title="Clerk")
    world.start()
    world.pass_time(HOUR)
    for n in range(4):
        world.hot(f"m{n}", country="fr")
    world.now += 5_000_000
    world.run()


def _a_bad_day(world: World) -> None:
    """Deletes and edits that no window tells, rows that came late, and merges, one after another."""
    leads = world.crm.objects["leads"]
    before = format_iso(world.now - 9 * DAY)
    world.pass_time(DAY + HOUR)
    del leads["c0"]
    del leads["m3"]
    leads["c1"]["title"] = "CEO"
    for n in range(2):
        world.lead(f"late{n}")
        leads[f"late{n}"]["changed_at"] = before
    world.crm.delete("leads", "m0", merged_into="m1")
    world.crm.delete("leads", "c2", merged_into="c3")
    world.crm.delete("leads", "c3", merged_into="c4")
    world.event("c4", url="/pricing")
    world.put("leads", "m2", status="good")
    world.now += 5_000_000


def _it_comes_back(world: World) -> None:
    """A record out of the bin, a person who is two, and a plan for a record that goes."""
    world.pass_time(DAY + HOUR)
    world.lead("c2", title="VP Operations", email="c2@other.example")
    world.hot("x1", email="m1@acme.example")
    world.crm.delete("leads", "c5")
    world.now += 5_000_000


NIGHT = Scene(
    "night",
    _many,
    (
        Act("a night", _a_bad_day, "run",
            lambda o: ("lead", "m3") in {r[:2] for r in o["records"] if r[3]} and o["aliases"]),
        Act("a night after", _it_comes_back, "run",
            lambda o: ("lead", "c2") in {r[:2] for r in o["records"] if not r[3]}, later=True),
    ),
)  # fmt: skip

SCENES = {scene.name: scene for scene in (WEEK, SALES, NIGHT)}
