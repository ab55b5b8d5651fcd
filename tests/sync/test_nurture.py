"""Nurture as the marketing tool sees it: flag, theme, phase, next message, and who may be mailed."""

from __future__ import annotations

import pytest

from connector.adapters.base import RemoteField
from connector.domain.moment import DAY, HOUR, format_iso
from connector.store.database import open_store
from connector.sync.deciding import nurturing
from tests.sync.world import MAPPING, SETTINGS

FIELDS = ("phase", "reason", "programme", "segment")
WRITES = "".join(
    f"      nurture_{n}: {{to: ll_{n}, owner: ours, clear: true}}\n" for n in FIELDS
) + (
    "      next_message: {to: ll_next, owner: ours, clear: true}\n"
    "      review_at: {to: ll_review, owner: ours, clear: true}\n"
)
THEMES = """
nurture:
  on: activity
  phases: [problem, choice]
  programmes: {security: {problem: {crm: sec-1}, choice: sec-2}, cost: {problem: cost-1}}
  segment: seniority
  assets:
    - {name: breach-guide, theme: security, phase: problem}
    - {name: audit-list, theme: security, phase: problem}
    - {name: vendor-table, theme: security, phase: choice}
    - {name: roi-sheet, theme: cost, phase: problem}
  recycle: {no budget: {theme: cost, cool_off: 20d, review: 60d}}
"""


@pytest.fixture
def company(small):
    mapping = MAPPING.replace("      nurture_theme:", WRITES + "      nurture_theme:")
    mapping = mapping.replace(
        "country: country}",
        "country: country, opted_in: {from: opted_in, as: bool}, "
        "do_not_call: {from: dnc, as: bool}}",
    )
    small.write("mapping.yaml", mapping)
    for name in (*(f"ll_{n}" for n in FIELDS), "ll_next", "ll_review", "opted_in", "dnc"):
        small.crm.fields["leads"][name] = RemoteField(name, None)
    configure(small, THEMES)
    return small


def configure(world, text):
    world.write("leadloop.yaml", SETTINGS.format(store=world.store_url, stage="route") + text)


def listed(world, function, *more):
    store = open_store(world.loaded.store_url())
    try:
        return function(store, world.loaded, *more)
    finally:
        store.close()


def told(world, ident="l1"):
    shown = world.shown(ident)
    return tuple(
        shown.get(n) for n in ("ll_nurture", "ll_theme", "ll_phase", "ll_programme", "ll_next")
    )


def test_the_asset_that_identified_a_person_chooses_theme_phase_programme_and_next_message(company):
    company.lead("l1", title="Clerk")
    company.event("l1", "download", asset="Breach-Guide", ago=3 * HOUR)
    company.start()
    assert told(company) == (True, "security", "problem", "sec-1", "audit-list")
    assert company.shown("l1")["ll_review"] == format_iso(company.now + 90 * DAY)
    assert company.shown("l1")["ll_reason"] == "below threshold"
    company.written()
    company.run()
    assert company.written() == []


def test_later_actions_move_a_person_on_and_may_change_the_theme(company):
    company.lead("l1", title="Clerk")
    company.event("l1", "download", asset="breach-guide", ago=3 * HOUR)
    company.start()
    company.pass_time()
    company.event("l1", "download", asset="vendor-table")
    company.run()
    assert told(company) == (True, "security", "choice", "sec-2", None)
    company.pass_time()
    company.event("l1", "download", asset="roi-sheet")
    company.run()
    assert told(company) == (True, "cost", "problem", "cost-1", None)
    company.pass_time()
    company.event("l1", "download", asset="something nobody catalogued")
    company.run()
    assert told(company)[1] == "cost"


def test_without_on_activity_the_first_asset_decides_for_good(company):
    configure(company, THEMES.replace("  on: activity\n", ""))
    company.lead("l1", title="Clerk")
    company.event("l1", "download", asset="breach-guide", ago=3 * HOUR)
    company.start()
    company.pass_time()
    company.event("l1", "download", asset="roi-sheet")
    company.run()
    assert told(company)[:2] == (True, "security")


def test_a_reason_chooses_theme_cool_off_and_review_date_and_nothing_starts_anew(company):
    company.lead("seed", title="Clerk")
    company.start()
    company.hot("l1")
    company.event("l1", "download", asset="breach-guide")
    company.run()
    company.pass_time()
    company.put("leads", "l1", status="later", reason="No Budget")
    company.run()
    assert told(company)[:2] == (True, "cost")
    assert company.shown("l1")["ll_reason"] == "No Budget"
    said = company.now
    company.put("leads", "l1", status="new")
    company.pass_time(5 * DAY)
    company.event("l1", url="/pricing")
    company.run()
    assert company.shown("l1")["ll_state"] == "recycled", "cooling off: new behaviour waits"
    company.pass_time(16 * DAY)
    company.run()
    assert company.shown("l1")["ll_state"] == "handed_off", "what they did meanwhile counts then"
    assert company.shown("l1")["ll_cycle"] == 2
    assert company.now - said < 60 * DAY


def test_at_the_review_date_the_recycled_come_back_and_go_on_where_they_stood(company):
    company.lead("seed", title="Clerk")
    company.start()
    company.hot("l1")
    company.event("l1", "download", asset="vendor-table")
    company.run()
    company.pass_time()
    company.put("leads", "l1", status="later", reason="bad timing")
    company.run()
    company.put("leads", "l1", status="new")
    company.pass_time(91 * DAY)
    company.run()
    assert company.shown("l1")["ll_state"] == "nurture"
    assert told(company)[1:3] == ("security", "choice")


def test_flagged_people_whom_nobody_mails_are_listed_by_theme(company):
    for n in range(3):
        company.lead(f"l{n}", title="Clerk")
        company.event(f"l{n}", "download", asset="breach-guide", ago=3 * HOUR)
    company.start()
    assert listed(company, nurturing.unheard, company.now) == []
    company.pass_time(8 * DAY)
    company.event("l0", "email_sent", ago=DAY)
    company.run()
    (row,) = listed(company, nurturing.unheard, company.now)
    assert (row["theme"], row["phase"], row["people"]) == ("security", "problem", 2)


def test_empty_cells_of_the_matrix_show_how_many_wait_in_them(company):
    company.lead("l1", title="Clerk")
    company.start()
    cells = listed(company, nurturing.waiting_by_cell)
    assert cells[0] == {
        "theme": "general",
        "phase": "problem",
        "programme": None,
        "assets": 0,
        "waiting": 1,
    }
    assert sum(cell["waiting"] for cell in cells) == 1


def test_the_lane_beside_an_open_deal_flags_and_touches_neither_owner_nor_state(company):
    configure(company, THEMES + "  alongside: opportunity\n")
    company.lead("seed", title="Clerk")
    company.start()
    company.hot("l1")
    company.run()
    company.pass_time()
    company.put("deals", "d1", lead="l1", stage="open", owner="anna")
    company.run()
    shown = company.shown("l1")
    assert (shown["ll_nurture"], shown["ll_state"], shown["owner"]) == (True, "qualified", "anna")
    company.put("deals", "d1", stage="won")
    company.run()
    assert company.shown("l1")["ll_nurture"] is False


def test_consent_follows_the_row_of_the_country_and_the_unknown_get_the_stricter_one(company):
    configure(company, "consent: {policy: shipped}\n")
    company.lead("us", title="Clerk", country="us")
    company.lead("de", title="Clerk", country="de")
    company.lead("yes", title="Clerk", country="de", opted_in=True)
    company.lead("unknown", title="Clerk")
    company.start()
    flags = {n: company.shown(n).get("ll_nurture") for n in ("us", "de", "yes", "unknown")}
    assert flags == {"us": True, "de": None, "yes": True, "unknown": None}
    rows = {
        r["row"]: (r["people"], r["no_mail"], r["other_lane"])
        for r in listed(company, nurturing.blocked)
    }
    assert rows == {
        "EU and EEA": (2, 1, 1),
        "United States": (1, 0, 0),
        "unknown region": (1, 1, 1),
    }
    lane = listed(company, nurturing.other_lane)
    assert [one["person"] for one in lane] == ["crm/lead/de", "crm/lead/unknown"]
    assert all(one["may_call"] for one in lane)


def test_a_request_is_answered_whatever_is_known_of_consent_but_never_by_a_forbidden_call(company):
    configure(company, "consent: {policy: shipped}\n")
    for n in range(4):
        company.lead(f"seed{n}", title="Clerk")
    company.start()
    for ident, values in (("asks", {"opted_out": True}), ("dnc", {"dnc": True})):
        company.lead(ident, country="de", **values)
        company.event(ident, "form_submit", form="demo")
    company.run()
    assert company.shown("asks")["ll_state"] == "handed_off"
    assert company.shown("dnc")["ll_state"] == "inquiry"


def test_a_request_is_answered_by_the_plain_rules_too_but_not_by_a_forbidden_call(company):
    configure(company, "consent: {sales: opt_in}\n")
    for n in range(4):
        company.lead(f"seed{n}", title="Clerk")
    company.start()
    company.hot("silent")
    for ident, values in (("asks", {}), ("dnc", {"dnc": True, "opted_in": True})):
        company.hot(ident, **values)
        company.event(ident, "form_submit", form="demo")
    company.run()
    states = {ident: company.shown(ident)["ll_state"] for ident in ("silent", "asks", "dnc")}
    assert states["asks"] == "handed_off", "unknown consent never blocks the answer to a request"
    assert "handed_off" not in {states["silent"], states["dnc"]}


def test_data_to_be_mended_is_a_worklist(company):
    configure(company, "hygiene: {required: [email, country]}\n")
    company.lead("l1", title="Clerk", email="info@acme.example", country="de")
    company.lead("l2", title="Clerk", email="x@mailinator.com")
    company.event("l2", "email_bounce", ago=HOUR)
    company.event("l1", ago=400 * DAY)
    company.start()
    found = listed(company, nurturing.worklist, company.now)
    assert [(r["person"].rpartition("/")[2], r["finding"]) for r in found] == [
        ("l2", "bounced"),
        ("l2", "disposable address"),
        ("l2", "missing country"),
        ("l1", "role address"),
        ("l1", "stale"),
    ]
