"""How values compare in a query: text without case, ids by their 15 characters, null below none.

Source: SOQL and SOSL Reference, "Comparison Operators".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from connector.practice.salesforce.fields import FieldSpec
from connector.practice.salesforce.ids import canonical
from connector.practice.salesforce.moments import normal_moment
from connector.practice.salesforce.soql import Literal, Test, refuse

Row = dict[str, Any]
Read = Callable[[Row], Any]
Predicate = Callable[[Row], bool]
_LITERALS = {
    "datetime": {"moment"},
    "date": {"date"},
    "boolean": {"boolean"},
    "int": {"number"},
    "double": {"number"},
    "currency": {"number"},
    "percent": {"number"},
}
_EXACT = {*_LITERALS, "id", "reference"}


def fold(read: Read, spec: FieldSpec | None) -> Read:
    """Read a value as it compares."""
    if spec is not None and spec.type in _EXACT:
        return read

    def folded(row: Row) -> Any:
        value = read(row)
        return value.lower() if isinstance(value, str) else value

    return folded


def literal(given: Literal, spec: FieldSpec | None, test: Test, text: str) -> Any:
    """A value of a query as it compares. Raises ApiError INVALID_FIELD for one of another kind."""
    if given.kind == "null":
        return None
    kind = spec.type if spec else "string"
    if given.kind not in _LITERALS.get(kind, {"text"}):
        quoted = " and should not be enclosed in quotes" if given.kind == "text" else ""
        why = f"value of filter criterion for field '{test.field}' must be of type {kind}{quoted}"
        raise refuse(text, test.at, "INVALID_FIELD", why)
    if given.kind == "moment":
        return normal_moment(given.value)
    if kind in {"id", "reference"}:
        whole = canonical(given.value)
        if whole is None:
            raise refuse(text, test.at, "INVALID_QUERY_FILTER_OPERATOR", "invalid ID field: "
                         f"{given.value}")  # fmt: skip
        return whole
    return given.value.lower() if isinstance(given.value, str) else given.value


def several_values(read: Read, operator: str, wanted: set[Any]) -> Predicate:
    """The test of `in` and `not in`."""
    if operator == "in":
        return lambda row: read(row) in wanted
    return lambda row: read(row) not in wanted


def tested(read: Read, operator: str, wanted: Any) -> Predicate:
    """The test of one comparison."""
    match operator:
        case "=":
            return lambda row: read(row) == wanted
        case "!=":
            return lambda row: read(row) != wanted
        case "like":
            pattern = _pattern(str(wanted))
            return lambda row: pattern.fullmatch(str(read(row) or "")) is not None
    if wanted is None:
        return lambda _row: False
    match operator:
        case "<":
            return lambda row: (value := read(row)) is not None and value < wanted
        case "<=":
            return lambda row: (value := read(row)) is not None and value <= wanted
        case ">":
            return lambda row: (value := read(row)) is not None and value > wanted
    return lambda row: (value := read(row)) is not None and value >= wanted


def in_day(read: Read, operator: str, first: str, after: str) -> Predicate:
    """The test of one comparison with a day that begins at `first` and ends before `after`."""
    match operator:
        case "=":
            return lambda row: first <= (read(row) or "") < after
        case "!=":
            return lambda row: not first <= (read(row) or "") < after
        case "<" | "<=":
            end = first if operator == "<" else after
            return lambda row: (value := read(row)) is not None and value < end
    begin = after if operator == ">" else first
    return lambda row: (value := read(row)) is not None and value >= begin


def _pattern(text: str) -> re.Pattern[str]:
    parts = ("." if c == "_" else ".*" if c == "%" else re.escape(c) for c in text)
    return re.compile("".join(parts), re.DOTALL)
