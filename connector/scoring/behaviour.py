"""Behaviour rules over the activities of all people at once: one column of raw points a rule."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import narwhals as nw

from connector.domain.moment import DAY, MINUTE
from connector.scoring.expressions import activity_is, amount, clipped
from connector.scoring.model import BehaviourRule, FastTrackRule

_LN2 = math.log(2)
_SLOT = 30 * MINUTE
Frame = Any
"""A Narwhals lazy frame of whatever engine."""


def column(name: str) -> str:
    """The column that holds a rule's raw points."""
    return f"rule:{name}"


def behaviour_frames(
    activities: Frame, rules: Sequence[BehaviourRule], now: nw.Expr
) -> list[Frame]:
    """Give frames of `person` and rule columns, to be joined to the people; absent means 0.

    `now` is a moment, the same for everybody or one that follows from `person` (score_frame). The
    bounds of a rule are for the caller to apply, to those without any activity too.

    `activities` hold person, id, type, time, the filter columns, visit and machine. What machines
    did and what has not happened yet does not count.
    """
    counted = activities.filter(nw.col("time") <= now, ~nw.col("machine")).with_columns(
        (now - nw.col("time")).alias("age")
    )
    plain = [r for r in rules if r.activity and r.per is None and r.after is None]
    daily = [r for r in rules if r.per == "day"]
    frames = []
    if plain:
        frames.append(_plain(counted, plain))
    if daily:
        frames.append(_daily(counted, daily, now))
    frames += [_newest_of_each(counted, r) for r in rules if r.per in {"asset", "visit"}]
    frames += [_sequence(counted, r) for r in rules if r.after is not None]
    quiet = [r for r in rules if r.inactive is not None]
    if quiet:
        frames.append(_quiet(counted, quiet, now))
    return frames


def fast_track_frame(activities: Frame, rules: Sequence[FastTrackRule], now: nw.Expr) -> Frame:
    """Give `person` and one column a rule: how many hand-raises it counts."""
    counted = activities.filter(nw.col("time") <= now, ~nw.col("machine")).with_columns(
        (now - nw.col("time")).alias("age")
    )
    columns = {
        column(rule.name): amount(_matches(rule.types, rule.where, rule.within), 1.0)
        for rule in rules
    }
    return _summed(counted.select("person", **columns), list(columns))


def _matches(types: tuple[str, ...], where: Any, within: int | None) -> nw.Expr:
    test = activity_is(types, where)
    return test if within is None else test & (nw.col("age") < within)


def _test(rule: BehaviourRule) -> nw.Expr:
    return _matches(rule.types, rule.where, rule.within)


def _decayed(rule: BehaviourRule, age: nw.Expr) -> nw.Expr:
    """What one activity of that age is worth."""
    if rule.decay is None:
        return nw.lit(float(rule.points))
    return (age.cast(nw.Float64) * (-_LN2 / rule.decay)).exp() * float(rule.points)


def _summed(frame: Frame, columns: Sequence[str]) -> Frame:
    return frame.group_by("person").agg(*[nw.col(name).sum() for name in columns])


def _plain(counted: Frame, rules: Sequence[BehaviourRule]) -> Frame:
    columns = {column(r.name): amount(_test(r), _decayed(r, nw.col("age"))) for r in rules}
    return _summed(counted.select("person", **columns), list(columns))


def _daily(counted: Frame, rules: Sequence[BehaviourRule], now: nw.Expr) -> Frame:
    """At most `times` units a UTC day, each aged from the day's start."""
    flags = {column(r.name): amount(_test(r), 1.0) for r in rules}
    days = (
        counted.select("person", (nw.col("time") // DAY).alias("day"), **flags)
        .group_by("person", "day")
        .agg(*[nw.col(name).sum() for name in flags])
    )
    age = now - nw.col("day") * DAY
    columns = {
        column(r.name): clipped(nw.col(column(r.name)), None, float(r.times)) * _decayed(r, age)
        for r in rules
    }
    return _summed(days.select("person", **columns), list(columns))


def _newest_of_each(counted: Frame, rule: BehaviourRule) -> Frame:
    """The newest `times` activities of each asset or visit; no asset is one asset."""
    key = nw.col("asset").fill_null("\x01")
    if rule.per == "visit":
        slot = nw.concat_str([nw.lit("\x01"), (nw.col("time") // _SLOT).cast(nw.String)])
        key = nw.when(nw.col("visit").is_null()).then(slot).otherwise(nw.col("visit"))
    ranked = (
        counted.filter(_test(rule))
        .select("person", "time", "age", key.alias("key"))
        .with_columns(
            nw.col("time").rank("ordinal", descending=True).over("person", "key").alias("rank")
        )
        .filter(nw.col("rank") <= rule.times)
    )
    name = column(rule.name)
    points = ranked.select("person", _decayed(rule, nw.col("age")).alias(name))
    return _summed(points, [name])


def _sequence(counted: Frame, rule: BehaviourRule) -> Frame:
    """Each activity that came after another one, by more than nothing and at most `within`."""
    after = rule.after
    assert after is not None  # noqa: S101  the caller chose these rules
    types = (after.activity,) if isinstance(after.activity, str) else tuple(after.activity)
    firsts = counted.filter(activity_is(types, after.where)).select(
        "person", "time", "age", nw.lit(1).alias("earlier"), nw.col("time").alias("before")
    )
    seconds = counted.filter(_test(rule)).select(
        "person",
        "time",
        "age",
        nw.lit(0).alias("earlier"),
        (nw.col("time") * 0 - 1).alias("before"),
    )
    # At equal times the second activity is ordered first, so that only earlier ones precede it.
    latest = nw.concat([firsts, seconds]).with_columns(
        nw.col("before").cum_max().over("person", order_by=["time", "earlier"]).alias("latest")
    )
    paired = latest.filter(
        nw.col("earlier") == 0,
        nw.col("latest") >= 0,
        nw.col("time") - nw.col("latest") <= after.within,
    )
    name = column(rule.name)
    points = paired.select("person", _decayed(rule, nw.col("age")).alias(name))
    return _summed(points, [name])


def _quiet(counted: Frame, rules: Sequence[BehaviourRule], now: nw.Expr) -> Frame:
    """Points for people whose last counted activity lies further back than each rule allows."""
    last = counted.group_by("person").agg(nw.col("time").max().alias("last"))
    columns = {
        column(r.name): amount(now - nw.col("last") > (r.inactive or 0), r.points) for r in rules
    }
    return last.select("person", **columns)
