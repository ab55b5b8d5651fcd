"""One compiler, two engines, one independent reference: the same numbers."""

from __future__ import annotations

import math

import narwhals as nw
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings

from connector.domain.score import Score
from connector.engine.small import score_rows
from connector.scoring.compile import SCORE_COLUMNS, score_frame
from connector.scoring.explain import explain, reasons_text
from connector.scoring.model import Model
from connector.scoring.trace import Did, trace
from tests.reference_scorer import bounded
from tests.reference_scorer import score as reference
from tests.unit.scoring.models import NOW, models, worlds

ACTIVITY = ("person", "id", "type", "time", "url", "asset", "campaign", "form", "channel", "visit")
LAW = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def rows(world):
    people = [{"person": f"p{n}", **facts} for n, (facts, _) in enumerate(world)]
    activities = [
        {**dict.fromkeys(ACTIVITY), **one, "person": f"p{n}", "id": f"{n}.{m}"}
        for n, (_, done) in enumerate(world)
        for m, one in enumerate(done)
    ]
    return people, activities


def on_polars(model, people, activities):
    kinds = {"text": pl.String, "any": pl.String, "number": pl.Float64, "bool": pl.Boolean}
    schema = {"person": pl.String} | {n: kinds[k] for n, k in model.person_fields().items()}
    typed = [
        {
            n: (str(v) if schema[n] == pl.String and v is not None else v)
            for n, v in row.items()
            if n in schema
        }
        for row in people
    ]
    events = dict.fromkeys(ACTIVITY, pl.String) | {"time": pl.Int64, "machine": pl.Boolean}
    frame = score_frame(
        nw.from_native(pl.LazyFrame(typed, schema=schema)),
        nw.from_native(pl.LazyFrame(activities, schema=events)),
        model,
        NOW,
    )
    found = frame.to_native().collect().sort("person")
    width = len(SCORE_COLUMNS)
    return [
        (Score(*row[:width]), dict(zip(found.columns[width:], row[width:], strict=True)))
        for row in found.iter_rows()
    ]


@LAW
@given(model=models(), world=worlds)
@pytest.mark.parametrize("engine", ["duckdb", "polars"])
def test_the_engine_says_what_the_reference_says(engine, model, world):
    compiled = Model.model_validate(model)
    people, activities = rows(world)
    if engine == "duckdb":
        scored = score_rows(compiled, people, activities, NOW)
    else:
        scored = on_polars(compiled, people, activities)
    assert len(scored) == len(world)
    for n, ((facts, done), (score, points)) in enumerate(zip(world, scored, strict=True)):
        account = facts["account.key"]
        colleagues = [
            did
            for m, (other, did) in enumerate(world)
            if account is not None and other["account.key"] == account and m != n
        ]
        wanted = reference(model, facts, done, NOW, colleagues)
        for name in ("fit", "behaviour", "total"):
            assert math.isclose(getattr(score, name), wanted[name], rel_tol=0, abs_tol=1e-9), name
        for name in ("disqualified_by", "fast_track_by", "threshold"):
            assert getattr(score, name) == wanted[name]
        for rule, raw in wanted["points"].items():
            assert math.isclose(points[f"rule:{rule}"], raw, rel_tol=0, abs_tol=1e-9), rule
        if abs(wanted["total"] * 1e9 % 1 - 0.5) > 1e-3 and abs(wanted["total"] % 1 - 0.5) > 1e-6:
            assert score.score == wanted["score"]
            assert score.action == wanted["action"]
            assert score.sales_ready == wanted["sales_ready"]


@LAW
@given(model=models(), world=worlds)
def test_the_lines_of_an_explanation_add_up_to_the_score_exactly(model, world):
    compiled = Model.model_validate(model)
    for score, points in score_rows(compiled, *rows(world), NOW):
        lines = explain(compiled, points, score)
        assert math.fsum(line.points for line in lines) == score.score
        text = reasons_text(lines, score)
        assert 0 < len(text) <= 2000


@LAW
@given(model=models(), world=worlds)
def test_the_trace_of_each_activity_adds_up_to_what_the_engine_says(model, world):
    compiled = Model.model_validate(model)
    people, activities = rows(world)
    for n, (_, points) in enumerate(score_rows(compiled, people, activities, NOW)):
        mine = [
            Did(a["id"], a["type"], a["time"], a, "a machine" if a["machine"] else None)
            for a in activities
            if a["person"] == f"p{n}"
        ]
        traced = trace(compiled, mine, NOW)
        for rule in compiled.behaviour_rules():
            if rule.by == "person":
                raw = math.fsum(u.points for u in traced.units if u.rule == rule.name)
                wanted = bounded(raw, {"min": rule.min, "max": rule.max})
                assert math.isclose(points[f"rule:{rule.name}"], wanted, rel_tol=0, abs_tol=1e-9)
        for one in mine:  # each activity a rule asks for counts or has its reason, never both
            used = {(u.rule, key) for u in traced.units for key in u.keys}
            assert not used & {(u.rule, u.key) for u in traced.unused if u.key == one.key}


def test_empty_tables_give_no_scores():
    model = Model.model_validate(
        {
            "version": 1,
            "name": "m",
            "fit": {
                "full_marks": 1,
                "groups": [
                    {
                        "name": "g",
                        "rules": [{"name": "r", "field": "title", "equals": "x", "points": 1}],
                    }
                ],
            },
            "behaviour": {
                "full_marks": 1,
                "groups": [
                    {"name": "h", "rules": [{"name": "s", "activity": "page_view", "points": 1}]}
                ],
            },
        }
    )
    assert score_rows(model, [], [], NOW) == []
