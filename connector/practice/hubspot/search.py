"""Answers searches from the index: filter groups, one sort, pages by offset, at most 10,000 rows.

Source: developers.hubspot.com, "Search the CRM". Archived records and associations are never here.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping
from typing import Any

from connector.practice.hubspot.errors import HubError
from connector.practice.hubspot.moments import epoch_ms
from connector.practice.hubspot.portal import Portal, Values

_CAP = 10_000
Test = Callable[[Values], bool]


def search(portal: Portal, kind: str, body: Mapping[str, Any]) -> tuple[int, list[str], int]:
    """Find records. Gives (total, ids of the page, offset after it); raises HubError 400."""
    groups = body.get("filterGroups") or []
    _check_size(groups, body)
    tests = [[_test(portal, kind, one) for one in group.get("filters", [])] for group in groups]
    found = [
        id_
        for id_ in _candidates(portal, kind, groups)
        if (entry := portal.index[kind].get(id_)) is not None
        and (not tests or any(all(test(entry[0]) for test in few) for few in tests))
    ]
    _sort(portal, kind, body, found)
    start, limit = int(body.get("after") or 0), int(body.get("limit") or 10)
    if start + limit > _CAP:
        raise HubError(
            400, "VALIDATION_ERROR", "There was a problem with the request.",
            errors=[{"message": "paging past 10000 results is not possible"}],
        )  # fmt: skip
    return len(found), found[start : start + limit], start + limit


def _candidates(portal: Portal, kind: str, groups: list[Any]) -> list[str]:
    order = portal.order[kind]
    if len(groups) == 1:
        for one in groups[0].get("filters", []):
            if one.get("propertyName") == "hs_object_id" and one.get("operator") == "GT":
                order = order[bisect_right(order, int(one["value"])) :]
    return [str(id_) for id_ in order]


def _check_size(groups: list[Any], body: Mapping[str, Any]) -> None:
    filters = [len(group.get("filters", [])) for group in groups]
    if len(groups) > 5 or any(count > 6 for count in filters) or sum(filters) > 18:
        raise HubError(
            400, "VALIDATION_ERROR", "Too many filters: at most 5 groups of 6, 18 in all"
        )
    if int(body.get("limit") or 10) > 200:
        raise HubError(400, "VALIDATION_ERROR", "limit must be at most 200")
    if len(body.get("sorts") or []) > 1:
        raise HubError(400, "VALIDATION_ERROR", "Only one sort is allowed")
    if len(str(body.get("query") or "")) > 3000:
        raise HubError(400, "VALIDATION_ERROR", "query is longer than 3000 characters")


def _sort(portal: Portal, kind: str, body: Mapping[str, Any], found: list[str]) -> None:
    sorts = body.get("sorts") or []
    if not sorts:
        found.sort(key=lambda id_: portal.index[kind][id_][1])
        return
    one = sorts[0]
    name, down = one.get("propertyName"), one.get("direction") == "DESCENDING"
    if name == "hs_object_id":
        found.sort(key=int, reverse=down)
        return
    index = portal.index[kind]
    found.sort(key=lambda id_: _key(index[id_][0].get(name, "")), reverse=down)


def _test(portal: Portal, kind: str, one: Mapping[str, Any]) -> Test:
    name, operator = str(one.get("propertyName")), str(one.get("operator"))
    definition = portal.definitions[kind].live(name)
    if definition is None:
        raise HubError(400, "VALIDATION_ERROR", f"Property {name} does not exist")
    dates = definition.type in {"date", "datetime"}

    def value_of(text: str) -> tuple[int, float, str]:
        return _key(str(epoch_ms(text)) if dates and text else text)

    if operator in {"HAS_PROPERTY", "NOT_HAS_PROPERTY"}:
        wanted = operator == "HAS_PROPERTY"
        return lambda values: (name in values) is wanted
    if operator in {"IN", "NOT_IN"}:
        several = {value_of(str(text)) for text in one.get("values") or []}
        inside = operator == "IN"
        return lambda values: name in values and (value_of(values[name]) in several) is inside
    if operator in {"CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN"}:
        token = str(one.get("value", "")).strip("*").lower()
        inside = operator == "CONTAINS_TOKEN"
        return lambda values: (token in values.get(name, "").lower()) is inside
    if one.get("value") is None:
        raise HubError(400, "VALIDATION_ERROR", f"Operator {operator} needs a value")
    low = value_of(str(one["value"]))
    if operator == "BETWEEN":
        high = value_of(str(one.get("highValue", "")))
        return lambda values: name in values and low <= value_of(values[name]) <= high
    compare = _COMPARES.get(operator)
    if compare is None:
        raise HubError(400, "VALIDATION_ERROR", f"Unknown operator {operator}")
    return lambda values: name in values and compare(value_of(values[name]), low)


_COMPARES: dict[str, Callable[[Any, Any], bool]] = {
    "EQ": lambda a, b: a == b,
    "NEQ": lambda a, b: a != b,
    "LT": lambda a, b: a < b,
    "LTE": lambda a, b: a <= b,
    "GT": lambda a, b: a > b,
    "GTE": lambda a, b: a >= b,
}


def _key(text: str) -> tuple[int, float, str]:
    """How values compare: numbers by size before texts without case."""
    try:
        return 0, float(text), ""
    except ValueError:
        return 1, 0.0, text.lower()
