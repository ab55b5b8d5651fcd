"""Conditions on one value in plain Python: for a person's choice of model, and for explanations."""

from __future__ import annotations

import re
from collections.abc import Mapping

from connector.domain.record import Fields, Scalar
from connector.scoring.condition import Condition
from connector.scoring.pattern import portable, word_pattern


def matches(condition: Condition, value: Scalar) -> bool:
    """Whether the condition holds for a prepared value, as the engine would say."""
    match condition.operator:
        case "missing":
            return value is None
        case "answered":
            return value is not None
        case "range":
            return _within(condition, value)
    if value is None:
        return False
    if condition.reads != "text":
        given = [condition.equals] if condition.in_ is None else condition.in_
        same_kind = isinstance(value, bool) == (condition.reads == "bool")
        return same_kind and not isinstance(value, str) and value in given
    if not isinstance(value, str):
        return False
    texts = condition.texts()
    match condition.operator:
        case "prefix":
            return value.startswith(texts[0])
        case "contains_any":
            return any(text in value for text in texts)
        case "regex":
            return re.search(portable(condition.regex or ""), value) is not None
        case "word_in":
            words = condition.word_in or []
            return any(re.search(word_pattern(word), value) for word in words)
    return value in texts


def all_match(tests: Mapping[str, Condition], facts: Fields) -> bool:
    """Whether every test holds for a person's prepared facts."""
    return all(matches(test, facts.get(field)) for field, test in tests.items())


def _within(condition: Condition, value: Scalar) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    low, high = condition.range or [None, None]
    return (low is None or value >= low) and (high is None or value < high)
