"""What looks wrong in a model although it can be read: rules that never match, caps, overlaps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from connector.domain.score import Score
from connector.scoring.condition import Condition
from connector.scoring.derived import VALUES
from connector.scoring.matching import matches
from connector.scoring.model import Model
from connector.scoring.rules import (
    BehaviourGroup,
    BehaviourRule,
    FastTrackRule,
    FilterRule,
    FitGroup,
    FitRule,
)

_READ_AS_TEXT = frozenset(("equals", "in_", "contains_any", "prefix"))


def lint(model: Model) -> list[str]:
    """Give findings in words, in the order of the file."""
    found: list[str] = []
    for group in model.fit.groups:
        found += _caps(group)
        found += _overlaps(group)
    for behaviour in model.behaviour.groups:
        found += _caps(behaviour)
        for rule in behaviour.rules:
            found += _behaviour(rule)
    found += _never(model)
    found += _twice(model)
    found += _reach("fit", model.fit.full_marks, model.fit.groups)
    found += _reach("behaviour", model.behaviour.full_marks, model.behaviour.groups)
    found += _thresholds(model)
    return found


def unreached(scores: Sequence[Score]) -> list[str]:
    """Say when no persona reaches its threshold by its score: then it may be out of reach."""
    if not scores or any(score.score >= score.threshold for score in scores):
        return []
    best = max(scores, key=lambda score: score.score - score.threshold)
    return [f"no scenario reaches the threshold {best.threshold:g}; the best is {best.score}"]


# --- caps and reach ------------------------------------------------------------------------------


def _caps(group: FitGroup | BehaviourGroup) -> Iterator[str]:
    if group.max is None:
        return
    best = sum(_most(rule) for rule in group.rules)
    if best < group.max:
        yield f"group `{group.name}` can never reach its max {group.max:g}; at most {best:g}"
    for rule in group.rules:
        if rule.points > group.max:
            yield (
                f"`{rule.name}` is worth {rule.points:g}, more than the max {group.max:g} of its "
                f"group `{group.name}`"
            )


def _most(rule: FitRule | BehaviourRule) -> float:
    """The most a rule can give: of what can be done again and again, its max."""
    if isinstance(rule, FitRule) or rule.inactive is not None:
        return max(0.0, rule.points)
    if rule.points <= 0:
        return max(0.0, rule.min or 0.0)
    return float("inf") if rule.max is None else max(0.0, rule.max)


def _reach(
    part: str, full_marks: float, groups: Sequence[FitGroup] | Sequence[BehaviourGroup]
) -> Iterator[str]:
    best = 0.0
    for group in groups:
        most = sum(_most(rule) for rule in group.rules)
        best += most if group.max is None else min(most, group.max)
    if best < full_marks:
        yield f"{part} can never reach 100: full marks are {full_marks:g}, at most {best:g}"


def _thresholds(model: Model) -> Iterator[str]:
    if model.threshold == 100 and model.compare == "exceeds":
        yield "nothing exceeds 100: the threshold can never be passed"
    lowest = min([model.threshold, *(s.threshold for s in model.thresholds)])
    if model.actions and model.actions[-1].least > 0:
        yield f"below {model.actions[-1].least:g} no action is named"
    if model.actions and all(band.least > lowest for band in model.actions):
        yield f"no action is named for people at the threshold {lowest:g}"


# --- rules that can never match, or say the same twice --------------------------------------------


def _behaviour(rule: BehaviourRule) -> Iterator[str]:
    if rule.max is not None and rule.points > rule.max:
        yield f"`{rule.name}` is worth {rule.points:g}, more than its max {rule.max:g}"
    ageless = rule.half_life == "none" and rule.within is None and rule.inactive is None
    if ageless and not rule.first:
        yield f"`{rule.name}` never ages; give it a half-life or `within`"
    if rule.min is not None and rule.min > 0:
        yield f"`{rule.name}` has a min of {rule.min:g}: even those who did nothing get it"


def _never(model: Model) -> Iterator[str]:
    for rule in model.all_rules():
        if isinstance(rule, FitRule | FilterRule):
            for why in _impossible(rule, rule.field):
                yield f"`{rule.name}` can never match: {why}"
            continue
        wheres: list[Mapping[Any, Condition]] = [rule.where]
        if isinstance(rule, BehaviourRule) and rule.after is not None:
            wheres.append(rule.after.where)
        for where in wheres:
            for field, test in where.items():
                for why in _impossible(test, field):
                    yield f"`{rule.name}` can never match: {why}"
    for segment in model.thresholds:
        for field, test in segment.when.items():
            for why in _impossible(test, field):
                yield f"threshold `{segment.name}` can never match: {why}"


def _impossible(test: Condition, field: str) -> Iterator[str]:
    if test.in_file is not None and not test.texts():
        yield f"the file {test.in_file} is empty"
    elif field in VALUES and test.operator not in {"missing", "answered"}:
        if not any(matches(test, value) for value in VALUES[field]):
            yield f"`{field}` is one of {', '.join(sorted(VALUES[field]))}"
    elif test.operator in _READ_AS_TEXT and test.reads == "text" and not any(test.texts()):
        yield "an empty text is unknown, not a value"
    if field == "url" and test.prefix is not None and not test.prefix.startswith(("/", "http")):
        yield "an address begins with / or http"


def _twice(model: Model) -> Iterator[str]:
    """Rules that hold for the same people, and those whom a rule before them puts out."""
    seen: dict[tuple[object, ...], str] = {}
    outs = {_said(rule, rule.field): rule.name for rule in model.outs()}
    for rule in model.fit_rules():
        said = _said(rule, rule.field)
        if said in seen:
            yield f"`{rule.name}` and `{seen[said]}` hold for the same people"
        if said in outs:
            yield f"whoever matches `{rule.name}` is out by `{outs[said]}`: its points never count"
        seen[said] = rule.name
    earlier: dict[tuple[object, ...], str] = {}
    for out in model.outs():
        said = _said(out, out.field)
        if said in earlier:
            yield f"`{out.name}` can never match: `{earlier[said]}` comes first"
        earlier.setdefault(said, out.name)
    tracks: dict[str, FastTrackRule] = {}
    for fast in model.fast_track:
        before = tracks.setdefault(repr((fast.types, fast.where)), fast)
        if before is not fast and (
            before.within is None or before.within >= (fast.within or 2**62)
        ):
            yield f"`{fast.name}` can never decide: `{before.name}` comes first"


def _said(test: Condition, field: str) -> tuple[object, ...]:
    values = test.in_ if test.in_ is not None else [test.equals]
    if test.operator in {"equals", "in_"} and test.reads != "text":
        return (field, "among", frozenset(values))
    if test.operator in {"equals", "in_", "in_file"}:
        return (field, "among", frozenset(test.texts()))
    return (field, test.operator, str(getattr(test, test.operator)))


def _overlaps(group: FitGroup) -> Iterator[str]:
    by_field: dict[str, list[FitRule]] = {}
    for rule in group.rules:
        if rule.range is not None:
            by_field.setdefault(rule.field, []).append(rule)
    for field, rules in by_field.items():
        ordered = sorted(rules, key=_low)
        for first, second in pairwise(ordered):
            high = (first.range or [None, None])[1]
            if high is None or high > _low(second):
                yield f"`{first.name}` and `{second.name}` overlap on {field}"


def _low(rule: FitRule) -> float:
    low = (rule.range or [None, None])[0]
    return float("-inf") if low is None else low
