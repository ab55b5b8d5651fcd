"""Behaviour rules over the activities of all people at once: one column of raw points a rule.

Rules share what they have in common: a test is evaluated once however many rules make it, each
half-life is one column of decay, and everything that only adds up activities is one aggregation.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import narwhals as nw

from connector.domain.moment import DAY, MINUTE
from connector.scoring.expressions import activity_is, amount, any_of, clipped
from connector.scoring.rules import BehaviourRule, FastTrackRule

_LN2 = math.log(2)
SLOT = 30 * MINUTE
"""How long a visit without an id of its own lasts, from the full or half hour."""
_NEVER = -(2**62)
Frame = Any
"""A Narwhals lazy frame of whatever engine."""


def column(name: str) -> str:
    """The column that holds a rule's raw points."""
    return f"rule:{name}"


def behaviour_frames(
    activities: Frame,
    rules: Sequence[BehaviourRule],
    fast: Sequence[FastTrackRule],
    now: nw.Expr,
) -> list[Frame]:
    """Give frames of `person` and rule columns, to be joined to the people; absent means 0.

    `now` is a moment, the same for everybody or one that follows from `person` (score_frame). The
    bounds of a rule are for the caller to apply, to those without any activity too. The column
    of a fast-track rule counts the hand-raises it found.

    `activities` hold person, type, time, machine and the columns rules read. What machines did and
    what has not happened yet does not count.
    """
    counted = activities.filter(nw.col("time") <= now, ~nw.col("machine")).with_columns(
        (now - nw.col("time")).alias("age")
    )
    plain = [r for r in rules if r.activity and not (r.per or r.after or r.first)]
    daily = [r for r in rules if r.per == "day"]
    keyed = [r for r in rules if r.first or r.per in {"asset", "visit", "return_visit"}]
    quiet = [r for r in rules if r.inactive is not None]
    frames = []
    if plain or quiet or fast:
        frames.append(_added_up(counted, plain, fast, quiet, now))
    if daily:
        frames.append(_daily(counted, daily, now))
    frames += [_of_each(counted, r, now) for r in keyed]
    frames += [_sequence(counted, r) for r in rules if r.after is not None]
    return frames


class _Sum(NamedTuple):
    """What one aggregate adds up: activities that pass a test, each worth its decay (or 1)."""

    test: str
    half_life: int | None


def _matches(rule: BehaviourRule | FastTrackRule) -> nw.Expr:
    test = activity_is(rule.types, rule.where)
    return test if rule.within is None else test & (nw.col("age") < rule.within)


def _same(rule: BehaviourRule | FastTrackRule) -> str:
    """Equal texts for rules that make the same test."""
    tests = sorted(
        (name, test.operator, test.texts(), str(test)) for name, test in rule.where.items()
    )
    return repr((sorted(rule.types), tests, rule.within))


def _decayed(rule: BehaviourRule, age: nw.Expr) -> nw.Expr:
    """What one activity of that age is worth, for each point of the rule."""
    if rule.decay is None:
        return nw.lit(1.0)
    return _halved(age, rule.decay)


def _halved(age: nw.Expr, half_life: int) -> nw.Expr:
    return (age.cast(nw.Float64) * (-_LN2 / half_life)).exp()


def _summed(frame: Frame, columns: Sequence[str]) -> Frame:
    return frame.group_by("person").agg(*[nw.col(name).sum() for name in columns])


def _tests(rules: Iterable[BehaviourRule | FastTrackRule]) -> tuple[dict[str, nw.Expr], list[str]]:
    """Give each test of the rules once, under a short name, and the name of each rule's."""
    names: dict[str, str] = {}
    tests: dict[str, nw.Expr] = {}
    of_rule = []
    for rule in rules:
        name = names.setdefault(_same(rule), f"t{len(names)}")
        tests.setdefault(name, _matches(rule))
        of_rule.append(name)
    return tests, of_rule


def _added_up(
    counted: Frame,
    plain: Sequence[BehaviourRule],
    fast: Sequence[FastTrackRule],
    quiet: Sequence[BehaviourRule],
    now: nw.Expr,
) -> Frame:
    """Everything that is a plain sum over a person's activities, in one pass."""
    adding: list[BehaviourRule | FastTrackRule] = [*plain, *fast]
    tests, of_rule = _tests(adding)
    ages = [rule.decay for rule in plain] + [None] * len(fast)
    wanted = [_Sum(test, half_life) for test, half_life in zip(of_rule, ages, strict=True)]
    sums = {one: f"s{n}" for n, one in enumerate(dict.fromkeys(wanted))}
    if not quiet:
        counted = counted.filter(_of_types(adding))
    rows = counted.select("person", "time", "age", **tests)
    added = rows.group_by("person").agg(
        *([nw.col("time").max().alias("last")] if quiet else []),
        **{name: _over(nw.col(one.test), one.half_life) for one, name in sums.items()},
    )
    found = {rule.name: nw.col(sums[one]) for rule, one in zip(adding, wanted, strict=True)}
    points = {column(r.name): found[r.name] * float(r.points) for r in plain}
    points |= {column(r.name): found[r.name] for r in fast}
    silent = now - nw.col("last")
    points |= {column(r.name): amount(silent > (r.inactive or 0), r.points) for r in quiet}
    return added.select("person", **points)


def _over(test: nw.Expr, half_life: int | None) -> nw.Expr:
    """Add up the decay, which is worked out for the few rows that pass alone; or count them."""
    if half_life is None:
        return nw.when(test).then(nw.lit(1)).count().cast(nw.Float64)
    return nw.when(test).then(_halved(nw.col("age"), half_life)).sum()


def _of_types(rules: Iterable[BehaviourRule | FastTrackRule]) -> nw.Expr:
    """Whether any of the rules reads activities of this type."""
    types = sorted({kind for rule in rules for kind in rule.types})
    return any_of([nw.col("type") == kind for kind in types])


def _daily(counted: Frame, rules: Sequence[BehaviourRule], now: nw.Expr) -> Frame:
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
    units = {
        column(rule.name): _capped(nw.col(test), rule.times, nw.col(f"d{rule.decay}"))
        for rule, test in zip(rules, of_rule, strict=True)
    }
    summed = _summed(days.select("person", *tests, **halves).select("person", **units), list(units))
    return summed.select(
        "person", **{column(r.name): nw.col(column(r.name)) * float(r.points) for r in rules}
    )


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


def _of_each(counted: Frame, rule: BehaviourRule, now: nw.Expr) -> Frame:
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
    name = column(rule.name)
    worth = _decayed(rule, nw.col("age")) * float(rule.points)
    return _summed(chosen.select("person", worth.alias(name)), [name])


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


def _sequence(counted: Frame, rule: BehaviourRule) -> Frame:
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
    name = column(rule.name)
    worth = _decayed(rule, nw.col("age")) * float(rule.points)
    return _summed(paired.select("person", worth.alias(name)), [name])


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
