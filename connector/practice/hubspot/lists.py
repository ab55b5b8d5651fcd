"""Lists of records, which HubSpot's pages now call segments: found, made, filled and read.

Source: developers.hubspot.com, "Lists". Only lists filled by hand take members from a client; the
misspelt names in the answer of add-and-remove are the vendor's.
"""

from __future__ import annotations

from typing import Any

from connector.practice.hubspot.call import Call
from connector.practice.hubspot.errors import HubError
from connector.practice.hubspot.logins import need
from connector.practice.hubspot.moments import iso
from connector.practice.hubspot.properties import TYPE_IDS
from connector.practice.wire import Response, empty_response, json_response

_SEARCH_PAGE = 500
_MEMBERS_PAGE = 250
_BY_HAND = {"MANUAL", "SNAPSHOT"}


def search(call: Call) -> Response:
    """A page of lists whose names contain a text."""
    need(call.token, "crm.lists.read")
    body = call.request.json()
    text, ids = str(body.get("query") or "").lower(), {str(i) for i in body.get("listIds") or ()}
    kinds, type_ = body.get("processingTypes") or (), body.get("objectTypeId")
    start, count = int(body.get("offset") or 0), int(body.get("count") or 20)
    if count > _SEARCH_PAGE:
        raise HubError(400, "VALIDATION_ERROR", f"count must be at most {_SEARCH_PAGE}")
    found = [
        one
        for id_, one in call.portal.lists.items()
        if text in one["name"].lower()
        and (not ids or id_ in ids)
        and (not kinds or one["processingType"] in kinds)
        and (not type_ or one["objectTypeId"] == type_)
    ]
    page = [_shown(call, one) for one in found[start : start + count]]
    end = start + len(page)
    return json_response(
        200, {"lists": page, "offset": end, "hasMore": end < len(found), "total": len(found)}
    )


def create(call: Call) -> Response:
    """Make an empty list; a name is taken once for each type of record."""
    need(call.token, "crm.lists.write")
    body = call.request.json()
    name, type_ = str(body["name"]), str(body["objectTypeId"])
    call.kind(TYPE_IDS.get(type_, type_))
    if any(o["name"] == name and o["objectTypeId"] == type_ for o in call.portal.lists.values()):
        raise HubError(400, "VALIDATION_ERROR", f"List names must be unique: {name} is taken",
                       subCategory="ILS.DUPLICATE_LIST_NAMES")  # fmt: skip
    made = call.portal.add_list(name, type_, str(body["processingType"]))
    return json_response(200, {"list": _shown(call, made)})


def get(call: Call, id_: str) -> Response:
    """One list."""
    need(call.token, "crm.lists.read")
    return json_response(200, {"list": _shown(call, _found(call, id_))})


def delete(call: Call, id_: str) -> Response:
    """Take a list away; its members stay where they are."""
    need(call.token, "crm.lists.write")
    _found(call, id_)
    del call.portal.lists[id_], call.portal.members[id_]
    return empty_response(204)


def memberships(call: Call, id_: str) -> Response:
    """A page of members in order of their ids."""
    need(call.token, "crm.lists.read")
    _found(call, id_)
    limit, after = call.whole("limit", 100), call.whole("after", 0)
    if limit > _MEMBERS_PAGE:
        raise HubError(400, "VALIDATION_ERROR", f"limit must be at most {_MEMBERS_PAGE}")
    members = sorted(
        (item for item in call.portal.members[id_].items() if int(item[0]) > after),
        key=lambda item: int(item[0]),
    )
    page = members[:limit]
    answer: dict[str, Any] = {
        "results": [{"recordId": one, "membershipTimestamp": iso(at)} for one, at in page]
    }
    if len(members) > limit:
        answer["paging"] = {"next": {"after": page[-1][0]}}
    return json_response(200, answer)


def lists_of(call: Call) -> Response:
    """Which lists each of several records is on."""
    need(call.token, "crm.lists.read")
    results = []
    for one in call.inputs(call.request.json(), 1000):
        type_, record = str(one["objectTypeId"]), str(one["recordId"])
        on = [
            {"listId": id_, "listVersion": 1, "lastAddedTimestamp": iso(members[record])}
            for id_, members in call.portal.members.items()
            if record in members and call.portal.lists[id_]["objectTypeId"] == type_
        ]
        results.append({"objectTypeId": type_, "recordId": record, "recordListMemberships": on})
    return call.settled(results)


def add_and_remove(call: Call, id_: str) -> Response:
    """Put records on a list and take others off; one that is there already is no change."""
    need(call.token, "crm.lists.write")
    known, portal, body = _found(call, id_), call.portal, call.request.json()
    if known["processingType"] not in _BY_HAND:
        raise HubError(400, "VALIDATION_ERROR", "Memberships of a dynamic list cannot be set",
                       subCategory="ILS.INVALID_LIST_PROCESSING_TYPE")  # fmt: skip
    kind, members = TYPE_IDS[known["objectTypeId"]], portal.members[id_]
    added, removed, missing = [], [], []
    for record in [str(one) for one in body.get("recordIdsToAdd") or ()]:
        if record not in portal.records[kind]:
            missing.append(record)
        elif record not in members:
            portal.put_on_list(id_, record, call.by)
            added.append(record)
    for record in [str(one) for one in body.get("recordIdsToRemove") or ()]:
        if record in members:
            portal.take_off_list(id_, record, call.by)
            removed.append(record)
    return json_response(
        200,
        {"recordsIdsAdded": added, "recordIdsRemoved": removed, "recordIdsMissing": missing},
    )


def _found(call: Call, id_: str) -> dict[str, Any]:
    known = call.portal.lists.get(id_)
    if known is None:
        raise HubError(404, "OBJECT_NOT_FOUND", f"List does not exist with ID {id_}.",
                       subCategory="ILS.LIST_NOT_FOUND")  # fmt: skip
    return known


def _shown(call: Call, one: dict[str, Any]) -> dict[str, Any]:
    size = str(len(call.portal.members[one["listId"]]))
    return {**one, "size": int(size), "additionalProperties": {"hs_list_size": size}}
