"""How much of a span people work: counted minute by minute, over weekends, holidays and clocks."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.decisions.calendar import Calendar
from connector.domain.moment import DAY, HOUR, parse_iso

MINUTE = HOUR // 60


def minute_by_minute(calendar, start, end):
    zone, whole = ZoneInfo(calendar.zone), 0
    for at in range(start, end, MINUTE):
        local = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)).astimezone(zone)
        open_now = calendar.opens <= local.time() < calendar.closes
        whole += MINUTE * (open_now and calendar.is_working_day(local.date()))
    return whole


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 14 * 24 * 60), st.integers(0, 4 * 24 * 60), st.sampled_from([None, "DE"]))
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York"])
def test_it_is_what_a_clock_would_have_counted(zone, begin, length, country):
    calendar = Calendar(zone, time(9, 0), time(17, 30), country)
    start = parse_iso("2026-03-23T00:00:00Z") + begin * MINUTE  # clocks change, Easter comes
    end = start + length * MINUTE
    assert calendar.open_between(start, end) == minute_by_minute(calendar, start, end)


def test_a_night_is_no_working_time_and_nothing_is_less_than_none():
    calendar = Calendar()
    evening = parse_iso("2026-11-02T18:00:00Z")
    assert calendar.open_between(evening, evening + 14 * HOUR) == 0
    assert calendar.open_between(evening, evening + 16 * HOUR) == HOUR
    assert calendar.open_between(evening, evening - 9 * DAY) == 0
