"""Rules that look at single activities: in a window, of an asset or visit, first, or after another.

What such a rule looks at are its entries: rows of `person`, `key` and `time`. Few of them are still
needed once they were looked at, so that these can be kept in place of the history.
"""

from __future__ import annotations

import math
from typing import Any

import narwhals as nw

from connector.domain.moment import DAY, MINUTE
from connector.scoring.expressions import activity_is
from connector.scoring.units import Counting

_LN2 = math.log(2)
SLOT = 30 * MINUTE
"""How long a visit without an id of its own lasts, from the full or half hour."""
_NEVER = -(2**62)
_BEFORE = "before"
"""The key of what must come before, in a sequence."""
Frame = Any
"""A Narwhals lazy frame of whatever engine."""


def happened(activities: Frame, now: nw.Expr) -> Frame:
    """Give the activities that count, with their `age`: not a machine's, not of the future."""
    return activities.filter(nw.col("time") <= now, ~nw.col("machine")).with_columns(
        (now - nw.col("time")).alias("age")
    )


def entries_of(counted: Frame, rule: Counting) -> Frame:
    """Give what a rule looks at, of activities that count."""
    rows = _entries(counted, activity_is(rule.types, rule.where), _key(rule))
    if rule.after is None:
        return rows
    firsts = activity_is(rule.after.types, rule.after.where)
    return nw.concat([_entries(counted, firsts, nw.lit(_BEFORE)), rows])


def needed(entries: Frame, rule: Counting, now: nw.Expr, since: nw.Expr) -> Frame:
    """Give the entries that decide what the rule counts now and later, of these and of others that
    happened at or after `since`."""
    if rule.after is not None:
        return _needed_of_sequence(entries, rule, rule.after.within, now, since)
    chosen = _chosen(entries, rule)
    if rule.per == "return_visit":
        return nw.concat([chosen, _beginnings(entries, rule)])
    return chosen if rule.first else _inside(chosen, rule, now)


def worth(entries: Frame, rule: Counting, name: str, now: nw.Expr) -> Frame:
    """Add up, under a name, what the entries that count are worth, for each point of the rule."""
    counting = _inside(_chosen(entries, rule), rule, now)
    since = nw.col("time")
    if rule.per == "day":
        since = day(since).cast(nw.Int64) * DAY
    value = decayed(rule, now - since)
    return counting.select("person", value.alias(name)).group_by("person").agg(nw.col(name).sum())


def leaves_at(entries: Frame, rule: Counting) -> Frame:
    """Give `person` and `until`: when the first of the entries that are in a window leaves it."""
    within = int(rule.within or 0)
    rows = entries.filter(nw.col("key") != _BEFORE) if rule.after is not None else entries
    return rows.select("person", (nw.col("time") + within).alias("until"))


def decayed(rule: Counting, age: nw.Expr) -> nw.Expr:
    """What one activity of that age is worth, for each point of the rule."""
    return nw.lit(1.0) if rule.decay is None else halved(age, rule.decay)


def halved(age: nw.Expr, half_life: int) -> nw.Expr:
    """What is left of 1 after so long."""
    return (age.cast(nw.Float64) * (-_LN2 / half_life)).exp()


def day(time: nw.Expr) -> nw.Expr:
    """The UTC day: whole days since 1970, as a small number that is cheap to group by.

    Dividing as floats is exact here: a microsecond is more than a rounding until the year 2328.
    """
    return (time.cast(nw.Float64) / float(DAY)).floor().cast(nw.Int32)


def _entries(counted: Frame, test: nw.Expr, key: nw.Expr) -> Frame:
    return counted.filter(test).select("person", key.alias("key"), "time")


def _key(rule: Counting) -> nw.Expr:
    """No asset is one asset."""
    match rule.per:
        case "asset":
            return nw.col("asset").fill_null("\x01")
        case "visit" | "return_visit":
            slot = nw.concat_str([nw.lit("\x01"), (nw.col("time") // SLOT).cast(nw.String)])
            return nw.when(nw.col("visit").is_null()).then(slot).otherwise(nw.col("visit"))
        case "day":
            return day(nw.col("time")).cast(nw.String)
    return nw.lit("")


def _inside(entries: Frame, rule: Counting, now: nw.Expr) -> Frame:
    return entries if rule.within is None else entries.filter(now - nw.col("time") < rule.within)


def _chosen(entries: Frame, rule: Counting) -> Frame:
    """The newest (or first) `times` entries of each key; which they are is settled before `within`
    is asked."""
    if rule.after is not None:
        return _paired(entries, rule.after.within).select("person", "key", "time")
    if rule.per is None and not rule.first:
        return entries
    return _one_each(entries, rule) if rule.times == 1 else _some_each(entries, rule)


def _one_each(entries: Frame, rule: Counting) -> Frame:
    found = _ends(entries)
    if rule.per == "return_visit":
        found = found.with_columns(nw.col("oldest").min().over("person").alias("origin"))
        found = found.filter(nw.col("oldest") > nw.col("origin"))
    return found.select("person", "key", nw.col("oldest" if rule.first else "newest").alias("time"))


def _ends(entries: Frame) -> Frame:
    return entries.group_by("person", "key").agg(
        nw.col("time").max().alias("newest"), nw.col("time").min().alias("oldest")
    )


def _some_each(entries: Frame, rule: Counting) -> Frame:
    ranked = _ranked(entries, newest_first=not rule.first).filter(nw.col("rank") <= rule.times)
    if rule.per == "return_visit":
        ranked = ranked.filter(nw.col("oldest") > nw.col("origin"))
    return ranked.select("person", "key", "time")


def _ranked(entries: Frame, *, newest_first: bool) -> Frame:
    rank = nw.col("time").rank("ordinal", descending=newest_first).over("person", "key")
    return entries.with_columns(
        rank.alias("rank"),
        nw.col("time").min().over("person", "key").alias("oldest"),
        nw.col("time").min().over("person").alias("origin"),
    )


def _beginnings(entries: Frame, rule: Counting) -> Frame:
    """The first entry of each visit, where _chosen does not give it: it tells who returned."""
    if rule.times == 1:
        found = _ends(entries).with_columns(nw.col("oldest").min().over("person").alias("origin"))
        apart = (nw.col("oldest") < nw.col("newest")) | (nw.col("oldest") == nw.col("origin"))
        return found.filter(apart).select("person", "key", nw.col("oldest").alias("time"))
    last = nw.col("time").rank("ordinal").over("person", "key").alias("first")
    ranked = _ranked(entries.with_columns(last), newest_first=True)
    apart = (nw.col("rank") > rule.times) | (nw.col("oldest") == nw.col("origin"))
    return ranked.filter(nw.col("first") == 1, apart).select("person", "key", "time")


def _paired(entries: Frame, span: int) -> Frame:
    """Each entry that came after another one, by more than nothing and at most `span`; `latest` is
    when that one was."""
    earlier = nw.col("key") == _BEFORE
    # At equal times the second activity is ordered first, so that only earlier ones precede it.
    rows = entries.with_columns(
        nw.when(earlier).then(nw.lit(1)).otherwise(nw.lit(0)).alias("earlier"),
        nw.when(earlier)
        .then(nw.col("time"))
        .otherwise(nw.col("time") * 0 + _NEVER)
        .alias("before"),
    )
    latest = rows.with_columns(
        nw.col("before").cum_max().over("person", order_by=["time", "earlier"]).alias("latest")
    )
    return latest.filter(
        nw.col("earlier") == 0,
        nw.col("latest") > _NEVER,
        nw.col("time") - nw.col("latest") <= span,
    )


def _needed_of_sequence(
    entries: Frame, rule: Counting, span: int, now: nw.Expr, since: nw.Expr
) -> Frame:
    """What came after, what it came after, and what later ones may still come after."""
    pairs = _inside(_paired(entries, span), rule, now)
    recent = entries.filter(nw.col("key") == _BEFORE, nw.col("time") >= since - span)
    firsts = nw.concat(
        [
            pairs.select("person", nw.lit(_BEFORE).alias("key"), nw.col("latest").alias("time")),
            recent,
        ]
    )
    once = firsts.group_by("person", "key", "time").agg(nw.len().alias("n"))
    return nw.concat([pairs.select("person", "key", "time"), once.select("person", "key", "time")])
