"""Rules, spans and targets of the configuration as plain sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connector.decisions.routing_document import FieldTest, Target
from connector.domain.duration import BusinessTime
from connector.domain.moment import DAY, HOUR, MINUTE
from connector.report.words import plain
from connector.scoring.condition import Condition
from connector.scoring.rules import BehaviourRule, FastTrackRule, FilterRule, FitRule


def span(value: int | BusinessTime) -> str:
    """A span of time: 24 hours, 5 working days."""
    if isinstance(value, BusinessTime):
        unit = "working day" if value.unit == "bd" else "working hour"
        return _many(value.amount, unit)
    for size, unit in ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute")):
        if value >= size and (value % size == 0 or size == MINUTE):
            return _many(f"{value / size:g}", unit)
    return _many(f"{value / 1_000_000:g}", "second")


def _many(number: int | str, unit: str) -> str:
    return f"{number} {unit}{'' if str(number) == '1' else 's'}"


def points(value: float) -> str:
    """Points with their sign."""
    return f"{value:+g}"


def listed(values: Sequence[Any], most: int = 8) -> str:
    """Values one after the other; of many the first, and how many more."""
    shown = ", ".join(plain(value) for value in values[:most])
    more = len(values) - most
    return f"{shown} and {more} more" if more > 0 else shown


def test(field: str, one: Condition | FieldTest | Any) -> str:
    """One test of one field: `country is one of de, fr`."""
    name = plain(field).replace("account.", "the account's ")
    if not isinstance(one, Condition | FieldTest):
        values = one if isinstance(one, list) else [one]
        return f"{name} is {'one of ' if len(values) > 1 else ''}{listed(values)}"
    given = one.model_dump(by_alias=True, exclude_none=True)
    operator, value = next((k, v) for k, v in given.items() if k in _OPERATORS)
    if operator == "range":
        return f"{name} {_range(value)}"
    said = listed(value) if isinstance(value, list) else str(value)
    if operator == "equals":
        said = plain(value)
    return f"{name} {_OPERATORS[operator].format(said)}"


_OPERATORS = {
    "equals": "is {}", "in": "is one of {}", "in_file": "is listed in {}",
    "contains_any": "contains {}", "word_in": "has a word of {}", "prefix": "begins with {}",
    "regex": "matches {}", "range": "{}", "missing": "is not known", "answered": "was answered",
}  # fmt: skip


def _range(value: Sequence[float | None]) -> str:
    low, high = value
    if low is None:
        return f"is below {high:g}"
    return f"is {low:g} or more" if high is None else f"is from {low:g} to below {high:g}"


def fit_rule(rule: FitRule) -> str:
    """A fit rule: `VP or above: +20, when seniority is one of vp, c level`."""
    return f"{rule.name}: {points(rule.points)}, when {test(rule.field, rule)}"


def behaviour_rule(rule: BehaviourRule) -> str:
    """A behaviour rule with its ageing and its cap."""
    if rule.inactive is not None:
        return f"{rule.name}: {points(rule.points)}, after {span(rule.inactive)} of silence"
    said = f"{rule.name}: {points(rule.points)} for {_did(rule.types, rule.where)}"
    if rule.after is not None:
        said += f" within {span(rule.after.within)} of {_did(rule.after.types, rule.after.where)}"
    if rule.per is not None:
        said += f", {rule.times} per {plain(rule.per)}"
    if rule.max is not None:
        said += f", at most {points(rule.max)}"
    return said + (
        f", worth half after {span(rule.decay)}" if rule.decay else ", never worth less with time"
    )


def hand_raise(rule: FastTrackRule) -> str:
    """A fast-track rule."""
    said = f"{rule.name}: {_did(rule.types, rule.where)}"
    return said + (f" in the last {span(rule.within)}" if rule.within else "")


def out_rule(rule: FilterRule) -> str:
    """A filter or disqualify rule with its reason code."""
    return f"{rule.name}: when {test(rule.field, rule)} (reason: {plain(rule.reason)})"


def _did(types: Sequence[str], where: Mapping[Any, Condition]) -> str:
    said = " or ".join(plain(kind) for kind in types)
    tests = " and ".join(test(str(column), one) for column, one in where.items())
    return f"{said} whose {tests}" if tests else said


def target(one: Target) -> str:
    """Where a lead goes."""
    if one.pool is not None:
        return f"the pool {one.pool}"
    return f"the queue {one.queue}" if one.queue is not None else str(one.owner)
