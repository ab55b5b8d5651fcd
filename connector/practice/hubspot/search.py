"""Answers searches from the index: filter groups, one sort, pages by offset, at most 10,000 rows.

Source: developers.hubspot.com, "Search the CRM". Archived records and associations are never here.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from connector.domain.moment import Micros
from connector.practice.hubspot.errors import HubError
from connector.practice.hubspot.moments import epoch_ms
from connector.practice.hubspot.portal import Portal, Values

_CAP = 10_000
_REMEMBERED = 8
Entry = tuple[Values, Micros]
Read = Callable[[Entry], Any]
Test = Callable[[Entry], bool]


def search(portal: Portal, kind: str, body: Mapping[str, Any]) -> tuple[int, list[str], int]:
    """Find records. Gives (total, ids of the page, offset after it); raises HubError 400."""
    groups = body.get("filterGroups") or []
    _check_size(groups, body)
    try:
        start, limit = int(body.get("after") or 0), int(body.get("limit") or 10)
    except ValueError:
        raise HubError(400, "VALIDATION_ERROR", "after and limit must be numbers") from None
    if start + limit > _CAP:
        raise HubError(
            400, "VALIDATION_ERROR", "There was a problem with the request.",
            errors=[{"message": "paging past 10000 results is not possible"}],
        )  # fmt: skip
    found = _remembered(portal, kind, groups, body)
    return len(found), found[start : start + limit], start + limit


def _remembered(portal: Portal, kind: str, groups: list[Any], body: Mapping[str, Any]) -> list[str]:
    """All ids a search finds; the pages of one search share them until the index changes."""
    key = orjson.dumps([kind, portal.index_version, groups, body.get("sorts"), body.get("query")])
    known = portal.searches.get(key)
    if known is None:
        while len(portal.searches) >= _REMEMBERED:
            del portal.searches[next(iter(portal.searches))]
        known = portal.searches[key] = _all(portal, kind, groups, body)
    return known


def _all(portal: Portal, kind: str, groups: list[Any], body: Mapping[str, Any]) -> list[str]:
    tests = [[_test(portal, kind, one) for one in group.get("filters", [])] for group in groups]
    index, candidates = portal.index[kind], _candidates(portal, kind, groups)
    entries = [(id_, entry) for id_ in candidates if (entry := index.get(id_)) is not None]
    if len(tests) == 1:
        for test in tests[0]:
            entries = [one for one in entries if test(one[1])]
    elif tests:
        entries = [
            one for one in entries if any(all(test(one[1]) for test in few) for few in tests)
        ]
    text = str(body.get("query") or "").lower()
    if text:
        entries = [one for one in entries if any(text in v.lower() for v in one[1][0].values())]
    return _sorted(portal, kind, body, entries)


def _candidates(portal: Portal, kind: str, groups: list[Any]) -> list[str]:
    """Ids that can match, in order of ids: a test of the id itself needs no look at the rest."""
    order = portal.order[kind]
    low, high = 0, len(order)
    for one in groups[0].get("filters", []) if len(groups) == 1 else ():
        if one.get("propertyName") != "hs_object_id" or not str(one.get("value", "")).isdigit():
            continue
        cut = bisect_left if one.get("operator") in {"GTE", "LT"} else bisect_right
        place = cut(order, int(one["value"]), key=int)
        if one.get("operator") in {"GT", "GTE"}:
            low = max(low, place)
        elif one.get("operator") in {"LT", "LTE"}:
            high = min(high, place)
    return order[low:high]


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


def _sorted(
    portal: Portal, kind: str, body: Mapping[str, Any], entries: list[tuple[str, Entry]]
) -> list[str]:
    sorts = body.get("sorts") or []
    if not sorts:
        entries.sort(key=lambda one: one[1][0].get("createdate", ""))
        return [id_ for id_, _ in entries]
    one = sorts[0] if isinstance(sorts[0], dict) else {"propertyName": sorts[0]}
    name, down = str(one.get("propertyName")), one.get("direction") == "DESCENDING"
    if name == "hs_object_id":
        return [id_ for id_, _ in (reversed(entries) if down else entries)]
    read = _reader(portal, kind, name)
    # Records without the property come last in either direction.
    having = [one for one in entries if read(one[1]) is not None]
    lacking = [id_ for id_, entry in entries if read(entry) is None]
    having.sort(key=lambda one: read(one[1]), reverse=down)
    return [id_ for id_, _ in having] + lacking


def _reader(portal: Portal, kind: str, name: str) -> Read:
    """How to read a property as it compares: moments and numbers by size, texts without case."""
    definition = portal.definitions[kind].live(name)
    if definition is None:
        raise HubError(400, "VALIDATION_ERROR", f"Property {name} does not exist")
    if name in {"lastmodifieddate", "hs_lastmodifieddate"}:
        return lambda entry: entry[1] // 1000
    convert = _converter(definition.type)

    def read(entry: Entry) -> Any:
        text = entry[0].get(name)
        return None if text is None else convert(text)

    return read


def _converter(type_: str) -> Callable[[str], Any]:
    if type_ in {"date", "datetime"}:
        return epoch_ms
    return _number if type_ == "number" else str.lower


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _test(portal: Portal, kind: str, one: Mapping[str, Any]) -> Test:
    name, operator = str(one.get("propertyName")), str(one.get("operator"))
    if name.startswith("associations."):
        return _tied(portal, kind, name.removeprefix("associations."), one)
    read = _reader(portal, kind, name)
    definition = portal.definitions[kind].known[name]
    convert = _converter(definition.type)
    if operator in {"HAS_PROPERTY", "NOT_HAS_PROPERTY"}:
        wanted = operator == "HAS_PROPERTY"
        return lambda entry: (name in entry[0]) is wanted
    try:
        if operator in {"IN", "NOT_IN"}:
            several = {convert(str(text)) for text in one.get("values") or []}
            inside = operator == "IN"
            return lambda e: (v := read(e)) is not None and (v in several) is inside
        if one.get("value") is None:
            raise HubError(400, "VALIDATION_ERROR", f"Operator {operator} needs a value")
        if operator in {"CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN"}:
            token = str(one["value"]).strip("*").lower()
            inside = operator == "CONTAINS_TOKEN"
            return lambda entry: (token in entry[0].get(name, "").lower()) is inside
        low = convert(str(one["value"]))
        if operator == "BETWEEN":
            high = convert(str(one.get("highValue", "")))
            return lambda e: (v := read(e)) is not None and low <= v <= high
    except ValueError:
        raise HubError(
            400, "VALIDATION_ERROR", f"{one.get('value')} is no value for {name}"
        ) from None
    return _compared(read, operator, low)


def _compared(read: Read, operator: str, low: Any) -> Test:
    match operator:
        case "EQ":
            return lambda e: read(e) == low
        case "NEQ":
            return lambda e: (v := read(e)) is not None and v != low
        case "LT":
            return lambda e: (v := read(e)) is not None and v < low
        case "LTE":
            return lambda e: (v := read(e)) is not None and v <= low
        case "GT":
            return lambda e: (v := read(e)) is not None and v > low
        case "GTE":
            return lambda e: (v := read(e)) is not None and v >= low
    raise HubError(400, "VALIDATION_ERROR", f"Unknown operator {operator}")


def _tied(portal: Portal, kind: str, other: str, one: Mapping[str, Any]) -> Test:
    """The pseudo-property `associations.{type}`."""
    far = {"company": "companies"}.get(other, other if other.endswith("s") else f"{other}s")
    wanted = {str(text) for text in one.get("values") or [one.get("value")]}
    ids = {near for to in wanted for near in portal.associated(far, to, kind)}
    return lambda entry: entry[0].get("hs_object_id") in ids
