"""Learnt points: better than guessing where there is something to learn, silent where not."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import pytest

np = pytest.importorskip("numpy", reason="learning is not installed: pip install leadloop[learn]")
pytest.importorskip("sklearn", reason="learning is not installed: pip install leadloop[learn]")

from click.testing import CliRunner  # noqa: E402
from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from sklearn.metrics import roc_auc_score  # noqa: E402
from sklearn.model_selection import StratifiedKFold  # noqa: E402

from connector.cli.main import leadloop as group  # noqa: E402
from connector.scoring.learning import advice, proposal, scorecard  # noqa: E402
from connector.scoring.learning.bins import bin_column, place  # noqa: E402
from connector.scoring.model import Model  # noqa: E402
from tests.reference_scorer import matches  # noqa: E402

DATA = (Path(__file__).parents[4] / ".." / "shared" / "datasets").resolve()
BANK = DATA / "bank" / "bank-full.csv"
LEADS = DATA / "olist" / "olist_marketing_qualified_leads_dataset.csv"
DEALS = DATA / "olist" / "olist_closed_deals_dataset.csv"


def world(n=3000, seed=1):
    """A table in which size and trade matter and colour does not."""
    chance = np.random.default_rng(seed)
    size = chance.integers(1, 1000, n).astype(float)
    trade = chance.choice(["software", "retail", "mining"], n)
    logit = -2 + 2.0 * (size > 500) + 1.5 * (trade == "software")
    won = (chance.random(n) < 1 / (1 + np.exp(-logit))).astype(np.int64)
    table = {
        "size": [None if chance.random() < 0.05 else float(s) for s in size],
        "trade": [str(t) for t in trade],
        "colour": [str(c) for c in chance.choice(["red", "blue"], n)],
    }
    return table, won


def test_what_matters_gets_points_and_the_sum_is_at_most_100():
    table, won = world()
    card = scorecard.learn(table, won)
    best = {field.binned.name: max(field.points) for field in card.fields}
    assert sum(best.values()) <= 100
    assert best["size"] > best.get("colour", 0) + 20
    assert min(min(field.points) for field in card.fields) == 0


def test_shuffled_outcomes_teach_nothing():
    table, won = world()
    found = scorecard.cross_validate(table, np.random.default_rng(0).permutation(won))
    assert abs(found.auc - 0.5) < 0.04


def test_the_same_table_gives_the_same_points_twice():
    table, won = world()
    assert scorecard.learn(table, won) == scorecard.learn(table, won)


def test_points_rise_with_a_number_that_must_rise():
    table, won = world(600, seed=3)
    card = scorecard.learn({"size": table["size"]}, won, monotone={"size": "up"})
    given = [
        p
        for b, p in zip(card.fields[0].binned.bins, card.fields[0].points, strict=True)
        if not b.missing
    ]
    assert given == sorted(given)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.one_of(st.none(), st.floats(-1e6, 1e6), st.just(0.1 + 0.2)), min_size=60, max_size=200
    ),
    st.integers(0, 9),
)
def test_each_value_lies_in_one_bin_and_the_rule_made_of_it_says_so(values, seed):
    won = np.random.default_rng(seed).integers(0, 2, len(values))
    won[:2] = (0, 1)
    binned = bin_column("x", values, won, least=10)
    for value, number in zip(values, place(binned, values), strict=True):
        held = [n for n, one in enumerate(binned.bins) if matches(proposal._test(one), value)]
        assert held == [int(number)]


def test_the_rules_of_a_scorecard_give_the_points_of_the_scorecard():
    table, won = world()
    card = scorecard.learn(table, won)
    groups = proposal.rules_of(card)
    for row in range(300):
        facts = {name: column[row] for name, column in table.items()}
        by_rules = sum(
            rule["points"]
            for g in groups
            for rule in g["rules"]
            if matches(rule, facts[rule["field"]])
        )
        assert by_rules == scorecard.points(card, {n: [v] for n, v in facts.items()})[0]


MODEL = """# ours
version: 1
name: b2b  # both teams
threshold: 65
fit: {full_marks: 1, groups: [{name: g, rules: [{name: r, field: trade, equals: x, points: 1}]}]}
behaviour:
  full_marks: 1
  groups: [{name: h, rules: [{name: s, activity: page_view, points: 1}]}]
"""


def test_a_patch_keeps_comments_and_the_new_model_can_be_read(tmp_path):
    table, won = world()
    card = scorecard.learn(table, won)
    text = proposal.revised(MODEL, proposal.rules_of(card), [], scorecard.report(card, table, won))
    assert text.startswith("# ours\n")
    assert "# both teams" in text
    assert " won, " in text
    assert proposal.patch(MODEL, text, "model.yaml").startswith(
        "--- a/model.yaml\n+++ b/model.yaml\n"
    )
    (tmp_path / "model.yaml").write_text(text)
    from connector.scoring.model import load_model

    assert {rule.field for rule in load_model(tmp_path / "model.yaml").fit_rules()} >= {
        "size",
        "trade",
    }


def learn(*arguments):
    result = CliRunner().invoke(
        group, ["learn", *map(str, arguments), "-o", "json"], catch_exceptions=False
    )
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)["data"]


def write(path, table, won):
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*table, "won"])
        for row, outcome in zip(zip(*table.values(), strict=True), won, strict=True):
            writer.writerow(["" if v is None else v for v in row] + ["yes" if outcome else "no"])
    return path


def test_a_field_that_knows_the_outcome_is_named(tmp_path):
    table, won = world(800)
    table["note"] = ["signed" if w else "open" for w in won]
    data = learn("--table", write(tmp_path / "t.csv", table, won), "--target", "won")
    assert any("`note` alone" in warning for warning in data["warnings"])
    without = learn("--table", tmp_path / "t.csv", "--target", "won", "--exclude", "note")
    assert without["auc"] < data["auc"]
    assert not any("note" in warning for warning in without["warnings"])


def test_below_twenty_wins_there_are_counts_and_no_weights(tmp_path):
    table, won = world(200)
    won[:] = 0
    won[:19] = 1
    data = learn("--table", write(tmp_path / "t.csv", table, won), "--target", "won")
    assert data["auc"] is None
    assert data["points"] == []
    assert data["watch"][0]["won"] > 0


def test_between_twenty_and_two_hundred_it_warns(tmp_path):
    table, won = world(300)
    data = learn("--table", write(tmp_path / "t.csv", table, won), "--target", "won")
    assert data["auc"] is not None
    assert any("only" in warning for warning in data["warnings"])


def test_a_reason_that_contradicts_the_data_is_counted():
    model = Model.model_validate(
        {
            "version": 1,
            "name": "m",
            "fit": {
                "full_marks": 1,
                "groups": [
                    {
                        "name": "g",
                        "rules": [
                            {
                                "name": "r",
                                "field": "account.employees",
                                "range": [100, None],
                                "points": 5,
                            }
                        ],
                    }
                ],
            },
            "behaviour": {
                "full_marks": 1,
                "groups": [{"name": "h", "rules": [{"name": "s", "activity": "x", "points": 1}]}],
            },
        }
    )
    told = [
        ("wrong_size", {"account.employees": 300}),
        ("wrong_size", {"account.employees": 3}),
        ("no_budget", {"account.employees": 300}),
    ]
    assert advice.contradictions(model, told) == [
        {"reason": "wrong_size", "n": 2, "contradicted": 1}
    ]


# --- public data: read where it lies, skipped where it does not -----------------------------------


def naive_bayes(table, won, rows):
    """Chances as Odoo multiplies them: prior times each value's share, 0.1 added, blanks skipped."""

    def cut(name, column):
        known = [v for v in column if isinstance(v, float)]
        if not known:
            return column
        edges = np.unique(np.quantile(known, np.linspace(0, 1, 11)[1:-1]))
        return [
            v if v is None else str(int(np.searchsorted(edges, v, side="right"))) for v in column
        ]

    train, test = rows
    table = {name: cut(name, column) for name, column in table.items()}
    good, bad = won[train].sum(), len(train) - won[train].sum()
    scores = np.full(len(test), math.log(good / bad))
    for column in table.values():
        counts = {}
        for row in train:
            if column[row] is not None:
                pair = counts.setdefault(column[row], [0.1, 0.1])
                pair[0 if won[row] else 1] += 1
        totals = [sum(pair[side] for pair in counts.values()) for side in (0, 1)]
        for place_, row in enumerate(test):
            pair = counts.get(column[row])
            if pair is not None:
                scores[place_] += math.log(pair[0] / totals[0]) - math.log(pair[1] / totals[1])
    return roc_auc_score(won[test], scores)


@pytest.mark.skipif(not BANK.exists(), reason="the bank data set is not here")
def test_bank_marketing_without_the_leak_beats_naive_bayes():
    names = [
        "age",
        "job",
        "marital",
        "education",
        "default",
        "balance",
        "housing",
        "loan",
        "contact",
        "day",
        "month",
        "duration",
        "campaign",
        "pdays",
        "previous",
        "poutcome",
        "y",
    ]
    with BANK.open() as file:
        rows = list(csv.reader(file))[1:]
    columns = {name: [row[n] for row in rows] for n, name in enumerate(names)}
    won = np.array([v == "yes" for v in columns.pop("y")]).astype(np.int64)
    columns.pop("duration")  # known only after the call
    numbers = {"age", "balance", "day", "campaign", "pdays", "previous"}
    table = {n: [float(v) for v in c] if n in numbers else c for n, c in columns.items()}
    found = scorecard.cross_validate(table, won)
    folds = StratifiedKFold(5, shuffle=True, random_state=0).split(np.arange(len(won)), won)
    naive = float(np.mean([naive_bayes(table, won, fold) for fold in folds]))
    assert found.auc >= 0.769
    assert found.auc > naive
    assert found.ece <= 0.02


@pytest.mark.skipif(not LEADS.exists(), reason="the Olist data set is not here")
def test_olist_beats_naive_bayes_on_what_came_later():
    with DEALS.open() as file:
        closed = {row["mql_id"] for row in csv.DictReader(file)}
    with LEADS.open() as file:
        leads = list(csv.DictReader(file))
    leads.sort(key=lambda row: "-".join(reversed(row["first_contact_date"].split("-"))))
    won = np.array([row["mql_id"] in closed for row in leads]).astype(np.int64)
    table = {n: [row[n] or None for row in leads] for n in ("landing_page_id", "origin")}
    cut = int(0.7 * len(won))
    early, late = np.arange(cut), np.arange(cut, len(won))
    card = scorecard.learn(scorecard.taken(table, early), won[early])
    ours = roc_auc_score(won[late], scorecard.points(card, scorecard.taken(table, late)))
    assert ours > naive_bayes(table, won, (early, late))
