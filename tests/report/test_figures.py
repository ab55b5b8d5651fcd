"""What the report says is what the store holds: counted once more by hand from its rows."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from sqlalchemy import insert, select, update

from connector.domain.moment import DAY
from connector.store import schema
from connector.store.passes.nurture import segments
from tests.past import did


def test_stages_money_and_reasons_are_those_of_the_rows(past):
    store, _, figures = past(120)
    found = figures()
    with store.read() as tx:
        cycles = tx.execute(select(schema.cycle)).all()
        deals = tx.execute(select(schema.record.c.doc).where(schema.record.c.kind == "opportunity"))
        docs = [json.loads(text) for (text,) in deals]
    won = [c for c in cycles if c.state == "won"]
    amounts = [d["amount"] for d in docs if d["status"] == "won" and d["amount"]]
    head = found["headline"]
    assert (head["cycles"], head["won"], head["valued"]) == (120, len(won), len(amounts))
    assert head["value"] == pytest.approx(sum(amounts), abs=0.001)
    assert head["handed_off"] == sum(c.handed_off_at is not None for c in cycles)
    rejected = [c for c in cycles if c.state == "rejected"]
    said = {r["reason"]: r["cycles"] for r in found["reasons"] if r["state"] == "rejected"}
    assert sum(said.values()) == len(rejected)
    assert said["no_budget"] == sum(c.verdict_reason == "no_budget" for c in rejected)
    assert said["no reason given"] == sum(c.verdict_reason is None for c in rejected)
    own = [d["amount"] for d in docs if d["status"] == "lost" and d["amount"]]
    lost = [row for row in found["leakage"]["rows"] if row["how"] == "lost"]
    assert sum(row["by_deal_value"] for row in lost) == pytest.approx(sum(own), abs=0.001)
    assert found["health"]["deals"] == len(docs)
    assert found["health"]["kept_aside"] == [
        {"object": "event", "reason": "`time` is no moment", "rows": 2}
    ]


def test_consent_is_counted_for_everybody_in_scope(past):
    store, loaded, figures = past(12)
    said = [
        ({"opted_out": True}, {"country": "de"}),
        ({"opted_out": "true"}, {}),
        ({"do_not_call": True}, {"account.country": "de"}),
        ({"opted_in": True}, {"country": "", "account.country": "de"}),
    ]
    with store.write() as tx:
        tx.execute(update(schema.person).values(doc="{}", facts="{}"))
        who = sorted(tx.execute(select(schema.person.c.id)).scalars())
        for one, (doc, facts) in zip(who, said, strict=False):
            tx.execute(
                update(schema.person)
                .where(schema.person.c.id == one)
                .values(doc=json.dumps(doc), facts=json.dumps(facts))
            )
    assert [(r["people"], r["no_sales"], r["no_mail"]) for r in figures()["consent"]] == [
        (12, 1, 1)
    ]
    with (loaded.folder / "leadloop.yaml").open("a") as file:
        file.write("consent: {policy: shipped}\n")
    assert [list(row.values())[:4] for row in figures()["consent"]] == [
        ["EU and EEA", 3, 2, 2],
        ["unknown region", 9, 0, 9],
    ]


def test_segments_count_everybody_in_scope_once(past):
    store, _, _ = past(40)
    with store.read() as tx:
        found = segments(tx, "country")
        states = dict(
            tx.execute(
                select(schema.cycle.c.person, schema.cycle.c.state).where(schema.cycle.c.current)
            ).all()
        )
        facts = {
            row.id: json.loads(row.facts).get("country")
            for row in tx.execute(select(schema.person).where(schema.person.c.excluded.is_(None)))
        }
    assert {one.name: one.people for one in found} == Counter(facts.values())
    nurtured = Counter(
        facts[who]
        for who, state in states.items()
        if state in {"nurture", "recycled"} and who in facts
    )
    assert {one.name: one.nurtured for one in found if one.nurtured} == nurtured


def test_a_touch_counts_when_the_owner_did_it_after_the_hand_off(past):
    store, _, figures = past(0)
    _hand_off(store, "p1", 100 * DAY)
    _hand_off(store, "p2", 100 * DAY)
    with store.write() as tx:
        tx.execute(insert(schema.activity), [
            did("p1", "1", 99 * DAY, owner="anna"),
            did("p1", "2", 100 * DAY + DAY // 2, owner="ben"),
            did("p1", "3", 101 * DAY, owner="anna"),
            did("p2", "4", 102 * DAY, owner="anna"),
        ])  # fmt: skip
    touched = figures()["handoffs"]["touched"]
    assert (touched["in_time"], touched["late"], touched["missed"]) == (1, 1, 0)
    assert (touched["median"], touched["p90"]) == (24.0, 48.0)
    worked = figures()["handoffs"]["touched_open"]  # over a weekend
    assert (worked["median"], worked["p90"]) == (0.0, 0.0)


def test_touches_are_unknown_where_no_activity_names_an_owner(past):
    store, _, figures = past(0)
    _hand_off(store, "p1", 100 * DAY)
    touched = figures()["handoffs"]["touched"]
    assert (touched["unknown"], touched["missed"], touched["kept"]) == (1, 0, None)


def test_amounts_in_another_currency_are_left_out_and_counted(past):
    store, _, figures = past(0)
    _hand_off(store, "p1", 100 * DAY, state="won")
    deal = {"status": "won", "amount": 900.0, "currency": "usd", "created": 101 * DAY}
    with store.write() as tx:
        _add_deal(tx, deal)
    found = figures()
    assert found["headline"]["valued"] == 0
    assert found["health"]["deals_in_other_currency"] == 1
    with store.write() as tx:
        record = schema.record
        doc = json.dumps({**deal, "currency": "eur"})
        tx.execute(update(record).where(record.c.kind == "opportunity").values(doc=doc))
    assert figures()["headline"]["value"] == 900.0


def test_a_deal_belongs_to_the_pass_in_which_it_was_made(past):
    store, _, figures = past(0)
    _hand_off(store, "p1", 100 * DAY, state="recycled", current=False)
    _hand_off(store, "p1", 200 * DAY, state="won", number=2)
    with store.write() as tx:
        deal = {"status": "won", "amount": 500.0, "created": 210 * DAY, "closed": 220 * DAY}
        _add_deal(tx, deal)
    head = figures()["headline"]
    assert (head["again_won"], head["again_value"], head["again_value_share"]) == (1, 500.0, 1.0)
    assert figures()["leakage"]["came_back"] == 1


def test_what_the_first_run_met_halfway_has_no_invented_times(past):
    store, _, figures = past(0)
    _hand_off(store, "p1", 100 * DAY, state="qualified")
    with store.write() as tx:
        tx.execute(update(schema.cycle).values(handed_off_at=None))
        tx.execute(update(schema.move).values(why="found in sales' hands"))
    found = figures()
    assert found["found"] == 1
    assert [row["timed"] for row in found["stages"]] == [0] * 6


def _hand_off(store, person, at, *, state="handed_off", number=1, current=True):
    with store.write() as tx:
        if number == 1:
            tx.execute(insert(schema.person).values(
                id=person, facts="{}", doc="{}", stale=False, pending=False, first_run="r"
            ))  # fmt: skip
        tx.execute(insert(schema.cycle).values(
            person=person, number=number, state=state, why="w", since=at, opened_at=at - DAY,
            owner="crm/anna", handed_off_at=at, sla_due_at=at + DAY, current=current,
        ))  # fmt: skip
        for after in dict.fromkeys(("handed_off", state)):
            tx.execute(insert(schema.move).values(
                person=person, number=number, after=after, why="w", by="crm", at=at, run="r"
            ))  # fmt: skip


def _add_deal(tx, doc, number="1"):
    both = {"connection": "crm", "hash": "h", "remote": "{}", "gone": False, "first_run": "r",
            "dirty": False}  # fmt: skip
    tx.execute(insert(schema.record).values(
        object="lead", id=number, kind="person", doc="{}", person=f"p{number}", **both
    ))  # fmt: skip
    tx.execute(insert(schema.record).values(
        object="deal", id=f"d{number}", kind="opportunity", doc=json.dumps(doc), subject=number,
        **both,
    ))  # fmt: skip
