"""Which way sales' verdicts around the line would move it."""

from __future__ import annotations

import pytest

from connector.scoring.thresholds import near
from connector.sync.studies.thresholding import feedback


def said(below, above, *, of=40):
    """Verdicts on `of` leads just below 65 and as many just above, so many of them accepted."""
    return [(62, n < below) for n in range(of)] + [(67, n < above) for n in range(of)]


@pytest.mark.parametrize(
    ("below", "above", "to", "why"),
    [
        (35, 36, 60, "sales accepts most of those just below too"),
        (3, 5, 70, "sales refuses most of those just above"),
        (10, 35, None, "speaks for no change"),
        (21, 36, None, "speaks for no change"),  # 52% of 40 may well be less than half
    ],
)
def test_the_line_follows_what_sales_says_where_that_is_beyond_chance(below, above, to, why):
    found = feedback(near(said(below, above), 65), 65)
    assert found["threshold"] == to
    assert why in found["why"]


def test_from_few_verdicts_nothing_follows_however_clear_they_are():
    found = feedback(near(said(19, 19, of=19), 65), 65)
    assert found["threshold"] is None
    assert "19 just below, 19 just above; 20 on each side are needed" in found["why"]
