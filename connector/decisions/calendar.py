"""Working time: when a span counted in business hours or days is over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from connector.domain.duration import BusinessTime
from connector.domain.moment import Micros, to_datetime, to_micros


@dataclass(frozen=True, slots=True)
class Calendar:
    """Working hours of Monday to Friday in one time zone; `country` adds its public holidays."""

    zone: str = "UTC"
    opens: time = time(9, 0)
    closes: time = time(17, 30)
    country: str | None = None

    def is_working_day(self, day: date) -> bool:
        """Whether people work on that day."""
        return day.weekday() < 5 and not (self.country and day in _holidays(self.country, day.year))

    def is_open(self, now: Micros) -> bool:
        """Whether people work at this moment."""
        local = to_datetime(now).astimezone(ZoneInfo(self.zone))
        return self.is_working_day(local.date()) and self.opens <= local.time() < self.closes

    def due(self, start: Micros, span: Micros | BusinessTime) -> Micros:
        """When a span that begins at `start` is over: wall time, business hours or days."""
        if not isinstance(span, BusinessTime):
            return start + span
        local = to_datetime(start).astimezone(ZoneInfo(self.zone))
        if span.unit == "bd":
            day = _days_after(self, local.date(), span.amount)
            return to_micros(datetime.combine(day, local.timetz()))
        return to_micros(self._after_hours(local, _length(span)))

    def open_between(self, start: Micros, end: Micros) -> Micros:
        """How much of the time from `start` to `end` people work."""
        zone = ZoneInfo(self.zone)
        day = to_datetime(start).astimezone(zone).date()
        last = to_datetime(end).astimezone(zone).date()
        whole = 0
        while day <= last:
            opens, closes = _hours(self, day)
            whole += max(0, min(closes, end) - max(opens, start))
            day += timedelta(days=1)
        return whole

    def opening(self, now: Micros) -> Micros:
        """The next moment people work: `now` itself while they do."""
        local = to_datetime(now).astimezone(ZoneInfo(self.zone))
        day = local.date()
        while True:
            if self.is_working_day(day):
                opens = to_micros(datetime.combine(day, self.opens, ZoneInfo(self.zone)))
                closes = to_micros(datetime.combine(day, self.closes, ZoneInfo(self.zone)))
                if now < closes:
                    return max(now, opens)
            day += timedelta(days=1)

    def _after_hours(self, local: datetime, left: timedelta) -> datetime:
        zone = ZoneInfo(self.zone)
        day = local.date()
        while True:
            if self.is_working_day(day):
                opens = datetime.combine(day, self.opens, zone)
                closes = datetime.combine(day, self.closes, zone)
                begins = max(opens, local)
                # to_micros, not datetime arithmetic: a day with a clock change is shorter or longer
                open_for = timedelta(microseconds=max(0, to_micros(closes) - to_micros(begins)))
                if left <= open_for:
                    return to_datetime(to_micros(begins) + left // timedelta(microseconds=1))
                left -= open_for
            day += timedelta(days=1)


def _length(span: BusinessTime) -> timedelta:
    return timedelta(minutes=span.amount) if span.unit == "bm" else timedelta(hours=span.amount)


def parse_hours(text: str) -> tuple[time, time]:
    """Read `09:00-17:30`. Raises ValueError and says what would have been right."""
    opens, dash, closes = text.partition("-")
    try:
        span = time.fromisoformat(opens), time.fromisoformat(closes)
    except ValueError:
        span = (time.max, time.min)
    if not dash or span[0] >= span[1]:
        raise ValueError(f'`{text}` should be hours such as "09:00-17:30", the earlier first')
    return span


@lru_cache(maxsize=8192)
def _hours(calendar: Calendar, day: date) -> tuple[Micros, Micros]:
    """When people begin and end on a day: the same moment where they do not work."""
    zone = ZoneInfo(calendar.zone)
    opens = to_micros(datetime.combine(day, calendar.opens, zone))
    if not calendar.is_working_day(day):
        return opens, opens
    return opens, to_micros(datetime.combine(day, calendar.closes, zone))


@lru_cache(maxsize=8192)
def _days_after(calendar: Calendar, day: date, days: int) -> date:
    """The day that is so many working days later."""
    while days > 0:
        day += timedelta(days=1)
        days -= calendar.is_working_day(day)
    return day


@lru_cache(maxsize=256)
def _holidays(country: str, year: int) -> frozenset[date]:
    import holidays  # noqa: PLC0415  large, and only who works by a calendar needs it

    return frozenset(holidays.country_holidays(country, years=year))
