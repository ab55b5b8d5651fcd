"""Behaviour rules over the activities of all people at once: one column a unit, then points.

Rules share what they have in common: a test is evaluated once however many rules make it, each
half-life is one column of decay, and everything that only adds up activities is one aggregation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import narwhals as nw

from connector.domain.moment import DAY
from connector.scoring.entries import (
    Frame,
    day,
    decayed,
    entries_of,
    halved,
    happened,
    worth,
)
from connector.scoring.expressions import activity_is, amount, any_of, clipped
from connector.scoring.rules import BehaviourRule, column
from connector.scoring.units import Counting, Units, same_test, sums_up


def unit_frames(activities: Frame, units: Units, now: nw.Expr) -> list[Frame]:
    """Give frames of `person` and unit columns, to be joined to the people; absent means 0.

    `now` is a moment, the same for everybody or one that follows from `person` (score_frame).
    Where a rule asks for it, `newest` is when the last activity was.

    `activities` hold person, type, time, machine and the columns rules read. What machines did and
    what has not happened yet does not count.
    """
    counted = happened(activities, now)
    summed = {name: rule for name, rule in units.each() if sums_up(rule)}
    apart = [(name, rule) for name, rule in units.each() if name not in summed]
    frames = _summing(counted, summed, units, now)
    return frames + [worth(entries_of(counted, r), r, name, now) for name, r in apart]


def adding_frames(activities: Frame, units: Units, now: nw.Expr) -> list[Frame]:
    """Give the same for the units that are a sum over days, of some days' activities."""
    return _summing(happened(activities, now), units.adding, units, now)


def arrives_at(activities: Frame, units: Units, now: nw.Expr) -> Frame:
    """Give `person` and `until`: when each activity happens that has not happened yet."""
    kinds = [] if units.quiet or not units.rules else [_of_types(units.rules)]
    rows = activities.filter(~nw.col("machine"), nw.col("time") > now, *kinds)
    return rows.select("person", nw.col("time").alias("until"))


def aged(units: Units, age: nw.Expr) -> dict[str, nw.Expr]:
    """What the sums in the columns of `units` are worth when they are `age` old."""
    return {
        name: nw.col(name) if half_life is None else nw.col(name) * halved(age, half_life)
        for name, half_life in zip(units.columns, units.half_lives, strict=True)
    }


def points_of(rules: Sequence[BehaviourRule], units: Units, now: nw.Expr) -> dict[str, nw.Expr]:
    """The raw points of each rule, from the columns of `units` and `newest`; null means 0."""
    found = {}
    for rule in rules:
        if rule.inactive is None:
            points = nw.col(units.column(rule)).fill_null(0.0) * float(rule.points)
        else:
            points = amount(now - nw.col("newest") > rule.inactive, rule.points)
        found[column(rule.name)] = points
    return found


def _summing(
    counted: Frame, rules: Mapping[str, Counting], units: Units, now: nw.Expr
) -> list[Frame]:
    plain = {name: rule for name, rule in rules.items() if rule.per is None}
    daily = {name: rule for name, rule in rules.items() if rule.per == "day"}
    frames = []
    if plain or units.quiet:
        frames.append(_added_up(counted, plain, quiet=units.quiet))
    if daily:
        frames.append(_daily(counted, daily, now))
    return frames


def _matches(rule: Counting) -> nw.Expr:
    test = activity_is(rule.types, rule.where)
    return test if rule.within is None else test & (nw.col("age") < rule.within)


def _summed(frame: Frame, columns: Sequence[str]) -> Frame:
    return frame.group_by("person").agg(*[nw.col(name).sum() for name in columns])


def _tests(rules: Iterable[Counting]) -> tuple[dict[str, nw.Expr], list[str]]:
    """Give each test of the rules once, under a short name, and the name of each rule's."""
    names: dict[str, str] = {}
    tests: dict[str, nw.Expr] = {}
    of_rule = []
    for rule in rules:
        name = names.setdefault(same_test(rule), f"t{len(names)}")
        tests.setdefault(name, _matches(rule))
        of_rule.append(name)
    return tests, of_rule


def _added_up(counted: Frame, plain: Mapping[str, Counting], *, quiet: bool) -> Frame:
    """Everything that is a plain sum over a person's activities, in one pass."""
    tests, of_rule = _tests(plain.values())
    if not quiet:
        counted = counted.filter(_of_types(plain.values()))
    rows = counted.select("person", "time", "age", **tests)
    return rows.group_by("person").agg(
        *([nw.col("time").max().alias("newest")] if quiet else []),
        **{
            name: _over(nw.col(test), rule.decay)
            for (name, rule), test in zip(plain.items(), of_rule, strict=True)
        },
    )


def _over(test: nw.Expr, half_life: int | None) -> nw.Expr:
    """Add up the decay, which is worked out for the few rows that pass alone; or count them."""
    if half_life is None:
        return nw.when(test).then(nw.lit(1)).count().cast(nw.Float64)
    return nw.when(test).then(halved(nw.col("age"), half_life)).sum()


def _of_types(rules: Iterable[Counting]) -> nw.Expr:
    """Whether any of the rules reads activities of this type."""
    types = sorted({kind for rule in rules for kind in rule.types})
    return any_of([nw.col("type") == kind for kind in types])


def _daily(counted: Frame, rules: Mapping[str, Counting], now: nw.Expr) -> Frame:
    """At most `times` units a UTC day, each aged from the day's start."""
    tests, of_rule = _tests(rules.values())
    days = (
        counted.filter(_of_types(rules.values()))
        .select("person", day(nw.col("time")).alias("day"), **tests)
        .group_by("person", "day")
        .agg(**{name: nw.when(nw.col(name)).then(nw.lit(1)).count() for name in tests})
    )
    age = now - nw.col("day").cast(nw.Int64) * DAY
    halves = {f"d{rule.decay}": decayed(rule, age) for rule in rules.values()}
    found = {
        name: _capped(nw.col(test), rule.times, nw.col(f"d{rule.decay}"))
        for (name, rule), test in zip(rules.items(), of_rule, strict=True)
    }
    return _summed(days.select("person", *tests, **halves).select("person", **found), list(found))


def _capped(found: nw.Expr, times: int, worth: nw.Expr) -> nw.Expr:
    """What a day's activities are worth, `times` of them at most; null when there are none."""
    if times == 1:
        return nw.when(found > 0).then(worth)
    return clipped(found.cast(nw.Float64), None, float(times)) * worth


def of_colleagues(scored: Frame, rules: Sequence[BehaviourRule]) -> Frame:
    """Replace each person's own points of these rules by those of the other people of the account.

    Points are cut to 1e-12, so that taking one's own away leaves nothing behind.
    """
    names = [column(rule.name) for rule in rules]
    sums = (
        scored.filter(~nw.col("account").is_null())
        .group_by("account")
        .agg(*[nw.col(name).sum().alias(f"all {name}") for name in names])
    )
    joined = scored.join(sums, on="account", how="left")
    others = {
        name: ((nw.col(f"all {name}") - nw.col(name)) * 1e12 + 0.5).floor() / 1e12 for name in names
    }
    return joined.with_columns(**{n: e.fill_null(0.0) for n, e in others.items()}).drop(
        *[f"all {name}" for name in names]
    )
