"""Ranking measures against all pairs and all shuffles; words that tell the truth."""

from __future__ import annotations

import math
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.funnel.backtest import Case, backtest
from connector.funnel.ranking import Auc, auc, auc_difference, average_precision, lift

marked = st.lists(st.tuples(st.integers(0, 5).map(float), st.booleans()), min_size=2, max_size=40)


def split(pairs):
    return [mark for mark, _ in pairs], [won for _, won in pairs]


@given(marked)
def test_auc_is_the_share_of_pairs_in_the_right_order(pairs):
    marks, won = split(pairs)
    good = [m for m, w in pairs if w]
    bad = [m for m, w in pairs if not w]
    found = auc(marks, won)
    if not good or not bad:
        assert found is None
        return
    right = sum((g > b) + 0.5 * (g == b) for g in good for b in bad)
    assert math.isclose(found.value, right / (len(good) * len(bad)), abs_tol=1e-12)
    assert 0 <= found.low <= found.value <= found.high <= 1


def test_the_interval_is_delongs():
    # The components by hand: V10 = 1, 1, 0.5 and V01 = 2/3, 1.
    found = auc([3.0, 3.0, 1.5, 2.0, 1.0], [True, True, True, False, False])
    bought, others = [1.0, 1.0, 0.5], [2 / 3, 1.0]
    mean = 5 / 6
    variance = sum((v - mean) ** 2 for v in bought) / 2 / 3
    variance += sum((v - mean) ** 2 for v in others) / 1 / 2
    assert math.isclose(found.value, mean)
    assert math.isclose(found.low, mean - 1.959963984540054 * math.sqrt(variance))
    assert found.high == 1.0


@given(marked)
def test_an_order_is_not_ahead_of_itself(pairs):
    marks, won = split(pairs)
    found = auc_difference(marks, marks, won)
    assert found is None or tuple(found) == (0.0, 0.0, 0.0)


def test_an_order_in_which_everybody_bought_is_perfect_whatever_rounding_makes_of_it():
    marks = [0.0, 1.0, 1.0, 1.0, 1.0, 2.0]
    assert average_precision(marks, [True] * 6) == Auc(1.0, 1.0, 1.0)


@given(marked)
def test_the_precision_recall_area_is_the_mean_precision_at_each_buyer(pairs):
    marks, won = split(pairs)
    found = average_precision(marks, won)
    buyers = [m for m, w in pairs if w]
    if not buyers:
        assert found is None
        return
    above = [[w for m, w in pairs if m >= buyer] for buyer in buyers]
    assert math.isclose(found.value, sum(sum(a) / len(a) for a in above) / len(buyers))
    assert 0 <= found.low <= found.value <= found.high <= 1


def test_the_interval_of_the_precision_recall_area_is_the_logit_one():
    found = average_precision([4.0, 3.0, 2.0, 1.0], [True, False, True, False])
    assert math.isclose(found.value, (1 + 2 / 3) / 2)
    spread = 1.959963984540054 / math.sqrt(2 * found.value * (1 - found.value))
    for end, sign in ((found.low, -1), (found.high, 1)):
        logit = math.log(found.value / (1 - found.value)) + sign * spread
        assert math.isclose(math.log(end / (1 - end)), logit)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2).map(float), st.booleans()), min_size=1, max_size=6),
    st.sampled_from([0.039, 0.1, 0.25, 0.5, 1.0]),
)
def test_lift_is_what_sorting_with_every_tie_break_gives_on_average(pairs, share):
    marks, won = split(pairs)
    found = lift(marks, won, share)
    top = max(1, math.ceil(share * len(pairs)))
    tries = [sum(w for _, w in sorted(p, key=lambda x: -x[0])[:top]) for p in permutations(pairs)]
    assert found.top == top
    assert math.isclose(found.wins, sum(tries) / len(tries), abs_tol=1e-9)
    if any(won):
        assert math.isclose(found.lift, (found.wins / top) / (sum(won) / len(won)))
    else:
        assert found.lift is None


def case(total, won, *, fit=0.0, ready=None, out=False):
    ready = total >= 65 if ready is None else ready
    return Case(total, int(total), fit, 0.0, 0.0, ready, out, won)


def test_what_the_threshold_would_have_done():
    cases = [case(80, True), case(70, False), case(20, True), case(10, False), case(5, False)]
    found = backtest(cases, 65)
    assert found.confusion[:4] == (1, 1, 1, 2)
    assert (found.confusion.precision, found.confusion.recall) == (0.5, 0.5)
    top = found.bands[-2]
    assert (top.least, top.above_n, top.above_precision, top.above_recall) == (65, 2, 0.5, 0.5)
    assert found.bands[0].above_recall == 1.0


def test_a_hand_raise_goes_to_sales_whatever_its_score():
    found = backtest([case(10, True, ready=True), case(70, False)], 65)
    assert (found.confusion.found, found.confusion.missed) == (1, 0)


def test_who_is_out_stands_behind_everybody_in_the_models_order():
    found = backtest([case(90, False, ready=False, out=True), case(10, True)], 65)
    assert found.rankings[0].auc.value == 1.0


def test_a_model_that_finds_buyers_is_said_to_beat_the_others():
    cases = [case(i, i >= 50) for i in range(100)]
    words = backtest(cases, 65).words
    assert words[-1] == "The model beats every simpler order it was held against."
    assert sum("better than" in word for word in words) == 4


def test_a_model_that_does_not_beat_chance_is_said_not_to():
    cases = [case(i, i % 2 == 0) for i in range(100)]
    words = backtest(cases, 65).words
    assert "not shown to be better than `random`" in words[0]
    assert words[-1].startswith("The model does not beat every simpler order")


def test_a_model_that_is_behind_is_said_to_be_worse():
    cases = [case(100 - i, i >= 50, fit=float(i)) for i in range(100)]
    assert "WORSE than `fit only`" in " ".join(backtest(cases, 65).words)


def test_the_halves_are_of_time_and_not_of_score():
    old = [case(90, True), case(10, False)] * 3
    new = [case(90, False), case(10, True)] * 3
    dated = [one._replace(at=n) for n, one in enumerate([*old, *new])]
    earlier, later = backtest(dated[::-1], 65).halves
    assert (earlier.name, earlier.n, earlier.won, earlier.auc.value) == ("earlier half", 6, 3, 1.0)
    assert (earlier.precision, earlier.recall) == (1.0, 1.0)
    assert (later.n, later.auc.value, later.precision) == (6, 0.0, 0.0)


def test_the_score_of_the_crm_is_an_order_of_its_own_where_there_is_one():
    cases = [case(i, i >= 50) for i in range(100)]
    assert [one.name for one in backtest(cases, 65).rankings][-1] == "behaviour only"
    owned = [one._replace(own=-one.total if n else None) for n, one in enumerate(cases)]
    found = backtest(owned, 65).rankings[-1]
    assert found.name == "the CRM's own score"
    assert found.auc.value == pytest.approx(1 / 50)  # who has none stands behind everybody
    assert found.behind.low > 0


@pytest.mark.parametrize(("won", "lost"), [(9, 50), (50, 9), (0, 0)])
def test_too_few_are_not_judged(won, lost):
    cases = [case(90, True)] * won + [case(10, False)] * lost
    (word,) = backtest(cases, 65).words
    assert word.startswith("Too few to judge")
