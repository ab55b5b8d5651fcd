"""Progress, capacity, margins, phases, calibration and alarms out of a store."""

from __future__ import annotations

import json
import re

from sqlalchemy import insert, update

from connector.config.settings import Report
from connector.domain.moment import DAY
from connector.report.figures import report_figures
from connector.report.page import report_page
from connector.report.tables import report_tables
from connector.store import schema
from connector.store.incoming import snapshots
from connector.store.incoming.snapshots import Snapshot
from connector.store.outgoing import plans
from connector.store.persons.people import dumps
from connector.store.persons.quality import silent_types
from connector.sync.opening import model_file
from tests.past import NOW, did
from tests.report.test_figures import _add_deal, _hand_off
from tests.report.test_page import leaves, read


def with_report(loaded, **values):
    report = Report.model_validate(values)
    return loaded._replace(settings=loaded.settings.model_copy(update={"report": report}))


def test_products_bring_the_margin_that_the_settings_assume_for_them(past):
    store, loaded, _ = past(0)
    for number, product, amount in (("1", "desk", 900.0), ("2", "lamp", 100.0)):
        _hand_off(store, f"p{number}", 100 * DAY, state="won")
        with store.write() as tx:
            deal = {"status": "won", "amount": amount, "created": 101 * DAY, "products": product}
            _add_deal(tx, deal, number)
    loaded = with_report(loaded, margin="20%", margins={"lamp": "50%"})
    data = report_figures(store, loaded, NOW, [])
    rows = {row["name"]: row for row in data["lifetime"]["products"]}
    assert {name: (row["mix"], row["margin"]) for name, row in rows.items()} == {
        "desk": (0.9, 180.0), "lamp": (0.1, 50.0),
    }  # fmt: skip
    assert "Margin<br>(assumed)" in report_page(data)


def test_hours_needed_stand_beside_hours_there(past):
    store, loaded, _ = past(0)
    for number in range(26):
        _hand_off(store, f"p{number}", NOW - 8 * DAY)
    assert [row["needed"] for row in report_figures(store, loaded, NOW, [])["capacity"]] == [
        None, None,
    ]  # fmt: skip
    loaded = with_report(loaded, sales_time={"hour": 60, "hours": {"handed_off": 2}, "week": 8})
    everybody, anna = report_figures(store, loaded, NOW, [])["capacity"]
    assert everybody == anna | {"owner": None}
    assert (anna["handoffs"], anna["needed"], anna["peak"]) == (26, 4.0, 52.0)
    assert (anna["there"], anna["use"]) == (8.0, 0.5)


def test_a_model_is_published_when_it_was_first_approved_as_it_is(past):
    store, _, figures = past(60)
    assert figures()["calibration"] == {"published": None, "bands": [], "unknown": 0}
    model = {"model": ("h1", json.dumps({}))}
    with store.write() as tx:
        plans.save_approvals(tx, model, "p1", 5 * DAY)
        plans.save_approvals(tx, model | {"routing": ("r", "null")}, "p2", 9 * DAY)
        assert plans.approved_at(tx, "model") == 5 * DAY
        assert plans.approved_at(tx, "routing") == 9 * DAY
        plans.save_approvals(tx, {"model": ("h2", "{}")}, "p3", 12 * DAY)
        assert plans.approved_at(tx, "model") == 12 * DAY


def test_a_band_is_that_of_the_score_a_lead_was_handed_off_with(quick_past):
    store, loaded, figures = quick_past(60)
    with store.write() as tx:
        agreed = {"routing": ("r", "null"), "model": ("h1", json.dumps(model_file(loaded).plain()))}
        plans.save_approvals(tx, agreed, "p1", 5 * DAY)
        tx.execute(schema.score.update().values(score=12))
        rows = tx.execute(schema.cycle.select().where(schema.cycle.c.state == "won")).all()
        kept = rows[0]
        tx.execute(schema.handoff.insert().values(
            person=kept.person, number=kept.number, record="crm/lead/x", owner="crm/anna",
            tier="", crossed_at=NOW, step="", turn=0, package="", do_next="", alert="{}",
            task="none", score=91,
        ))  # fmt: skip
    found = figures()["calibration"]
    assert {row["least"]: row["now_won"] for row in found["bands"] if row["now_settled"]} == {80: 1}
    assert found["unknown"] >= len(rows) - 1


def test_what_changed_unasked_is_told(past):
    store, _, figures = past(120)
    assert not [row for row in figures()["alarms"]["rows"] if row["alarm"] != "value_new"]
    with store.write() as tx:
        snapshots.save(tx, "crm", "leads", Snapshot({}, frozenset({"title"})), now=NOW, run="r")
        tx.execute(insert(schema.activity), [
            did("p", f"web{n}", NOW - (15 + n) * DAY, type="webinar") for n in range(60)
        ] + [did("p", f"mail{n}", NOW - n * DAY, type="mail") for n in range(60)])  # fmt: skip
        types = silent_types(tx, NOW - 91 * DAY, NOW - 14 * DAY)
    assert types == {"webinar": 60}
    data = figures()
    said = {(row["alarm"], row["about"]) for row in data["alarms"]["rows"]}
    assert {("field_gone", "crm: leads.title"), ("type_gone", "webinar")} <= said
    assert "type_gone" in {row["alarm"] for row in report_tables(data)["alarms.rows"]}
    assert data["alarms"]["sounding"] == len(data["alarms"]["rows"]) + sum(
        row["beyond"] is not None for row in data["alarms"]["volume"]
    )
    page = report_page(data)
    assert "crm: leads.title" in page
    assert "An activity type that no longer comes" in page


def test_months_without_anybody_count_in_what_is_usual(past):
    store, _, figures = past(0)
    for number, ago in enumerate([10, 9, 8, 7, 3, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1]):
        _hand_off(store, f"p{number}", NOW - (30 * ago - 5) * DAY)
    volume = {row["stage"]: row for row in figures()["alarms"]["volume"]}
    row = volume["handed_off"]
    assert row["name"] == "2026-10"
    assert row["mean"] == 12 / 9
    assert row["number"] == 3


def test_the_buyers_words_stand_in_for_the_sellers(past):
    store, loaded, _ = past(100)
    loaded = with_report(loaded, phases={"Learning": "inquiry", "Deciding": "handed_off"})
    data = report_figures(store, loaded, NOW, [])
    stages = {row["stage"]: row["cycles"] for row in data["stages"]}
    assert [(row["name"], row["cycles"]) for row in data["phases"]] == [
        ("Learning", stages["inquiry"]), ("Deciding", stages["handed_off"]),
    ]  # fmt: skip
    assert "The funnel in the buyer" in report_page(data)


def test_kinds_that_buy_as_everybody_does_are_not_called_beyond_chance(past):
    _, _, figures = past(150)
    data = figures()
    rows = [row for rows in data["profiles"].values() for row in rows]
    assert rows
    told = re.search(r'id="aim".*?</section>', report_page(data), re.DOTALL).group()
    beyond = sum(row["beyond_chance"] for row in rows)
    assert told.count("<td>yes</td>") == beyond
    assert told.count("<td>no</td>") == len(rows) - beyond


def test_the_page_of_all_settings_shows_no_number_of_its_own(quick_past):
    store, loaded, _ = quick_past(300)
    loaded = with_report(
        loaded, margin="30%", segment="source", phases={"Need": "inquiry", "Deal": "won"},
        sales_time={"hour": 60, "hours": {"handed_off": 0.5}, "week": 6},
    )  # fmt: skip
    with store.write() as tx:
        document = dumps(model_file(loaded).plain())
        files = {"model": ("h", document), "routing": ("r", "null")}
        plans.save_approvals(tx, files, "p", NOW - 200 * DAY)
    data = json.loads(json.dumps(report_figures(store, loaded, NOW, [])))
    numbers = {str(v) for v in leaves(data) if isinstance(v, int | float)}
    shown = read(report_page(data)).values
    assert set(shown) <= numbers
    for rows in (data["quarters"], data["flow"], data["capacity"], data["calibration"]["bands"]):
        assert {str(v) for v in leaves(rows) if type(v) is int} <= {*shown, *"0123456789", "100"} | {
            str(row["most"]) for row in data["bands"]} | {str(row["least"]) for row in data["bands"]}  # fmt: skip


def test_the_phase_in_which_nurture_has_people_is_a_kind(past):
    store, _, figures = past(30)
    with store.write() as tx:
        tx.execute(update(schema.cycle).values(phase="learning"))
    (kind,) = figures()["kinds"]["phase"]
    assert (kind["name"], kind["stages"][0]["cycles"]) == ("learning", 30)
