"""What data can do at its worst: nulls, NaN, ties, the future, odd letters, too much of anything."""

from __future__ import annotations

import csv
import math

import pytest

from connector.engine.run import score_files
from connector.engine.small import score_rows
from connector.scoring.model import Model
from tests.reference_scorer import score as reference

NOW = 1_780_000_000_000_000
DAY = 86_400_000_000
COLUMNS = ("url", "asset", "campaign", "form", "channel", "visit")


def model(behaviour, fit=None):
    nothing = [{"name": "f", "field": "title", "equals": "GRÖSSE", "points": 10}]
    return {
        "version": 1,
        "name": "hostile",
        "fit": {"full_marks": 10, "groups": [{"name": "g", "rules": fit or nothing}]},
        "behaviour": {"full_marks": 10, "groups": [{"name": "h", "rules": behaviour}]},
    }


def activity(n, at, **columns):
    blank = dict.fromkeys(COLUMNS)
    return {
        "person": "p",
        "id": str(n),
        "type": "page_view",
        "time": at,
        "machine": False,
        **blank,
        **columns,
    }


def agrees(plain, person, did):
    ((score, points),) = score_rows(
        Model.model_validate(plain), [{"person": "p", **person}], did, NOW
    )
    wanted = reference(plain, person, did, NOW)
    for name in ("fit", "behaviour", "total"):
        assert math.isclose(getattr(score, name), wanted[name], rel_tol=0, abs_tol=1e-9), name
    for rule, raw in wanted["points"].items():
        assert math.isclose(points[f"rule:{rule}"], raw, rel_tol=1e-12, abs_tol=1e-9), rule
    return score


SHAPES = [
    {"name": "plain", "activity": "page_view", "points": 1},
    {"name": "day", "activity": "page_view", "points": 1, "per": "day", "times": 2},
    {"name": "visit", "activity": "page_view", "points": 1, "per": "visit", "times": 2},
    {"name": "return", "activity": "page_view", "points": 1, "per": "return_visit"},
    {"name": "first", "activity": "page_view", "points": 1, "first": True},
    {"name": "asset", "activity": "page_view", "points": 1, "per": "asset"},
    {
        "name": "after",
        "activity": "page_view",
        "points": 1,
        "after": {"activity": "page_view", "within": "1d"},
    },
    {"name": "quiet", "inactive": "9d", "points": -1},
]


def test_many_activities_at_one_moment_are_counted_the_same_everywhere():
    agrees(model(SHAPES), {"title": None}, [activity(n, NOW - 3 * DAY) for n in range(50)])


def test_what_lies_in_the_future_waits_to_the_microsecond():
    agrees(
        model(SHAPES),
        {"title": "x"},
        [activity(n, NOW + at) for n, at in enumerate((-1, 0, 1, DAY))],
    )


def test_letters_that_fold_strangely_compare_as_people_mean_them():
    agrees(model(SHAPES), {"title": "grösse"}, [])
    odd = [{"name": "f", "field": "title", "in": ["ﬁnance", "İstanbul", "K"], "points": 10}]
    for text in ("finance", "i̇stanbul", "k"):
        assert agrees(model(SHAPES, odd), {"title": text}, []).fit == 100


def test_one_person_with_three_hundred_thousand_events(tmp_path):
    did = [
        activity(n, NOW - n * 60_000_000, visit=f"v{n // 40}", asset=f"a{n % 9}")
        for n in range(300_000)
    ]
    by_hand = {
        "plain": math.fsum(2.0 ** (-(n * 60_000_000) / (30 * DAY)) for n in range(300_000)),
        "first": 2.0 ** (-(299_999 * 60_000_000) / (30 * DAY)),
        "after": math.fsum(2.0 ** (-(n * 60_000_000) / (30 * DAY)) for n in range(299_999)),
        "asset": math.fsum(2.0 ** (-(n * 60_000_000) / (30 * DAY)) for n in range(9)),
    }
    found = from_files(model(SHAPES), did, tmp_path)
    for rule, raw in by_hand.items():
        assert math.isclose(found[f"rule:{rule}"], raw, rel_tol=1e-9), rule


def from_files(plain, did, folder):
    (folder / "people.csv").write_text("person,title\np,x\n")
    with (folder / "did.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["person", "id", "type", "time", "visit", "asset"])
        writer.writerows(
            [a["person"], a["id"], a["type"], a["time"], a["visit"], a["asset"]] for a in did
        )
    score_files(
        Model.model_validate(plain),
        people=folder / "people.csv",
        activities=folder / "did.csv",
        now=NOW,
        out=folder / "out.csv",
        contributions=True,
    )
    with (folder / "out.csv").open() as file:
        (row,) = csv.DictReader(file)
    return {name: float(value) for name, value in row.items() if name.startswith("rule:")}


def test_three_hundred_rules_compile_and_agree():
    rules = [
        {
            **SHAPES[n % 4],
            "name": f"r{n}",
            "points": n % 7 - 3,
            "half_life": f"{1 + n % 40}d",
            "max": 20,
        }
        for n in range(150)
    ]
    fits = [
        {"name": f"f{n}", "field": "size", "range": [n, n + 2], "points": n % 5} for n in range(150)
    ]
    agrees(model(rules, fits), {"size": 77.0}, [activity(n, NOW - n * DAY // 3) for n in range(40)])


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -0.0, 1e308])
def test_numbers_at_the_edge_are_unknown_or_themselves(value):
    from connector.scoring.prepare import prepare

    fits = [{"name": "f", "field": "size", "range": [0, None], "points": 10}]
    facts = prepare({"size": value})
    assert agrees(model(SHAPES, fits), {"size": facts.get("size")}, []).fit == (
        100 if math.isfinite(value) else 0
    )
