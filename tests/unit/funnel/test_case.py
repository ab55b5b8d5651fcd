"""The case: a year's loss, what a remedy may win back, and when it has paid for itself."""

from __future__ import annotations

from connector.funnel.case import Loss, Remedy, case

CALL = Remedy("not contacted", "call in time", 10_000, 1_000, (0.1, 0.2, 0.5))


def of(loss, remedies=(), *, days=730, margin=0.5):
    return case([loss], remedies, days=days, margin=margin, top=5)[0]


def test_two_years_of_losses_are_halved_to_one_and_margin_and_cost_follow():
    line = of(Loss("not contacted", 8, 400_000, 0, None), [CALL])
    assert line.yearly == 200_000
    assert line.revenue == (20_000, 40_000, 100_000)
    assert line.margin == (10_000, 20_000, 50_000)
    assert line.cost == 22_000
    assert line.net == (-12_000, -2_000, 28_000)


def test_pay_back_is_the_outlay_over_what_is_left_each_month_or_never():
    line = of(Loss("not contacted", 8, 400_000, 0, None), [CALL])
    assert line.payback == (None, 15.0, 3.2)


def test_a_short_past_is_not_stretched_to_a_year():
    assert of(Loss("x", 1, 500, 0, None), days=30).yearly == 500
    assert of(Loss("x", 1, 500, 0, None), days=0).yearly == 500
    assert of(Loss("x", 1, 500, 0, None), days=365).yearly == 500


def test_without_a_remedy_nothing_is_promised():
    line = of(Loss("x", 1, 500, 0, None), [CALL])
    assert line[2:] == (None,) * 6


def test_the_dearest_come_first_and_no_more_than_asked():
    losses = [Loss(str(n), 1, n, 0, None) for n in range(9)]
    found = case(losses, [], days=365, margin=1, top=3)
    assert [line.loss.driver for line in found] == ["8", "7", "6"]
