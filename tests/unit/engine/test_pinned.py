"""People scored as of moments of their own: what the reference says of the days before."""

from __future__ import annotations

import math

import duckdb
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.engine.duck import open_duck
from connector.engine.job import Job
from connector.engine.pinned import COLUMNS, key_of, score_as_of
from connector.engine.prepared import TYPES
from connector.engine.small import _ACTIVITY, fill
from connector.scoring.model import Model
from tests.reference_scorer import score as reference
from tests.unit.scoring.models import DAY, NOW, models, worlds

moments = st.one_of(
    st.integers(NOW - 100 * DAY, NOW + 10 * DAY),
    st.sampled_from([NOW, NOW + 1, NOW // DAY * DAY, NOW - DAY]),
)


def as_of(folder, model, world, asked):
    """Score (person number, moment) pairs by the code of the scoring process."""
    compiled = Model.model_validate(model)
    people = [{"person": f'p"{n},', **facts} for n, (facts, _) in enumerate(world)]
    done = [
        {**dict.fromkeys(_ACTIVITY), **one, "person": f'p"{n},', "id": f"{n}.{m}"}
        for n, (_, acts) in enumerate(world)
        for m, one in enumerate(acts)
    ]
    path, then, out = (folder / name for name in ("moments.csv", "then.csv", "out.parquet"))
    then.write_text("")
    lines = [f'{key_of(i, at)},"p""{n},",{at}\n' for i, (n, at) in enumerate(asked)]
    path.write_text("".join(lines))
    duck = open_duck()
    try:
        fields = {n: TYPES[kind] for n, kind in compiled.person_fields().items()}
        fill(duck, "people", {"person": "VARCHAR", **fields}, people)
        fill(duck, "activities", _ACTIVITY, done)
        source = {"moments": str(path), "then": str(then), "fields": {}}
        score_as_of(duck, Job(source, compiled.plain(), 0, str(out)))
    finally:
        duck.close()
    rows = duckdb.sql(f"SELECT * FROM read_parquet('{out}')").fetchall()
    found = [dict(zip(COLUMNS, row, strict=True)) for row in rows]
    return {int(row["person"].split("|")[1]): row for row in found}


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(models(), worlds.filter(bool), st.lists(moments, min_size=1, max_size=6))
def test_each_moment_is_scored_from_strictly_earlier_activities(tmp_path, model, world, times):
    asked = [(n % len(world), at) for n, at in enumerate(times)]
    found = as_of(tmp_path, model, world, asked)
    assert sorted(found) == list(range(len(asked)))
    for number, (who, at) in enumerate(asked):
        facts, done = world[who]
        before = [a for a in done if a["time"] < at]
        account = facts["account.key"]
        colleagues = [
            [a for a in did if a["time"] < at]
            for other, (theirs, did) in enumerate(world)
            if other != who and account is not None and theirs["account.key"] == account
        ]
        wanted, row = reference(model, facts, before, at, colleagues), found[number]
        for name in ("fit", "behaviour", "total"):
            assert math.isclose(row[name], wanted[name], abs_tol=1e-6), name
        assert row["disqualified_by"] == wanted["disqualified_by"]
        assert row["fast_track_by"] == wanted["fast_track_by"]
        people = [a["time"] for a in before if not a["machine"]]
        assert row["newest"] == max(people, default=None)


def test_a_colleague_counts_at_each_moment_and_nobody_is_a_colleague_of_oneself(tmp_path):
    crowd = {"activity": "page_view", "points": 1, "by": "colleagues", "name": "crowd"}
    model = {
        "version": 1,
        "name": "crowd",
        "threshold": 50,
        "fit": {
            "full_marks": 1,
            "groups": [{"name": "f", "rules": [{"name": "vp", "field": "title", "equals": "vp"}]}],
        },
        "behaviour": {"full_marks": 10, "groups": [{"name": "b", "rules": [crowd]}]},
    }
    model["fit"]["groups"][0]["rules"][0]["points"] = 1
    crowd["half_life"] = "none"
    facts = {"account.key": "a", "title": None}
    view = {**dict.fromkeys(_ACTIVITY), "type": "page_view", "machine": False}
    world = [
        (facts, [{**view, "time": NOW - 9 * DAY}]),
        (facts, [{**view, "time": NOW - 5 * DAY}, {**view, "time": NOW - DAY}]),
    ]
    asked = [(0, NOW - 5 * DAY), (0, NOW), (0, NOW), (1, NOW)]
    found = as_of(tmp_path, model, world, asked)
    assert [round(found[n]["behaviour"]) for n in range(4)] == [0, 20, 20, 10]


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(models(), worlds.filter(bool), moments)
def test_what_happens_at_or_after_the_moment_changes_nothing(tmp_path, model, world, at):
    asked = [(n, at) for n in range(len(world))]
    cut = [(facts, [a for a in done if a["time"] < at]) for facts, done in world]
    assert as_of(tmp_path, model, world, asked) == as_of(tmp_path, model, cut, asked)
