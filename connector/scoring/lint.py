"""What looks wrong in a model although it can be read: caps nobody reaches, overlaps."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from connector.domain.score import Score
from connector.scoring.model import Model
from connector.scoring.rules import BehaviourGroup, FitGroup, FitRule


def lint(model: Model) -> list[str]:
    """Give findings in words, in the order of the file."""
    found: list[str] = []
    for group in model.fit.groups:
        found += _caps(group, [rule.points for rule in group.rules])
        found += _overlaps(group)
    for behaviour in model.behaviour.groups:
        found += _caps(behaviour, [r.points for r in behaviour.rules])
        for rule in behaviour.rules:
            if rule.max is not None and rule.points > rule.max:
                found.append(
                    f"`{rule.name}` is worth {rule.points:g}, more than its max {rule.max:g}"
                )
            if rule.half_life == "none" and rule.within is None and rule.inactive is None:
                found.append(f"`{rule.name}` never ages; give it a half-life or `within`")
    found += _reach(model)
    return found


def unreached(model: Model, scores: Sequence[Score]) -> list[str]:
    """Say when no persona reaches the threshold by its score: then it may be out of reach."""
    best = max((score.score for score in scores), default=0)
    if best >= model.threshold:
        return []
    return [f"no scenario reaches the threshold {model.threshold:g}; the best is {best}"]


def _caps(group: FitGroup | BehaviourGroup, points: Sequence[float]) -> list[str]:
    best = sum(p for p in points if p > 0)
    found = []
    if group.max is not None and isinstance(group, FitGroup) and best < group.max:
        found.append(
            f"group `{group.name}` can never reach its max {group.max:g}; at most {best:g}"
        )
    if group.max is not None:
        found += [
            f"a rule of `{group.name}` is worth {p:g}, more than the group's max {group.max:g}"
            for p in points
            if p > group.max
        ]
    return found


def _overlaps(group: FitGroup) -> list[str]:
    by_field: dict[str, list[FitRule]] = {}
    for rule in group.rules:
        if rule.range is not None:
            by_field.setdefault(rule.field, []).append(rule)
    found = []
    for field, rules in by_field.items():
        ordered = sorted(rules, key=_low)
        for first, second in pairwise(ordered):
            high = (first.range or [None, None])[1]
            if high is None or high > _low(second):
                found.append(f"`{first.name}` and `{second.name}` overlap on {field}")
    return found


def _low(rule: FitRule) -> float:
    low = (rule.range or [None, None])[0]
    return float("-inf") if low is None else low


def _reach(model: Model) -> list[str]:
    best = sum(_best(g, [r.points for r in g.rules]) for g in model.fit.groups)
    if best < model.fit.full_marks:
        return [
            f"fit can never reach 100: full marks are {model.fit.full_marks:g}, at most {best:g}"
        ]
    return []


def _best(group: FitGroup, points: Sequence[float]) -> float:
    best = sum(p for p in points if p > 0)
    return best if group.max is None else min(best, group.max)
