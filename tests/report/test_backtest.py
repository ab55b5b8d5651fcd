"""Backtests over a store: scores of then, outcomes within the horizon, and nothing from later."""

from __future__ import annotations

import json
import math

import pytest
from ruamel.yaml import YAML
from sqlalchemy import insert, select, update

from connector.domain.moment import DAY
from connector.domain.record import Edit
from connector.engine.asof import score_moments
from connector.errors import UsageError
from connector.scoring.choice import Choice, Models
from connector.scoring.choice import tests_of as when
from connector.scoring.model import Model
from connector.store import schema
from connector.store.incoming import field_history
from connector.store.scored.feed import activities_sql, people_sql
from connector.sync.opening import model_file
from connector.sync.studies.backtest import Question, run_backtest
from tests.past import NOW, did
from tests.reference_scorer import score as reference
from tests.sync.world import MODEL


def ask(store, loaded, **options):
    question = Question(**{"horizon": 60 * DAY, "now": NOW, **options})
    return run_backtest(store, loaded, model_file(loaded), question)


def test_the_whole_way_through_the_store_agrees_with_the_reference(past):
    store, loaded, _ = past(40)
    model = model_file(loaded).default
    plain = YAML(typ="safe").load(MODEL)
    with store.read() as tx:
        people = {row.id: json.loads(row.facts) for row in tx.execute(select(schema.person))}
        done = [dict(row._mapping) for row in tx.execute(select(schema.activity))]
    asked = [(who, NOW - (n * 37 % 300) * DAY - n) for n, who in enumerate(people)]
    asked += [(who, at - 40 * DAY) for who, at in asked]
    with score_moments(
        model_file(loaded),
        asked,
        url=store.url,
        people=people_sql(store.dialect, model.person_fields(), only_stale=False),
        activities=activities_sql(store.dialect, model.activity_columns(), only_stale=False),
    ) as scored:
        found = sorted(scored)
    assert [one.number for one in found] == list(range(len(asked)))
    assert len({one.behaviour for one in found}) > 3
    for one in found:
        who, at = asked[one.number]
        mine = [a for a in done if a["person"] == who and a["time"] < at]
        wanted = reference(plain, people[who], mine, at)
        assert math.isclose(one.total, wanted["total"], abs_tol=1e-9)
        assert (one.score, one.sales_ready) == (wanted["score"], wanted["sales_ready"])


def test_activities_from_the_hand_off_on_change_nothing(quick_past):
    store, loaded, _ = quick_past(60)
    before = ask(store, loaded)
    assert before["n"] > 20
    with store.write() as tx:
        cycles = tx.execute(select(schema.cycle).where(schema.cycle.c.handed_off_at.is_not(None)))
        tx.execute(insert(schema.activity), [
            did(row.person, f"new{row.person}{n}", row.handed_off_at + n, url="/pricing")
            for row in cycles.all() for n in (0, 1, DAY)
        ])  # fmt: skip
    assert ask(store, loaded) == before
    with store.write() as tx:
        tx.execute(update(schema.activity).where(schema.activity.c.id.like("new%0"))
                   .values(time=schema.activity.c.time - 1))  # fmt: skip
    assert ask(store, loaded)["confusion"] != before["confusion"]


def test_outcomes_are_counted_within_the_horizon_and_young_leads_left_out(quick_past):
    store, loaded, _ = quick_past(200)
    found = ask(store, loaded, horizon=10 * DAY)
    with store.read() as tx:
        rows = tx.execute(
            select(schema.cycle).where(schema.cycle.c.handed_off_at.is_not(None))
        ).all()
    old = [row for row in rows if row.handed_off_at + 10 * DAY <= NOW]
    won = [
        row for row in old if row.state == "won" and row.verdict_at - row.handed_off_at <= 10 * DAY
    ]
    late = [row for row in old if row.state == "won" and row not in won]
    assert late
    assert (found["n"], found["won"]) == (len(old), len(won))
    assert found["left_out"].get("too young for the horizon", 0) == len(rows) - len(old)
    assert found["basis"] == {"hand-off": len(old)}


def test_a_sample_is_the_same_for_the_same_seed_and_a_part_of_the_whole(quick_past):
    store, loaded, _ = quick_past(80)
    one, same, other = (ask(store, loaded, sample=20, seed=seed) for seed in (4, 4, 5))
    assert one == same
    assert (one["n"], one["known"] > 20) == (20, True)
    assert {**one, "seed": None} != {**other, "seed": None}


def test_leads_that_sales_never_had_are_asked_about_only_on_request(quick_past):
    store, loaded, _ = quick_past(80)
    found, wide = ask(store, loaded), ask(store, loaded, everybody=True)
    assert found["left_out"]["never in sales' hands"] > 0
    assert "never in sales' hands" not in wide["left_out"]
    assert wide["basis"]["creation"] == wide["n"] - found["n"]


def test_without_a_hand_off_the_first_word_of_sales_is_the_moment(quick_past):
    store, loaded, _ = quick_past(60)
    with store.write() as tx:
        tx.execute(update(schema.cycle).values(handed_off_at=None))
    found = ask(store, loaded)
    assert set(found["basis"]) <= {"first worked on by sales", "creation"}
    assert found["basis"]["first worked on by sales"] > 0


def test_an_empty_store_has_nothing_to_say(quick_past):
    store, loaded, _ = quick_past(0)
    found = ask(store, loaded)
    assert (found["n"], found["rate"], found["rankings"]) == (0, None, [])
    assert found["words"][0].startswith("Too few to judge")


def test_rules_on_fields_left_out_count_no_more_and_a_field_nobody_reads_is_refused(quick_past):
    store, loaded, _ = quick_past(60)
    whole, less = ask(store, loaded), ask(store, loaded, without=("seniority",))
    assert less["excluded_fields"] == ["seniority"]
    assert less["model"]["version"] != whole["model"]["version"]
    fit = {one["name"]: one for one in less["rankings"]}["fit only"]
    assert fit != {one["name"]: one for one in whole["rankings"]}["fit only"]
    with pytest.raises(UsageError, match="no rule reads the field `shoe size`"):
        ask(store, loaded, without=("shoe size",))


def test_the_score_of_the_crm_is_read_from_the_field_of_that_name_and_flagged(quick_past):
    store, loaded, _ = quick_past(60)
    assert not any("own score" in flag for flag in ask(store, loaded)["flags"])
    with store.write() as tx:
        won = set(
            tx.execute(select(schema.cycle.c.person).where(schema.cycle.c.state == "won")).scalars()
        )
        for row in tx.execute(select(schema.person)).all():
            facts = json.loads(row.facts) | {"crm_score": 9 if row.id in won else 1}
            tx.execute(
                update(schema.person)
                .where(schema.person.c.id == row.id)
                .values(facts=json.dumps(facts))
            )
    found = ask(store, loaded)
    assert found["rankings"][-1]["name"] == "the CRM's own score"
    assert found["rankings"][-1]["auc"]["value"] > 0.9
    assert "The CRM's own score is that of today" in found["flags"][-1]


@pytest.mark.parametrize("excluded", ["customer", "own_staff"])
def test_who_became_a_customer_is_still_asked_about_and_own_staff_is_not(quick_past, excluded):
    store, loaded, _ = quick_past(60)
    whole = ask(store, loaded)["n"]
    with store.write() as tx:
        tx.execute(update(schema.person).values(excluded=excluded))
    found = ask(store, loaded)
    assert found["n"] == (whole if excluded == "customer" else 0)


def test_each_past_lead_is_scored_by_the_model_for_the_person(quick_past):
    store, loaded, _ = quick_past(120)
    usual = model_file(loaded).default
    plain = YAML(typ="safe").load(MODEL)
    strict = Model.model_validate({**plain, "name": "strict", "threshold": 100})
    models = Models([Choice(strict, when({"seniority": "vp"})), Choice(usual, {})])
    with store.read() as tx:
        facts = {row.id: json.loads(row.facts) for row in tx.execute(select(schema.person))}
    asked = [(who, NOW - 20 * DAY) for who in sorted(facts)]
    queries = {
        "people": people_sql(store.dialect, models.person_fields(), only_stale=False),
        "activities": activities_sql(store.dialect, models.activity_columns(), only_stale=False),
    }

    def ready(models):
        with score_moments(models, asked, url=store.url, **queries) as scored:
            return {asked[one.number][0]: (one.score, one.sales_ready) for one in scored}

    both, alone = ready(models), {name: ready(Models.only(m)) for name, m in
                                  (("strict", strict), ("usual", usual))}  # fmt: skip
    assert alone["strict"] != alone["usual"]
    for who, found in both.items():
        vp = facts[who].get("seniority") == "vp"
        assert found == alone["strict" if vp else "usual"][who]

    question = Question(60 * DAY, NOW)
    mixed = run_backtest(store, loaded, models, question)
    assert [(one["name"], one["threshold"]) for one in mixed["models"]] == [
        ("strict", 100),
        (usual.name, usual.threshold),
    ]
    assert sum(one["n"] for one in mixed["models"]) == mixed["n"]
    assert all(one["n"] for one in mixed["models"])
    plainly = run_backtest(store, loaded, Models.only(usual), question)
    assert plainly["n"] == mixed["n"]
    sent = [one["confusion"]["found"] + one["confusion"]["wasted"] for one in (mixed, plainly)]
    assert sent[0] < sent[1]


def learnt_afterwards(store):
    """Whoever bought is a VP today, as sales found out; gives the edits that say so."""
    edits = []
    with store.write() as tx:
        for row in tx.execute(select(schema.person)).all():
            cycle = tx.execute(
                select(schema.cycle).where(schema.cycle.c.person == row.id, schema.cycle.c.current)
            ).one()
            title = "VP Sales" if cycle.state == "won" else "Clerk"
            _, _, ident = row.id.split("/")
            facts = json.loads(row.facts) | {"title": title.casefold()}
            facts["seniority"] = "vp" if cycle.state == "won" else None
            size = facts.get("account.employees")
            known = json.loads(row.doc) | {"title": title, "account.employees": size}
            person, record = schema.person, schema.record
            tx.execute(update(person).where(person.c.id == row.id).values(facts=json.dumps(facts)))
            tx.execute(update(record).where(record.c.id == ident).values(doc=json.dumps(known)))
            if cycle.state == "won":
                edits.append(Edit(f"h{ident}", ident, "title", cycle.verdict_at, "Clerk", title))
    return edits


def test_what_was_learnt_after_the_hand_off_helps_no_model_where_the_crm_tells_of_it(quick_past):
    store, loaded, _ = quick_past(200)
    edits = learnt_afterwards(store)

    def fit(found):
        return {one["name"]: one for one in found["rankings"]}["fit only"]["auc"]["value"]

    known_too_well = ask(store, loaded)
    assert fit(known_too_well) > 0.9
    assert known_too_well["undated"]["seniority"] == known_too_well["n"]
    assert "seniority" in known_too_well["flags"][0]
    early = Edit("h0", "somebody", "title", 1, None, "Clerk")
    with store.write() as tx:
        field_history.store_edits(tx, "crm", "lead", [early, *edits], "r")
    found = ask(store, loaded)
    assert fit(found) == pytest.approx(0.5, abs=0.1)
    assert found["n"] == known_too_well["n"]
    assert "seniority" not in found["undated"]


def test_rules_on_fields_whose_past_nobody_kept_are_left_out_on_request(quick_past):
    store, loaded, _ = quick_past(100)
    with pytest.raises(UsageError, match="no fit rule is left"):
        ask(store, loaded, dated=True)
    edits = [Edit("h0", "somebody", "title", 1, None, "Clerk"), *learnt_afterwards(store)]
    with store.write() as tx:
        field_history.store_edits(tx, "crm", "lead", edits, "r")
    found = ask(store, loaded, dated=True)
    assert "account.employees" in found["excluded_fields"]
    assert "seniority" not in found["excluded_fields"]
    assert found["flags"][0].startswith("Rules on fields whose values of then are not known")
