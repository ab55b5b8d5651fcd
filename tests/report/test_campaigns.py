"""Campaigns on the report: activities and costs.csv in, credit and returns out."""

from __future__ import annotations

import pytest
from sqlalchemy import insert

from connector.domain.moment import DAY
from connector.report.figures import report_figures
from connector.report.page import report_page
from connector.store import schema
from connector.store.persons.people import dumps
from tests.past import NOW, did
from tests.report.test_figures import _add_deal, _hand_off


def rows_of(data):
    return {row["campaign"]: row for row in data["campaigns"]["rows"]}


def with_costs(loaded, text, **more):
    (loaded.folder / "costs.csv").write_text(text, encoding="utf-8")
    report = loaded.settings.report.model_copy(update={"costs": "costs.csv", **more})
    return loaded._replace(settings=loaded.settings.model_copy(update={"report": report}))


def test_costs_meet_what_campaigns_brought(past):
    store, loaded, _ = past(0)
    _hand_off(store, "p1", 100 * DAY, state="won")
    with store.write() as tx:
        _add_deal(tx, {"status": "won", "amount": 900.0, "created": 101 * DAY})
        tx.execute(insert(schema.activity), [
            did("p1", "1", 90 * DAY, campaign="fair"),
            did("p1", "2", 95 * DAY, campaign="spring"),
            did("p1", "3", 94 * DAY, campaign="robots", machine=True),
        ])  # fmt: skip
    loaded = with_costs(
        loaded, "campaign,period,amount,currency\nfair,2025-01,300,EUR\nspring,2025-01,x,EUR\n"
    )
    warnings = []
    data = report_figures(store, loaded, NOW, warnings)
    rows = {row["campaign"]: row for row in data["campaigns"]["rows"]}
    assert set(rows) == {"fair", "spring"}
    assert rows["fair"]["even_split"]["value"] == rows["spring"]["even_split"]["value"] == 450.0
    assert rows["fair"]["first_touch"]["roi"] == pytest.approx(2.0)
    assert rows["spring"]["cost"] is None
    assert warnings[-1] == ("costs.csv:3: `x` is no amount such as 1250.50; the row is not counted")
    assert [row["cost"] for row in data["campaigns"]["per_stage"]] == [300.0] * 6
    assert "costs.csv:3" in report_page(data)


def a_campaign(tx, ident, **doc):
    tx.execute(insert(schema.record), [
        {"connection": "crm", "object": "campaign", "id": ident, "kind": "campaign",
         "doc": dumps(doc), "changed": None, "hash": "h", "remote": "{}", "gone": False,
         "merged_into": None, "person": None, "account": None, "subject": None, "first_run": "r",
         "dirty": False}
    ])  # fmt: skip


def test_the_crm_tells_names_and_what_the_file_of_costs_does_not(past):
    store, loaded, _ = past(0)
    _hand_off(store, "p1", 100 * DAY, state="won")
    with store.write() as tx:
        _add_deal(tx, {"status": "won", "amount": 900.0, "created": 101 * DAY})
        tx.execute(insert(schema.activity), [
            did("p1", "1", 90 * DAY, campaign="spring fair"),
            did("p1", "2", 95 * DAY, campaign="webinar"),
        ])  # fmt: skip
        a_campaign(tx, "1", name="Spring Fair", type="Trade Show", cost=900, begins="1970-03-22")
        a_campaign(tx, "2", name="Webinar", cost=100.5)
        a_campaign(tx, "3", name=" WEBINAR", type="Webinar", cost=20, ends=96 * DAY)
        a_campaign(tx, "4", name="Mailing", cost=None)
    rows = rows_of(report_figures(store, loaded, NOW, []))
    assert rows["spring fair"]["name"] == "Spring Fair"
    assert (rows["spring fair"]["cost"], rows["spring fair"]["cost_from"]) == (900.0, "crm")
    assert rows["spring fair"]["begins"] == "1970-03-22"
    assert (rows["webinar"]["cost"], rows["webinar"]["type"]) == (120.5, "Webinar")
    assert "mailing" not in rows, "nobody answered it and nobody says that it cost anything"
    loaded = with_costs(loaded, "campaign,period,amount\nSpring Fair,1970-03,300\n")
    data = report_figures(store, loaded, NOW, [])
    rows = rows_of(data)
    assert (rows["spring fair"]["cost"], rows["spring fair"]["cost_from"]) == (300.0, "file")
    assert (rows["webinar"]["cost"], rows["webinar"]["cost_from"]) == (120.5, "crm")
    assert data["campaigns"]["cost"] == 420.5
    assert data["campaigns"]["costs_from"] == "file and crm"
    assert [row["name"] for row in data["kinds"]["campaign"]] == ["Spring Fair"]
    assert {row["name"] for row in data["kind_quarters"]["campaign"]} == {"Spring Fair"}
    page = report_page(data)
    assert "Spring Fair" in page
    assert "that the file of costs does not name" in page


def test_a_second_pass_gets_the_touches_after_the_verdict_on_the_first(past):
    store, _, figures = past(0)
    _hand_off(store, "p1", 100 * DAY, state="recycled", current=False)
    _hand_off(store, "p1", 200 * DAY, state="won", number=2)
    with store.write() as tx:
        tx.execute(schema.cycle.update().where(schema.cycle.c.number == 1).values(
            verdict_at=120 * DAY))  # fmt: skip
        _add_deal(tx, {"status": "won", "amount": 500.0, "created": 210 * DAY, "closed": 220 * DAY})
        tx.execute(insert(schema.activity), [
            did("p1", "1", 90 * DAY, campaign="old"), did("p1", "2", 130 * DAY, campaign="new"),
        ])  # fmt: skip
    rows = {row["campaign"]: row["even_split"]["value"] for row in figures()["campaigns"]["rows"]}
    assert rows == {"new": 500.0, "old": 0.0}


def test_owners_can_be_codes_or_off(quick_past):
    store, loaded, _ = quick_past(60)
    assert "Anna" in report_page(report_figures(store, loaded, NOW, []))
    for shown in ("codes", "off"):
        report = loaded.settings.report.model_copy(update={"owners": shown})
        settings = loaded.settings.model_copy(update={"report": report})
        page = report_page(report_figures(store, loaded._replace(settings=settings), NOW, []))
        assert "Anna" not in page
        assert ("crm/anna" in page) == (shown == "codes")
