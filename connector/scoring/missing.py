"""What a person's score could gain: from what is not known, and from what was never done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import inf, nextafter
from typing import Any

from connector.domain.record import Fields, Scalar
from connector.domain.score import Score
from connector.scoring.explain import part_score
from connector.scoring.matching import matches
from connector.scoring.model import Model
from connector.scoring.rules import FitRule, column

Contributions = Mapping[str, float]
"""Raw points by `rule:<name>`, after the rule's own bounds."""
_SLIGHT = 0.05
_NAMING = {"equals", "in_", "in_file", "contains_any", "prefix"}


def unknown_fields(
    model: Model, facts: Fields, points: Contributions, score: Score
) -> list[dict[str, Any]]:
    """Give the fields nothing is known about, and the most that each alone could add.

    In points of the score, caps and full marks of the part counted in; most first. It is 0 where
    a cap is reached already, or where behaviour alone makes a higher score.
    """
    by_field: dict[str, list[FitRule]] = {}
    for rule in model.fit_rules():
        if facts.get(rule.field) is None:
            by_field.setdefault(rule.field, []).append(rule)
    rows = []
    for field, rules in by_field.items():
        totals = [_total(model, {**points, **found}) for found in _outcomes(rules)]
        rows.append({"field": field, "could_add": _gain(totals, score)})
    return sorted(rows, key=lambda row: (-row["could_add"], row["field"]))


def never_counted(model: Model, points: Contributions, score: Score) -> list[dict[str, Any]]:
    """Give the behaviour rules that gave nothing, and what doing it once now would add."""
    alone = score.grade.startswith("?")
    rows = []
    for rule in model.behaviour_rules():
        name = column(rule.name)
        if rule.inactive is not None or rule.points <= 0 or points.get(name):
            continue
        once = rule.points if rule.max is None else min(rule.points, rule.max)
        total = _total(model, {**points, name: once}, alone=alone)
        row = {"rule": rule.name, "activity": list(rule.types), "by": rule.by}
        rows.append({**row, "could_add": _gain([total], score)})
    return sorted(rows, key=lambda row: (-row["could_add"], row["rule"]))


def _gain(totals: Iterable[float], score: Score) -> float:
    gain = max(totals, default=score.total) - score.total
    return round(gain, 1) if gain >= _SLIGHT else 0.0


def _total(model: Model, points: Contributions, *, alone: bool = False) -> float:
    fit = part_score(model.fit, points)
    behaviour = part_score(model.behaviour, points)
    if alone:
        return behaviour
    weights = model.weights
    whole = weights.fit + weights.behaviour
    return (fit * weights.fit + behaviour * weights.behaviour) / whole


def _outcomes(rules: list[FitRule]) -> Iterable[Contributions]:
    """What the rules on a field would give for each value among which they differ."""
    for value in {repr(v): v for v in _values(rules)}.values():
        yield {column(r.name): r.points if matches(r, value) else 0.0 for r in rules}
    for rule in rules:
        if rule.operator in {"regex", "word_in"}:  # any text that it finds; the others do not
            yield {column(r.name): r.points if r is rule else 0.0 for r in rules}


def _values(rules: list[FitRule]) -> list[Scalar]:
    """Values that stand for all others: what a rule names, either side of it, and anything else."""
    kinds = {rule.reads for rule in rules}
    if "number" in kinds:
        edges = [edge for rule in rules for edge in _numbers(rule)]
        return [near for at in edges for near in (nextafter(at, -inf), at, nextafter(at, inf))]
    if "bool" in kinds:
        return [True, False]
    named = (rule.texts() for rule in rules if rule.operator in _NAMING)
    return ["\x01", *(text for texts in named for text in texts)]


def _numbers(rule: FitRule) -> list[float]:
    given = [rule.equals, *(rule.in_ or []), *(rule.range or [])]
    return [float(value) for value in given if isinstance(value, int | float)]
