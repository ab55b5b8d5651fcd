"""Conditions as Narwhals expressions, which every engine evaluates alike.

Only comparisons, `+ - * /` on floats, exp, floor division of positive integers and when/then are
used: for rounding, casts, case folding and NaN the engines differ.
"""

from __future__ import annotations

from functools import reduce
from operator import and_, or_

import narwhals as nw

from connector.scoring.condition import Condition
from connector.scoring.pattern import portable, word_pattern
from connector.scoring.rules import Where


def holds(condition: Condition, column: str) -> nw.Expr:
    """Whether the condition holds in a column; null where the column is null."""
    value = nw.col(column)
    match condition.operator:
        case "missing":
            return value.is_null()
        case "answered":
            return ~value.is_null()
        case "range":
            return _range(condition, value)
        case "prefix":
            return value.str.starts_with(condition.texts()[0])
        case "regex":
            return value.str.contains(portable(condition.regex or ""))
        case "contains_any":
            return any_of([value.str.contains(t, literal=True) for t in condition.texts()])
        case "word_in":
            words = condition.word_in or []
            return any_of([value.str.contains(word_pattern(word)) for word in words])
    return _among(condition, value)


def _range(condition: Condition, value: nw.Expr) -> nw.Expr:
    low, high = condition.range or [None, None]
    bounds = []
    if low is not None:
        bounds.append(value >= float(low))
    if high is not None:
        bounds.append(value < float(high))
    return all_of(bounds)


def _among(condition: Condition, value: nw.Expr) -> nw.Expr:
    if condition.reads == "text":
        texts = condition.texts()
        if not texts:  # an empty list file: nothing matches
            return value.is_null() & ~value.is_null()
        return value == texts[0] if len(texts) == 1 else value.is_in(list(texts))
    given = [condition.equals] if condition.in_ is None else condition.in_
    if condition.reads == "bool":
        return any_of([value == bool(one) for one in given])
    return any_of([value == float(one) for one in given if one is not None])


def activity_is(types: tuple[str, ...], where: Where) -> nw.Expr:
    """Whether an activity is of one of the types and passes every filter."""
    kind = nw.col("type")
    tests = [kind == types[0] if len(types) == 1 else kind.is_in(list(types))]
    tests += [holds(condition, column) for column, condition in where.items()]
    return all_of(tests)


def any_of(tests: list[nw.Expr]) -> nw.Expr:
    """Whether one of the tests holds."""
    return reduce(or_, tests)


def all_of(tests: list[nw.Expr]) -> nw.Expr:
    """Whether every test holds."""
    return reduce(and_, tests)


def amount(test: nw.Expr, points: nw.Expr | float) -> nw.Expr:
    """`points` where the test holds, else 0; null is no match."""
    given = points if isinstance(points, nw.Expr) else nw.lit(float(points))
    return nw.when(test).then(given).otherwise(nw.lit(0.0))


def clipped(value: nw.Expr, low: float | None, high: float | None) -> nw.Expr:
    """The value within its bounds, those that there are."""
    if high is not None:
        value = nw.when(value > float(high)).then(nw.lit(float(high))).otherwise(value)
    if low is not None:
        value = nw.when(value < float(low)).then(nw.lit(float(low))).otherwise(value)
    return value
