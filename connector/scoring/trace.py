"""One person's score, activity by activity: what counted and how much, what did not and why.

Row by row in plain Python, for one person at a time; tests hold it against the engine. Needs
the activities with their `key`, and what flagged those that a machine made or another repeats.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from connector.domain.moment import DAY, Micros
from connector.scoring.entries import SLOT
from connector.scoring.matching import matches
from connector.scoring.model import Model
from connector.scoring.rules import BehaviourRule, FastTrackRule, Where


class Did(NamedTuple):
    """One activity as rules see it. `out` says why it counts for no rule; None when it may."""

    key: str
    type: str
    time: Micros
    columns: Mapping[str, str | None]
    out: str | None = None


class Unit(NamedTuple):
    """What one activity (or one day's) gave a rule. `decay` is 0 to 1, `points` raw."""

    rule: str
    keys: tuple[str, ...]
    age: Micros
    decay: float
    points: float


class Unused(NamedTuple):
    """An activity a rule asks for that gave it nothing, and why."""

    rule: str
    key: str
    why: str


class Trace(NamedTuple):
    """Everything about the behaviour rules of one person."""

    units: list[Unit]
    unused: list[Unused]


def trace(model: Model, activities: Sequence[Did], now: Micros) -> Trace:
    """Give what each activity gave each rule; rules about colleagues are not the person's own."""
    units: list[Unit] = []
    unused: list[Unused] = []
    for rule in model.behaviour_rules():
        if rule.by == "colleagues":
            continue
        if rule.inactive is not None:
            units += _quiet(rule, activities, now)
            continue
        asked = [one for one in activities if _asks(rule.types, rule.where, one)]
        free = [one for one in asked if (_out(one, now)) is None]
        unused += [
            Unused(rule.name, one.key, str(_out(one, now))) for one in asked if _out(one, now)
        ]
        counted, left = _counted(rule, free, activities, now)
        units += counted
        unused += left
    return Trace(units, unused)


def unasked(model: Model, activities: Sequence[Did]) -> dict[str, int]:
    """Count, by type, the activities that no behaviour or fast-track rule asks for."""
    asking: list[tuple[Sequence[str], Where]] = []
    for rule in model.behaviour_rules():
        asking.append((rule.types, rule.where))
        if rule.after is not None:
            asking.append((rule.after.types, rule.after.where))
    asking += [(rule.types, rule.where) for rule in model.fast_track]
    left = [one for one in activities if not any(_asks(*asked, one) for asked in asking)]
    return dict(Counter(one.type for one in left).most_common())


def _asks(types: Sequence[str], where: Where, one: Did) -> bool:
    return one.type in types and all(
        matches(test, one.columns.get(name)) for name, test in where.items()
    )


def _out(one: Did, now: Micros) -> str | None:
    if one.out is not None:
        return one.out
    return "has not happened yet" if one.time > now else None


def _quiet(rule: BehaviourRule, activities: Iterable[Did], now: Micros) -> list[Unit]:
    times = [one for one in activities if _out(one, now) is None]
    last = max(times, key=lambda one: (one.time, one.key), default=None)
    if last is None or now - last.time <= (rule.inactive or 0):
        return []
    return [Unit(rule.name, (last.key,), now - last.time, 1.0, float(rule.points))]


def _counted(
    rule: BehaviourRule, free: Sequence[Did], activities: Sequence[Did], now: Micros
) -> tuple[list[Unit], list[Unused]]:
    if rule.per == "day":
        return _by_day(rule, free, now)
    if rule.after is not None:
        return _after(rule, free, activities, now)
    if rule.per is not None or rule.first:
        return _of_each(rule, free, now)
    return _within(rule, free, now)


def _within(
    rule: BehaviourRule, chosen: Iterable[Did], now: Micros
) -> tuple[list[Unit], list[Unused]]:
    units, unused = [], []
    for one in chosen:
        if rule.within is not None and now - one.time >= rule.within:
            unused.append(Unused(rule.name, one.key, f"older than {_days(rule.within)}"))
        else:
            units.append(_unit(rule, (one.key,), now - one.time, 1))
    return units, unused


def _unit(rule: BehaviourRule, keys: tuple[str, ...], age: Micros, count: int) -> Unit:
    decay = 1.0 if rule.decay is None else 2.0 ** (-age / rule.decay)
    return Unit(rule.name, keys, age, decay, count * rule.points * decay)


def _by_day(
    rule: BehaviourRule, free: Sequence[Did], now: Micros
) -> tuple[list[Unit], list[Unused]]:
    fresh, unused = _within(rule, free, now)
    kept = {key for unit in fresh for key in unit.keys}
    days: dict[int, list[Did]] = {}
    for one in sorted(free, key=lambda one: (one.time, one.key)):
        if one.key in kept:
            days.setdefault(one.time // DAY, []).append(one)
    units = []
    for day, found in sorted(days.items()):
        some = tuple(one.key for one in found[: rule.times])
        units.append(_unit(rule, some, now - day * DAY, len(some)))
        unused += [
            Unused(rule.name, one.key, f"more than {rule.times} that day")
            for one in found[rule.times :]
        ]
    return units, unused


def _of_each(
    rule: BehaviourRule, free: Sequence[Did], now: Micros
) -> tuple[list[Unit], list[Unused]]:
    groups: dict[object, list[Did]] = {}
    for one in sorted(free, key=lambda one: (one.time, one.key), reverse=not rule.first):
        groups.setdefault(_key(rule, one), []).append(one)
    unused: list[Unused] = []
    if rule.per == "return_visit":
        begun = min((one.time for one in free), default=0)
        for key in [k for k, found in groups.items() if min(o.time for o in found) <= begun]:
            unused += [Unused(rule.name, o.key, "the first visit") for o in groups.pop(key)]
    word = "first" if rule.first else "newest"
    chosen: list[Did] = []
    for found in groups.values():
        chosen += found[: rule.times]
        unused += [
            Unused(rule.name, one.key, f"not the {word} of its {rule.per or 'person'}")
            for one in found[rule.times :]
        ]
    units, old = _within(rule, chosen, now)
    return units, unused + old


def _key(rule: BehaviourRule, one: Did) -> object:
    match rule.per:
        case "asset":
            return one.columns.get("asset")
        case "visit" | "return_visit":
            visit = one.columns.get("visit")
            return (one.time // SLOT,) if visit is None else visit
    return None


def _after(
    rule: BehaviourRule, free: Sequence[Did], activities: Sequence[Did], now: Micros
) -> tuple[list[Unit], list[Unused]]:
    after = rule.after
    assert after is not None  # noqa: S101  the caller chose this rule
    starts = sorted(
        one.time
        for one in activities
        if _out(one, now) is None and _asks(after.types, after.where, one)
    )

    def follows(one: Did) -> bool:
        before = bisect_left(starts, one.time)
        return before > 0 and one.time - starts[before - 1] <= after.within

    paired = [one for one in free if follows(one)]
    keys = {one.key for one in paired}
    alone = [
        Unused(rule.name, one.key, f"not within {_days(after.within)} after the first step")
        for one in free
        if one.key not in keys
    ]
    units, unused = _within(rule, paired, now)
    return units, alone + unused


def hand_raises(
    rules: Sequence[FastTrackRule], activities: Sequence[Did], now: Micros
) -> list[Unused]:
    """Give the activities that fast-track rules found, or would have if they were not too old."""
    found = []
    for rule in rules:
        for one in activities:
            if _asks(rule.types, rule.where, one) and _out(one, now) is None:
                old = rule.within is not None and now - one.time >= rule.within
                why = f"older than {_days(rule.within or 0)}" if old else "a hand-raise"
                found.append(Unused(rule.name, one.key, why))
    return found


def _days(span: Micros) -> str:
    return f"{span / DAY:g} d"
