"""Scoring from what was counted before: exactly what the whole history gives."""

from __future__ import annotations

import copy
import math
import tempfile
from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.domain.tally import TOO_MANY, Tally, closes_at, open_since
from connector.engine import making
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


def run(chosen, people, activities, tallies, now, again=(), changed=()):
    """Run a compiled program over rows; gives what it says of each person."""
    opened = open_duck()
    tables = {
        "people": people,
        "activities": activities,
        "tallies": tallies,
        "again": again,
        "changed": [{"person": who, "type": kind} for who, kind in changed],
    }
    try:
        for name, columns in columns_of(chosen).items():
            fill(opened, name, columns, tables[name])
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "scored.parquet"
            run_program(opened, Job(program(chosen, now)._asdict(), {}, now, str(out)))
            pages = list(ScoredFile(out, chosen).pages())
    finally:
        opened.close()
    return {one.score.person: one for _, page in pages for one in page}


def is_due(tally, now):
    return tally.until is not None and tally.until <= now


def kept(found, now, as_of, more=()):
    """The tallies, as the store gives them; `more` says who did more since."""
    return [
        {
            "person": who,
            "more": int(who in more or is_due(one.tally, now)),
            "as_of": as_of,
            **one.tally._asdict(),
        }
        for who, one in found.items()
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
    due = {one["person"] for one in held if one["more"]}
    read = [one for one in activities if one["person"] in due and one["time"] >= open_since(NOW)]
    again = run(chosen, people, read, held, NOW + age)
    for score, points in score_rows(chosen.default, people, activities, NOW + age):
        same(again[score.person], score, points)
        assert (again[score.person].tally is not None) == (score.person in due)


@LAW
@given(
    model=models(),
    world=worlds,
    steps=st.lists(later, min_size=1, max_size=3),
    luck=st.randoms(use_true_random=False),
)
def test_what_is_new_gone_or_otherwise_gives_what_the_whole_history_gives(
    model, world, steps, luck
):
    """Activities become known bit by bit, some late; some go, some turn out to be a machine's or
    of another type. Rules are counted anew where they read a type of which not all is as it was.
    """
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
        known, changed = _otherwise(known, luck)
        known += new
        changed |= {
            (one["person"], one["type"])
            for one in new
            if one["time"] < open_since(held[one["person"]][0])
        }
        news = {one["person"] for one in new} | {who for who, _ in changed}
        full = {who for who, (_, one) in held.items() if one.entries == TOO_MANY and who in news}
        more = {who for who, (_, one) in held.items() if who in news or is_due(one, now)} - full
        told = [
            {
                "person": who,
                "more": int(who in more),
                "as_of": as_of,
                **one._replace(newest=_newest(who, known, one, changed, now))._asdict(),
            }
            for who, (as_of, one) in held.items()
            if who not in full
        ]
        read = [
            one
            for one in known
            if (who := one["person"]) in full
            or (who in more and one["time"] >= open_since(held[who][0]))
        ]
        changed = {one for one in changed if one[0] not in full}
        again = [one for one in known if _is_read_again(chosen, one, changed)]
        found = run(chosen, people, read, told, now, again, changed)
        for score, points in score_rows(chosen.default, people, known, now):
            same(found[score.person], score, points)
        for who, one in found.items():
            assert (one.tally is not None) == (who in more | full)
            if one.tally is not None:
                held[who] = (now, one.tally)


def _otherwise(known, luck):
    """Let some go, and some be another's; gives what is left, and whose types that changed."""
    left, changed = [], set()
    for one in known:
        chance = luck.random()
        if chance < 0.2:
            changed.add((one["person"], one["type"]))
        if 0.05 <= chance < 0.1:
            left.append(one | {"machine": not one["machine"]})
        elif 0.1 <= chance < 0.2:
            left.append(one | {"type": luck.choice(["page_view", "download", "other"])})
            changed.add((one["person"], left[-1]["type"]))
        elif chance >= 0.2:
            left.append(one)
    return left, changed


def _newest(who, known, tally, changed, now):
    """The store says when the last was done of people whose activities changed."""
    if who not in {person for person, _ in changed}:
        return tally.newest
    mine = [one for one in known if one["person"] == who and not one["machine"]]
    return max((one["time"] for one in mine if one["time"] <= now), default=None)


def _is_read_again(chosen, one, changed):
    pairs = chosen.units().read_with
    return any(one["person"] == who and (kind, one["type"]) in pairs for who, kind in changed)


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
    due = {one["person"] for one in held if one["more"]}
    read = [one for one in activities if one["person"] in due and one["time"] >= open_since(NOW)]
    again = run(new, people, read, held, NOW + age)
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
    nothing = found["idle"].tally  # nothing done is worth keeping: it need not be looked up
    assert (nothing.sums, nothing.open, nothing.entries) == ("", "", "")


def test_what_is_added_to_a_tally_leaves_when_it_ends_and_when_the_last_was_done():
    recent = VISIT | {"name": "w", "within": "20d"}
    quiet = {"name": "q", "inactive": "9d", "points": -1}
    chosen = Models.only(model_of(VISIT, recent, quiet))
    (unit,) = chosen.units().looking
    entry = {"u": int(unit[1:]), "k": "", "t": NOW - 12 * DAY}
    held = Tally(NOW - 5 * DAY, NOW + 8 * DAY, "3;4", "", orjson.dumps([entry]).decode())
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
    (one,) = run(chosen, [{"person": "p"}], done, [], day + DAY).values()
    names = [r.name for r in chosen.units().rules]
    lists = (one.tally.sums.split(";"), one.tally.open.split(";"))
    found = {name: told for name, *told in zip(names, *lists, strict=True)}
    wanted = {  # of closed days, and of open ones beside them
        "plain": (0.5 + 2**-1.5, 0.5),
        "day": (0.25, 0.5),
        "visit": (3, 0),
        "first": (0.25, 0),
        "after": (0.5 + 2**-1.5, 0),
    }
    assert COUNTED_AS == "3", "then say here what sums are now, and keep this in step"
    for name, value in wanted.items():
        told = tuple(float(one or 0) for one in found[name])
        assert told == pytest.approx(value), f"{name} is counted otherwise: raise COUNTED_AS"
    looked_at = {names[entry["u"]] for entry in orjson.loads(one.tally.entries)}
    assert looked_at == {"visit", "first", "after"}


def test_a_model_that_counts_nothing_but_how_long_nothing_was_done_is_scored():
    chosen = Models.only(model_of({"name": "q", "inactive": "9d", "points": 3}))
    people, done = [{"person": "p"}], [event("p", "page_view", NOW)]
    first = run(chosen, people, done, [], NOW)["p"]
    assert (first.points, first.tally) == ({}, Tally(NOW, None, "", ""))
    (held,) = kept({"p": first}, NOW, NOW, more=["p"])
    assert run(chosen, people, [], [held], NOW + 10 * DAY)["p"].points == {"rule:q": 3}


@pytest.mark.parametrize(
    ("rule", "times"),
    [
        ({"first": True}, [20]),
        ({"first": True, "times": 3}, [9, 15, 20]),
        ({"within": "12d"}, [3, 9]),
        ({"within": "12d", "per": "day"}, [3, 9]),
        ({"per": "asset"}, [9]),
        ({"per": "asset", "within": "8d"}, []),
        ({"per": "asset", "first": True}, [9, 20]),
        ({"per": "return_visit"}, [9, 20]),
        ({"after": {"activity": "download", "within": "6d"}}, [3, 5, 9, 15]),
        ({"after": {"activity": "download", "within": "6d"}, "within": "8d"}, [3, 5]),
    ],
    ids=str,
)
def test_of_what_rules_look_at_as_much_is_kept_as_they_may_need(rule, times):
    """Each of what was done 3, 9, 15 and 20 days ago; what happened today is read again."""
    chosen = Models.only(model_of(VISIT | rule))
    done = [
        event("p", "page_view", NOW - days * DAY, asset=asset, visit=asset)
        for days, asset in ((0, "a"), (3, "a"), (9, "b"), (15, "a"), (20, "a"))
    ]
    done += [event("p", "download", NOW - days * DAY) for days in (5, 15)]
    first = run(chosen, [{"person": "p"}], done, [], NOW)["p"].tally
    kept_of = orjson.loads(first.entries or "[]")
    assert sorted((NOW - one["t"]) // DAY for one in kept_of) == times


def test_more_entries_than_are_worth_keeping_are_not_kept():
    chosen = Models.only(model_of(VISIT | {"within": "90d"}))
    done = [event("p", "page_view", NOW - 9 * DAY - n) for n in range(201)]
    done += [event("q", "page_view", NOW - 9 * DAY - n) for n in range(200)]
    found = run(chosen, [{"person": "p"}, {"person": "q"}], done, [], NOW)
    assert found["p"].tally.entries == TOO_MANY
    assert len(orjson.loads(found["q"].tally.entries)) == 200
    assert found["p"].tally.until == NOW + 81 * DAY - 200
    held = kept(found, NOW, NOW)
    assert run(chosen, [{"person": "p"}], [], held, NOW)["p"].points == found["p"].points


def test_entries_of_very_long_names_are_not_kept():
    chosen = Models.only(model_of(VISIT | {"per": "asset"}))
    done = [event("p", "page_view", NOW - 9 * DAY, asset="a" * 8_001)]
    done += [event("q", "page_view", NOW - 9 * DAY, asset="\x02;," * 2_000)]
    found = run(chosen, [{"person": "p"}, {"person": "q"}], done, [], NOW)
    assert found["p"].tally.entries == TOO_MANY
    assert orjson.loads(found["q"].tally.entries)[0]["k"] == "\x02;," * 2_000


def test_entries_are_gathered_slice_by_slice_of_very_many_people(monkeypatch):
    chosen = Models.only(model_of(VISIT | {"within": "90d"}))
    people = [{"person": f"p{n}"} for n in range(30)]
    done = [event(f"p{n}", "page_view", NOW - 9 * DAY - n) for n in range(30)]
    whole = run(chosen, people, done, [], NOW)
    monkeypatch.setattr(making, "_AT_ONCE", 7)
    assert run(chosen, people, done, [], NOW) == whole
    assert all(one.tally.entries for one in whole.values())


def test_a_model_of_very_many_rules_about_assets_is_scored():
    """Each is a step or more of a query, and DuckDB nests no more than it is told to."""
    rules = [
        VISIT | {"name": f"r{n}", "per": "asset", "where": {"url": {"prefix": f"/{n}"}}}
        for n in range(125)
    ]
    chosen = Models.only(model_of(*rules))
    people = [{"person": "p"}]
    done = [event("p", "page_view", NOW - 9 * DAY, url=f"/{n}", asset="a") for n in range(125)]
    found = run(chosen, people, done, [], NOW)
    ((score, points),) = score_rows(chosen.default, people, done, NOW)
    same(found["p"], score, points)
    assert sum(points.values()) == pytest.approx(sum(found["p"].points.values()))
    assert len(found["p"].points) == 125


def test_only_rules_that_read_what_changed_are_counted_anew():
    """Of a person whose visits changed no download is read, and all that is told of it stays."""
    download = {"name": "d", "activity": "download", "points": 1, "half_life": "none"}
    both = download | {"name": "b", "activity": ["download", "page_view"], "per": "asset"}
    asset = download | {"name": "a", "per": "asset"}
    chosen = Models.only(model_of(VISIT | {"half_life": "none"}, download, asset, both))
    done = [
        event("p", "page_view", NOW - 9 * DAY, asset="x"),
        event("p", "page_view", NOW - 8 * DAY, asset="y"),
        event("p", "download", NOW - 8 * DAY, asset="z"),
    ]
    first = run(chosen, [{"person": "p"}], done, [], NOW)
    assert first["p"].points == {"rule:v": 4, "rule:d": 1, "rule:a": 1, "rule:b": 3}
    held = kept(first, NOW, NOW, more=["p"])
    changed = [("p", "page_view")]
    again = run(chosen, [{"person": "p"}], [], held, NOW, done[1:], changed)["p"]
    assert again.points == {"rule:v": 2, "rule:d": 1, "rule:a": 1, "rule:b": 2}
    lied = run(chosen, [{"person": "p"}], [], held, NOW, done[1:2], changed)["p"]
    assert lied.points == {"rule:v": 2, "rule:d": 1, "rule:a": 1, "rule:b": 1}
    (after,) = kept({"p": again}, NOW, NOW)
    assert run(chosen, [{"person": "p"}], [], [after], NOW)["p"].points == again.points


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
