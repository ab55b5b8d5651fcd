"""Leads to talk about: who disagrees, and how far."""

from __future__ import annotations

from connector.funnel.disputes import Judged, disputes


def judged(person, verdict, score, *, surveyed=None, against=False):
    return Judged(person, 1, verdict, "wrong_size", "anna", score, surveyed, against)


def test_what_sales_took_back_comes_first_then_what_data_contradict_then_the_widest_gaps():
    found = disputes(
        [
            judged("low win", "won", 20),
            judged("high refusal", "rejected", 95),
            judged("narrow", "rejected", 66),
            judged("taken back", "rejected", 10, surveyed="no"),
            judged("contradicted", "rejected", 30, against=True),
            judged("agreed", "rejected", 10),
            judged("fine", "won", 90, surveyed="yes"),
        ],
        65,
    )
    assert [one.judged.person for one in found] == [
        "taken back", "contradicted", "low win", "high refusal", "narrow",
    ]  # fmt: skip
    assert "although the score is only 20 of 65" in found[2].question


def test_never_more_than_twenty_and_the_same_ones_whatever_the_order():
    many = [judged(f"p{n:03}", "rejected", 70) for n in range(100)]
    assert len(disputes(many, 65)) == 20
    assert disputes(many, 65) == disputes(reversed(many), 65)
