"""Quiet: scores that only decay cause few writes, whoever stands still causes none."""

from __future__ import annotations

from array import array
from functools import cache

import pytest

from connector.domain.moment import DAY
from connector.sync.planning.quiet import Worth, worth_writing
from tests.sync.world import MODEL

PEOPLE = 300_000
DAYS = 30
HALF_LIVES = (30, 90, 180)
"""The shipped ones. At 7 days a score that falls by 40 points is written 13 times."""
START = 100 * DAY


def test_in_thirty_idle_days_nobody_of_300_000_is_written_more_than_ten_times():
    """The planning rule itself, person by person and day by day, with the shipped settings.

    Person n has points of behaviour that halve every 30 to 180 days, or none at all. Day 0's score
    stands in the CRM. A write counts whatever the reason: score, grade or age.
    """
    writes = array("B", bytes(PEOPLE))
    for n in range(PEOPLE):
        points = (n * 7919) % 1000 / 10  # 0 to 99.9 points
        fit = n % 101
        days = _faded(points, HALF_LIVES[n % len(HALF_LIVES)] if points else None)
        shown = _published(fit, *days[0])
        at = START
        for day in range(1, DAYS + 1):
            wanted = _published(fit, *days[day])
            if wanted == shown:
                continue
            changed = [name for name, a, b in zip(NAMES, wanted, shown, strict=True) if a != b]
            worth = worth_writing(
                [*changed, "run", "model"],
                record=f"crm/lead/{n}",
                desired=wanted[0],
                remote=shown[0],
                written_at=at,
                now=START + day * DAY,
                min_change=3,
                max_age=7 * DAY,
            )
            if worth is not Worth.NOTHING:
                writes[n] += 1
                shown, at = wanted, START + day * DAY
    still = [writes[n] for n in range(PEOPLE) if (n * 7919) % 1000 == 0]
    assert max(writes) <= 10
    assert sum(still) == 0
    assert len(still) >= 300
    assert sum(writes) > 0, "nothing decayed, so nothing was shown"


NAMES = ("score", "fit", "behaviour", "grade")


@cache
def _faded(points, life):
    """What is left of points of behaviour on each day, with its figure and its digit."""
    left = [points * 2 ** (-day / life) if life else 0.0 for day in range(DAYS + 1)]
    return [(b, int(b + 0.5), "1234"[(b < 75) + (b < 50) + (b < 25)]) for b in left]


def _published(fit, behaviour, figure, digit):
    score = int(0.6 * fit + 0.4 * behaviour + 0.5)
    return score, fit, figure, "ABCD"[(fit < 75) + (fit < 50) + (fit < 25)] + digit


def test_the_whole_loop_over_thirty_idle_days(small):
    """The same from end to end: real scores, real plans, a real store, the CRM's own log."""
    small.write("model.yaml", MODEL.replace("half_life: none", "half_life: 30d"))
    for n in range(12):
        small.lead(f"still{n}", title="Clerk", company=None if n % 2 else "big")
        small.hot(f"warm{n}")
        for _ in range(n % 4):
            small.event(f"warm{n}", url="/pricing")
    small.start()
    small.written()
    for _ in range(DAYS):
        small.pass_time()
        small.run()
    written = [e for e in small.written() if e[1] == "ll_score"]
    times = {i: sum(e[0] == i for e in written) for i, *_ in written}
    assert not [i for i in times if i.startswith("still")]
    assert 1 <= max(times.values()) <= 10


@pytest.mark.parametrize("repeat", range(2))
def test_with_nothing_new_a_run_adds_its_own_line_and_no_other_row(small, repeat):
    small.hot("l1")
    small.lead("l2", title="Student")
    small.start()
    small.run()
    tables = [
        r[0]
        for r in small.rows("SELECT name FROM sqlite_master WHERE type = 'table'")
        if not r[0].startswith("sqlite")
    ]

    def sizes():
        return {t: small.rows(f"SELECT count(*) FROM {t}")[0][0] for t in tables}

    before = sizes()
    for _ in range(repeat + 1):
        small.now -= 1_000_000  # the same `now`
        small.run()
    after = sizes()
    assert after.pop("run") == before.pop("run") + repeat + 1
    assert after == before


def test_a_point_that_was_not_worth_a_write_is_written_when_what_stands_is_a_week_old(small):
    """It decayed once and then stood still: only age can cause this write."""
    text = MODEL.replace("points: 10, half_life: none", "points: 10, half_life: 100d")
    small.write("model.yaml", text)
    small.hot("l1")
    small.start()
    first = small.shown("l1")["ll_score"]
    small.written()
    for _ in range(9):
        small.pass_time()
        small.run()
    assert small.shown("l1")["ll_score"] < first
    times = [e for e in small.written() if e[1] == "ll_score"]
    assert len(times) == 1
