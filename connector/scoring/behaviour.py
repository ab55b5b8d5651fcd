"""Behaviour rules over the activities of all people at once: one column a unit, then points.

Rules share what they have in common: a test is evaluated once however many rules make it, each
half-life is one column of decay, and everything that only adds up activities is one aggregation.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import narwhals as nw

from connector.domain.moment import DAY, MINUTE
from connector.scoring.expressions import activity_is, amount, any_of, clipped
from connector.scoring.rules import BehaviourRule, column
from connector.scoring.units import Counting, Units, half_life_of, same_test

_LN2 = math.log(2)
SLOT = 30 * MINUTE
"""How long a visit without an id of its own lasts, from the full or half hour."""
_NEVER = -(2**62)
Frame = Any
"""A Narwhals lazy frame of whatever engine."""


def unit_frames(activities: Frame, units: Units, now: nw.Expr) -> list[Frame]:
    """Give frames of `person` and unit columns, to be joined to the people; absent means 0.

    `now` is a moment, the same for everybody or one that follows from `person` (score_frame).
    Where a rule asks for it, `newest` is when the last activity was.

    `activities` hold person, type, time, machine and the columns rules read. What machines did and
    what has not happened yet does not count.
    """
    counted = activities.filter(nw.col("time") <= now, ~nw.col("machine")).with_columns(
        (now - nw.col("time")).alias("age")
    )
    rules = [rule for rule in units.rules if isinstance(rule, BehaviourRule)]
    daily = [r for r in rules if r.per == "day"]
    keyed = [r for r in rules if r.first or r.per in {"asset", "visit", "return_visit"}]
    paired = [r for r in rules if r.after is not None]
    apart = {units.column(r) for r in [*daily, *keyed, *paired]}
    plain = [rule for rule in units.rules if units.column(rule) not in apart]
    frames = []
    if plain or units.quiet:
        frames.append(_added_up(counted, plain, units))
    if daily:
        frames.append(_daily(counted, daily, units, now))
    frames += [_of_each(counted, r, units.column(r), now) for r in keyed]
    frames += [_sequence(counted, r, units.column(r)) for r in paired]
    return frames


def valid_until(activities: Frame, units: Units, now: nw.Expr) -> Frame:
    """Give `person` and `until`: from when on the units may count other activities than now.

    That is when the next future activity happens, or the oldest one leaves a window; nobody of
    whom neither can happen has a row.
    """
    kinds = None if units.quiet or not units.rules else _of_types(units.rules)
    rows = activities.filter(~nw.col("machine"), *([] if kinds is None else [kinds]))
    rows = rows.with_columns((now - nw.col("time")).alias("age"))
    windowed = {same_test(rule): rule for rule in units.rules if rule.within is not None}
    ends = {"e": nw.when(nw.col("time") > now).then(nw.col("time"))}
    for n, rule in enumerate(windowed.values()):
        ends[f"e{n}"] = nw.when(_matches(rule)).then(nw.col("time") + int(rule.within or 0))
    soonest = rows.select("person", **ends).group_by("person").agg(nw.col(*ends).min())
    until = nw.min_horizontal(*ends)
    return soonest.select("person", until.alias("until")).filter(~nw.col("until").is_null())


def aged(units: Units, age: nw.Expr) -> dict[str, nw.Expr]:
    """What the sums in the columns of `units` are worth when they are `age` old."""
    return {
        name: nw.col(name) if half_life is None else nw.col(name) * _halved(age, half_life)
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


def _matches(rule: Counting) -> nw.Expr:
    test = activity_is(rule.types, rule.where)
    return test if rule.within is None else test & (nw.col("age") < rule.within)


def _decayed(rule: BehaviourRule, age: nw.Expr) -> nw.Expr:
    """What one activity of that age is worth, for each point of the rule."""
    if rule.decay is None:
        return nw.lit(1.0)
    return _halved(age, rule.decay)


def _halved(age: nw.Expr, half_life: int) -> nw.Expr:
    return (age.cast(nw.Float64) * (-_LN2 / half_life)).exp()


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


def _added_up(counted: Frame, plain: Sequence[Counting], units: Units) -> Frame:
    """Everything that is a plain sum over a person's activities, in one pass."""
    tests, of_rule = _tests(plain)
    if not units.quiet:
        counted = counted.filter(_of_types(plain))
    rows = counted.select("person", "time", "age", **tests)
    return rows.group_by("person").agg(
        *([nw.col("time").max().alias("newest")] if units.quiet else []),
        **{
            units.column(rule): _over(nw.col(test), half_life_of(rule))
            for rule, test in zip(plain, of_rule, strict=True)
        },
    )


def _over(test: nw.Expr, half_life: int | None) -> nw.Expr:
    """Add up the decay, which is worked out for the few rows that pass alone; or count them."""
    if half_life is None:
        return nw.when(test).then(nw.lit(1)).count().cast(nw.Float64)
    return nw.when(test).then(_halved(nw.col("age"), half_life)).sum()


def _of_types(rules: Iterable[Counting]) -> nw.Expr:
    """Whether any of the rules reads activities of this type."""
    types = sorted({kind for rule in rules for kind in rule.types})
    return any_of([nw.col("type") == kind for kind in types])


def _daily(counted: Frame, rules: Sequence[BehaviourRule], units: Units, now: nw.Expr) -> Frame:
    """At most `times` units a UTC day, each aged from the day's start."""
    tests, of_rule = _tests(rules)
    days = (
        counted.filter(_of_types(rules))
        .select("person", _day(nw.col("time")).alias("day"), **tests)
        .group_by("person", "day")
        .agg(**{name: nw.when(nw.col(name)).then(nw.lit(1)).count() for name in tests})
    )
    age = now - nw.col("day").cast(nw.Int64) * DAY
    halves = {f"d{rule.decay}": _decayed(rule, age) for rule in rules}
    found = {
        units.column(rule): _capped(nw.col(test), rule.times, nw.col(f"d{rule.decay}"))
        for rule, test in zip(rules, of_rule, strict=True)
    }
    return _summed(days.select("person", *tests, **halves).select("person", **found), list(found))


def _capped(found: nw.Expr, times: int, worth: nw.Expr) -> nw.Expr:
    """What a day's activities are worth, `times` of them at most; null when there are none."""
    if times == 1:
        return nw.when(found > 0).then(worth)
    return clipped(found.cast(nw.Float64), None, float(times)) * worth


def _day(time: nw.Expr) -> nw.Expr:
    """The UTC day: whole days since 1970, as a small number that is cheap to group by.

    Dividing as floats is exact here: a microsecond is more than a rounding until the year 2328.
    """
    return (time.cast(nw.Float64) / float(DAY)).floor().cast(nw.Int32)


def _of_each(counted: Frame, rule: BehaviourRule, name: str, now: nw.Expr) -> Frame:
    """The newest (or first) `times` activities of each asset or visit, or of the person.

    Which they are is settled before `within` is asked. No asset is one asset.
    """
    rows = counted.filter(activity_is(rule.types, rule.where)).select(
        "person", "time", _key(rule).alias("key")
    )
    chosen = _one_each(rows, rule) if rule.times == 1 else _some_each(rows, rule)
    chosen = chosen.with_columns((now - nw.col("time")).alias("age"))
    if rule.within is not None:
        chosen = chosen.filter(nw.col("age") < rule.within)
    return _summed(chosen.select("person", _decayed(rule, nw.col("age")).alias(name)), [name])


def _key(rule: BehaviourRule) -> nw.Expr:
    match rule.per:
        case "asset":
            return nw.col("asset").fill_null("\x01")
        case "visit" | "return_visit":
            slot = nw.concat_str([nw.lit("\x01"), (nw.col("time") // SLOT).cast(nw.String)])
            return nw.when(nw.col("visit").is_null()).then(slot).otherwise(nw.col("visit"))
    return nw.lit("")


def _one_each(rows: Frame, rule: BehaviourRule) -> Frame:
    found = rows.group_by("person", "key").agg(
        nw.col("time").max().alias("newest"), nw.col("time").min().alias("oldest")
    )
    if rule.per == "return_visit":
        found = found.with_columns(nw.col("oldest").min().over("person").alias("origin"))
        found = found.filter(nw.col("oldest") > nw.col("origin"))
    return found.select("person", nw.col("oldest" if rule.first else "newest").alias("time"))


def _some_each(rows: Frame, rule: BehaviourRule) -> Frame:
    rank = nw.col("time").rank("ordinal", descending=not rule.first).over("person", "key")
    ranked = rows.with_columns(
        rank.alias("rank"),
        nw.col("time").min().over("person", "key").alias("oldest"),
        nw.col("time").min().over("person").alias("origin"),
    ).filter(nw.col("rank") <= rule.times)
    if rule.per == "return_visit":
        ranked = ranked.filter(nw.col("oldest") > nw.col("origin"))
    return ranked.select("person", "time")


def _sequence(counted: Frame, rule: BehaviourRule, name: str) -> Frame:
    """Each activity that came after another one, by more than nothing and at most `within`."""
    after = rule.after
    assert after is not None  # noqa: S101  the caller chose these rules
    firsts = counted.filter(activity_is(after.types, after.where)).select(
        "person", "time", "age", nw.lit(1).alias("earlier"), nw.col("time").alias("before")
    )
    seconds = counted.filter(_matches(rule)).select(
        "person",
        "time",
        "age",
        nw.lit(0).alias("earlier"),
        (nw.col("time") * 0 + _NEVER).alias("before"),
    )
    # At equal times the second activity is ordered first, so that only earlier ones precede it.
    latest = nw.concat([firsts, seconds]).with_columns(
        nw.col("before").cum_max().over("person", order_by=["time", "earlier"]).alias("latest")
    )
    paired = latest.filter(
        nw.col("earlier") == 0,
        nw.col("latest") > _NEVER,
        nw.col("time") - nw.col("latest") <= after.within,
    )
    return _summed(paired.select("person", _decayed(rule, nw.col("age")).alias(name)), [name])


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
