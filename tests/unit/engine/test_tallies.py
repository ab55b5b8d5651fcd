"""Scoring from what was counted before: exactly what the whole history gives."""

from __future__ import annotations

import copy
import math
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.domain.tally import Tally, closes_at, open_since
from connector.engine.child import run_program
from connector.engine.duck import open_duck
from connector.engine.job import Job
from connector.engine.prepared import columns_of
from connector.engine.program import program
from connector.engine.run import ScoredFile
from connector.engine.small import fill, score_rows
from connector.scoring import choice
from connector.scoring.choice import Choice, Models
from connector.scoring.model import Model
from connector.scoring.units import COUNTED_AS
from tests.unit.scoring.models import DAY, NOW, models, worlds
from tests.unit.scoring.test_engine_agrees import rows

LAW = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
later = st.sampled_from([0, 1, 3_600_000_000, DAY, 3 * DAY, 8 * DAY, 40 * DAY, 100 * DAY])


def run(chosen, people, activities, tallies, now):
    """Run a compiled program over rows; gives what it says of each person."""
    duck = open_duck()
    tables = {"people": people, "activities": activities, "tallies": tallies}
    try:
        for name, columns in columns_of(chosen).items():
            fill(duck, name, columns, tables[name])
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "scored.parquet"
            run_program(duck, Job(program(chosen, now)._asdict(), {}, now, str(out)))
            pages = list(ScoredFile(out, chosen).pages())
    finally:
        duck.close()
    return {one.score.person: one for _, page in pages for one in page}


def kept(found, now, as_of, more=()):
    """The tallies that still hold, as the store gives them; `more` says who did more since."""
    return [
        {"person": who, "more": int(who in more), "as_of": as_of, **one.tally._asdict()}
        for who, one in found.items()
        if one.tally.until is None or one.tally.until > now
    ]


def same(one, score, points):
    for part in ("fit", "behaviour", "total"):
        assert math.isclose(getattr(one.score, part), getattr(score, part), abs_tol=1e-9), part
    for rule, raw in points.items():
        assert math.isclose(one.points.get(rule, 0.0), raw, rel_tol=1e-12, abs_tol=1e-9), rule
    for part in ("disqualified_by", "fast_track_by", "threshold"):
        assert getattr(one.score, part) == getattr(score, part)


def repriced(model, more):
    """The same rules, worth something else: points, bounds, weights and thresholds."""
    new = copy.deepcopy(model)
    for group in new["behaviour"]["groups"]:
        group["max"] = 50.0 + more
        for rule in group["rules"]:
            rule["points"] += more
            rule.pop("min", None)
            rule["max"] = 40.0 + more
    new["threshold"] = 50
    new["weights"] = {"fit": 10, "behaviour": 30 + more}
    return new


@LAW
@given(model=models(), world=worlds, age=later)
def test_sums_kept_say_later_what_the_whole_history_says(model, world, age):
    chosen = Models.only(Model.model_validate(model))
    people, activities = rows(world)
    first = run(chosen, people, activities, [], NOW)
    held = kept(first, NOW + age, NOW)
    whose = {one["person"] for one in held}
    others = [one for one in activities if one["person"] not in whose]
    again = run(chosen, people, others, held, NOW + age)
    for score, points in score_rows(chosen.default, people, activities, NOW + age):
        same(again[score.person], score, points)
        assert (again[score.person].tally is None) == (score.person in whose)


@LAW
@given(
    model=models(),
    world=worlds,
    steps=st.lists(later, min_size=1, max_size=3),
    luck=st.randoms(use_true_random=False),
)
def test_what_is_new_is_added_to_sums_kept_and_gives_what_the_whole_history_gives(
    model, world, steps, luck
):
    """Activities become known bit by bit, some a day late; each time it is counted on."""
    chosen = Models.only(Model.model_validate(model))
    people, activities = rows(world)
    unknown = [one for one in activities if luck.random() < 0.5]
    known = [one for one in activities if one not in unknown]
    found, now = run(chosen, people, known, [], NOW), NOW
    held = {who: (NOW, one.tally) for who, one in found.items()}
    for age in steps:
        now += age
        new = [one for one in unknown if luck.random() < 0.7]
        unknown = [one for one in unknown if one not in new]
        known += new
        news = {one["person"] for one in new}
        serve = {
            who: one for who, one in held.items() if _serves(chosen, who, one, new, known, now)
        }
        told = [
            {"person": who, "more": int(who in news), "as_of": as_of, **one._asdict()}
            for who, (as_of, one) in serve.items()
        ]
        read = [
            one
            for one in known
            if (who := one["person"]) not in serve
            or (who in news and one["time"] >= open_since(serve[who][0]))
        ]
        found = run(chosen, people, read, told, now)
        for score, points in score_rows(chosen.default, people, known, now):
            same(found[score.person], score, points)
        for who, one in found.items():
            assert (one.tally is None) == (who in serve and who not in news)
            if one.tally is not None:
                held[who] = (now, one.tally)


def _serves(chosen, who, kept, new, known, now):
    """Whether a tally says all that was done before its open days, and may be added to."""
    as_of, tally = kept
    if tally.until is not None and tally.until <= now:
        return False
    mine = [one for one in new if one["person"] == who]
    late = any(one["time"] < open_since(as_of) for one in mine)
    open_ = [one for one in known if one["person"] == who and one["time"] >= open_since(as_of)]
    looked_at = any(one["type"] in chosen.units().looked_at for one in open_)
    return not late and not (mine and looked_at)


@given(st.integers(0, 2**60), st.integers(0, 2**60))
def test_a_day_closes_when_what_is_counted_then_does_not_read_it_any_more(time, as_of):
    assert (time < open_since(as_of)) == (as_of >= closes_at(time))
    assert DAY <= as_of - open_since(as_of) < 2 * DAY


@LAW
@given(model=models(), world=worlds, age=later, more=st.integers(1, 9))
def test_other_points_bounds_weights_and_thresholds_use_the_same_sums(model, world, age, more):
    old, new = (Models.only(Model.model_validate(m)) for m in (model, repriced(model, more)))
    assert old.units().hash == new.units().hash
    people, activities = rows(world)
    held = kept(run(old, people, activities, [], NOW), NOW + age, NOW)
    whose = {one["person"] for one in held}
    others = [one for one in activities if one["person"] not in whose]
    again = run(new, people, others, held, NOW + age)
    for score, points in score_rows(new.default, people, activities, NOW + age):
        same(again[score.person], score, points)


def model_of(*rules, name="m", fast=()):
    group = {"name": "g", "rules": [{"name": "f", "field": "title", "equals": "vp", "points": 1}]}
    return Model.model_validate(
        {
            "version": 1,
            "name": name,
            "fit": {"full_marks": 1, "groups": [group]},
            "behaviour": {"full_marks": 9, "groups": [{"name": "b", "rules": list(rules)}]},
            "fast_track": list(fast),
        }
    )


VISIT = {"name": "v", "activity": "page_view", "points": 2}


def event(person, kind, time, **more):
    blank = dict.fromkeys(("url", "asset", "campaign", "form", "channel", "visit"))
    return {
        **blank,
        "id": "1",
        "person": person,
        "type": kind,
        "time": time,
        "machine": False,
    } | more


def test_a_tally_holds_until_something_leaves_its_window_or_the_future_arrives():
    recent = VISIT | {"name": "w", "within": "7d", "per": "asset"}
    chosen = Models.only(model_of(VISIT, recent))
    done = [
        event("window", "page_view", NOW - 2 * DAY),
        event("window", "page_view", NOW - 5 * DAY, machine=True),
        event("old", "page_view", NOW - 30 * DAY),
        event("future", "page_view", NOW + 3),
        event("other", "webinar", NOW + 3),
    ]
    people = [{"person": who} for who in ("window", "old", "future", "other", "idle")]
    found = run(chosen, people, done, [], NOW)
    until = {who: one.tally.until for who, one in found.items()}
    assert until == {
        "window": NOW + 5 * DAY,
        "old": None,
        "future": NOW + 3,
        "other": None,
        "idle": None,
    }
    assert found["idle"].tally.sums == ""  # nothing done is worth keeping: it need not be looked up


def test_what_is_added_to_a_tally_leaves_when_it_ends_and_when_the_last_was_done():
    recent = VISIT | {"name": "w", "within": "20d"}
    quiet = {"name": "q", "inactive": "9d", "points": -1}
    chosen = Models.only(model_of(VISIT, recent, quiet))
    held = Tally(NOW - 5 * DAY, NOW + 8 * DAY, "3;4", "")
    people = [{"person": who} for who in ("nothing", "a machine", "a visit")]
    done = [
        event("a machine", "page_view", NOW, machine=True),
        event("a visit", "page_view", NOW + 1),
    ]
    told = [{"more": 1, "as_of": NOW, **one, **held._asdict()} for one in people]
    found = run(chosen, people, done, told, NOW + DAY)
    assert {who: (one.tally.newest, one.tally.until) for who, one in found.items()} == {
        "nothing": (NOW - 5 * DAY, NOW + 8 * DAY),
        "a machine": (NOW - 5 * DAY, NOW + 8 * DAY),
        "a visit": (NOW + 1, NOW + 8 * DAY),
    }
    assert {who for who, one in found.items() if one.tally.open} == {"a visit"}


def test_what_rules_count_decides_which_sums_serve_and_not_what_it_is_worth():
    base = model_of(VISIT)
    assert model_of(VISIT | {"points": 9, "max": 3, "name": "x"}).units().hash == base.units().hash
    others = (
        {"half_life": "9d"},
        {"within": "9d"},
        {"per": "day"},
        {"per": "day", "times": 2},
        {"first": True},
        {"first": True, "times": 2},
        {"per": "asset"},
        {"per": "asset", "first": True},
        {"after": {"activity": "download", "within": "9d"}},
        {"where": {"url": {"prefix": "/p"}}},
        {"activity": "download"},
    )
    hashes = {model_of(VISIT | other).units().hash for other in others}
    assert len(hashes | {base.units().hash}) == len(others) + 1
    quiet = {"name": "q", "inactive": "9d", "points": -1}
    assert model_of(VISIT, quiet).units().hash != base.units().hash


def test_whoever_changes_how_units_are_counted_is_reminded_of_the_sums_in_stores():
    day = NOW // DAY * DAY
    rules = [
        {"name": "plain", "activity": "page_view", "points": 1, "half_life": "1d"},
        {"name": "day", "activity": "page_view", "points": 1, "half_life": "1d", "per": "day"},
        {
            "name": "visit",
            "activity": "page_view",
            "points": 1,
            "half_life": "none",
            "per": "visit",
        },
        {"name": "first", "activity": "page_view", "points": 1, "half_life": "1d", "first": True},
    ]
    rules.append(rules[0] | {"name": "after", "after": {"activity": "download", "within": "1d"}})
    chosen = Models.only(model_of(*rules))
    done = [event("p", "page_view", day - n * DAY // 2) for n in (0, 1, 2, 2)]
    done.append(event("p", "download", day - DAY))
    (one,) = run(chosen, [{"person": "p"}], done, [], day).values()
    found = dict(
        zip((r.name for r in chosen.units().rules), one.tally.sums.split(";"), strict=True)
    )
    wanted = {
        "plain": 2 + 2**-0.5,
        "day": 1.5,
        "visit": 3,
        "first": 0.5,
        "after": 1 + 2**-0.5,
    }
    assert COUNTED_AS == "2", "then say here what sums are now, and keep this in step"
    for name, value in wanted.items():
        assert math.isclose(float(found[name]), value), (
            f"{name} is counted otherwise: raise COUNTED_AS"
        )


def test_a_model_that_counts_nothing_but_how_long_nothing_was_done_is_scored():
    chosen = Models.only(model_of({"name": "q", "inactive": "9d", "points": 3}))
    people, done = [{"person": "p"}], [event("p", "page_view", NOW)]
    first = run(chosen, people, done, [], NOW)["p"]
    assert (first.points, first.tally) == ({}, Tally(NOW, None, "", ""))
    (held,) = kept({"p": first}, NOW, NOW, more=["p"])
    assert run(chosen, people, [], [held], NOW + 10 * DAY)["p"].points == {"rule:q": 3}


def test_what_a_rule_about_first_ones_counted_is_never_taken_away():
    """Its part of open days would not be what they added: it is 0, and the whole sum stays."""
    chosen = Models.only(model_of(VISIT | {"first": True, "half_life": "none"}))
    people = [{"person": "p"}]
    done = [event("p", "page_view", NOW - 20 * DAY), event("p", "page_view", NOW)]
    first = run(chosen, people, done, [], NOW)
    (held,) = kept(first, NOW, NOW, more=["p"])
    assert (held["sums"], held["open"]) == ("1.0", "")
    assert run(chosen, people, [], [held], NOW)["p"].points == {"rule:v": 2}


def test_each_of_several_models_is_scored_from_the_units_of_all():
    one = model_of(VISIT, name="one")
    two = model_of(
        VISIT | {"half_life": "1d"}, {"name": "q", "inactive": "3d", "points": -1}, name="two"
    )
    chosen = Models([Choice(one, choice.tests_of({"country": "fr"})), Choice(two, {})])
    people = [{"person": "a", "country": "fr"}, {"person": "b", "country": "de"}]
    done = [event(who, "page_view", NOW - 2 * DAY) for who in "ab"]
    held = kept(run(chosen, people, done, [], NOW), NOW + 9 * DAY, NOW)
    found = run(chosen, people, [], held, NOW + 9 * DAY)
    assert math.isclose(found["a"].points["rule:v"], 2 * 2 ** (-11 / 30), abs_tol=1e-12)
    assert math.isclose(found["b"].points["rule:v"], 2 * 2**-11, abs_tol=1e-12)
    assert found["b"].points["rule:q"] == -1
