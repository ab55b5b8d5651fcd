"""A year of a small company: a fair week of ten times the leads, leave, silence, a full team."""

from __future__ import annotations

from collections import Counter

import pytest

from connector.domain.cycle import FINAL, State
from connector.domain.moment import DAY, MINUTE, format_iso
from connector.store.database import open_store
from connector.sync.handing_off.standings import standings
from tests.sync.world import MAPPING, SETTINGS

ROUTING = """
version: 1
pools:
  team:
    members:
      - {owner: anna@us.example, weight: 2, capacity: {per_week: 2}}
      - {owner: ben@us.example, capacity: {per_week: 1}}
      - {owner: carla@us.example, capacity: {open: 1}}
  abroad:
    members:
      - owner: pat@one.example
        partner: {name: One, answer_within: 3d, deliver: {csv: drop}}
  outside: {members: [{owner: agency@out.example}]}
rules: [{name: Italy, when: {country: it}, to: {pool: abroad}}]
fallback: {pool: team}
overflow: {hold: 14d, then: {pool: outside}}
"""
FAIR = 20
"""The week of the fair."""
WEEKLY = 1


class Year:
    """The company's year: leads come, those in sales who are there work, the loop runs."""

    def __init__(self, world):
        self.world = world
        self.leads = 0
        self.worked: set[str] = set()

    def arrive(self, count):
        for _ in range(count):
            self.leads += 1
            country = "it" if self.leads % 5 == 0 else "de"
            self.world.hot(f"l{self.leads}", country=country)

    def work(self):
        """Anna and Ben call within minutes and decide a day later; Carla and the agency are slow."""
        for ident, lead in sorted(self.world.crm.objects["leads"].items()):
            owner = lead.get("owner")
            if ident in self.worked or owner not in {"anna", "ben"} or self.away(owner):
                continue
            self.world.event(ident, "call", ago=0, owner=owner)
            verdict = ("good", "later", "bad")[len(self.worked) % 3]
            self.world.put("leads", ident, status=verdict, reason="as it goes")
            self.worked.add(ident)

    def away(self, owner):
        back = self.world.crm.objects["users"][owner].get("back")
        return back is not None and back > format_iso(self.world.now)

    def leave(self, owner, days):
        self.world.put("users", owner, back=format_iso(self.world.now + days * DAY))


@pytest.fixture
def year(small):
    small.write("routing.yaml", ROUTING)
    mapping = MAPPING.replace("asset: asset, form", "asset: asset, owner: owner, form").replace(
        "type: type}", "type: type, away_until: {from: back, as: moment}}", 1
    )
    small.write("mapping.yaml", mapping)
    limits = "write: {limits: {records: 100%, owners: 100, clears: 100%, input: 0%}}\n"
    small.write(
        "leadloop.yaml",
        SETTINGS.format(store=small.store_url, stage="route").replace(
            "write: {limits: {records: 50%, owners: 100, clears: 50%}}\n", limits
        )
        + "sla: {tiers: [], first_touch: 26h, reassign_after: 2d}\n",
    )
    for name, mail in (("pat", "pat@one.example"), ("agency", "agency@out.example")):
        small.put("users", name, name=name, email=mail, active=True, type="user")
    for name in ("anna", "ben"):
        small.put("users", name, back=None)
    for n in range(5):
        small.lead(f"seed{n}", title="Clerk")
    small.event("seed0", "call", owner="ben")
    small.start()
    return Year(small)


def check(world):
    """Everybody in one state with a date, every hand-off in one bucket, every late one told."""
    rows = world.rows("SELECT person, state, next_at, why, since FROM cycle WHERE current")
    people = [row[0] for row in world.rows("SELECT id FROM person")]
    assert sorted(row[0] for row in rows) == sorted(people)
    for _, state, next_at, why, since in rows:
        assert (next_at is None) == (State(state) in FINAL)
        if state == "held" and why == "capacity":
            assert world.now - since <= 14 * DAY + 7 * DAY, "nobody waits longer than agreed"
    store = open_store(world.loaded.store_url())
    try:
        handed = standings(store, world.loaded, world.now)
    finally:
        store.close()
    in_sales = {
        row[0] for row in rows if row[1] in {"handed_off", "accepted", "qualified", "no_decision"}
    }
    assert in_sales <= {row["person"] for row in handed}
    for row in handed:
        late = row["bucket"] == "late"
        assert not late or row["step"] in {"escalated", "reassigned"}, "late, and nobody was told"


@pytest.mark.timeout(600)
def test_in_a_year_with_a_fair_leave_silence_and_a_full_team_nobody_is_lost(year):
    world = year.world
    longest_queue = 0
    for week in range(52):
        fair = week == FAIR
        year.arrive(WEEKLY * 10 if fair else WEEKLY)
        if week in {FAIR, 35}:
            year.leave("ben", 14)
        if week == FAIR + 1:
            year.leave("anna", 7)
        for wait in (7 * DAY,) if not fair else (DAY, DAY, 5 * DAY):
            world.run()
            check(world)
            world.pass_time(20 * MINUTE)
            year.work()
            world.pass_time(wait - 20 * MINUTE)
        held = world.rows("SELECT count(*) FROM cycle WHERE current AND why = 'capacity'")[0][0]
        longest_queue = max(longest_queue, held)
    assert longest_queue > 3 * WEEKLY, "the fair filled the team"
    for _ in range(8):
        world.pass_time(4 * DAY)
        world.run()
        year.work()
    states = Counter(row[0] for row in world.rows("SELECT state FROM cycle WHERE current"))
    assert states["held"] == 0
    owners = Counter(
        row[0] for row in world.rows("SELECT owner FROM routing WHERE owner IS NOT NULL")
    )
    assert owners["crm/agency"] > 0, "what nobody could take went outside"
    offers = dict(world.rows("SELECT state, count(*) FROM offer GROUP BY state"))
    assert offers == {"timed_out": year.leads // 5}, "the partner never answered"
    asked = {f"crm/lead/l{n}" for n in range(1, year.leads + 1)}
    reached = {
        row[0] for row in world.rows("SELECT person FROM handoff WHERE began_at IS NOT NULL")
    }
    assert reached == asked, "everybody came to somebody in sales"
    carla = world.rows(
        "SELECT count(*) FROM cycle WHERE current AND owner = 'crm/carla' "
        "AND state IN ('handed_off', 'accepted', 'no_decision')"
    )[0][0]
    assert carla <= 2, "the team at capacity is not overrun"
    passed = world.rows("SELECT person, number, count(*) FROM routing WHERE owner IS NOT NULL "
                        "AND pool IS NOT 'abroad' GROUP BY person, number")  # fmt: skip
    assert max(n for _, _, n in passed) <= 2, "nobody is passed round"
