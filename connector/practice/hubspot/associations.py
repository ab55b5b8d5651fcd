"""Ties between records: read in batches with pages of their own, made and undone.

Source: developers.hubspot.com, "Associations v4" and its dated successor, where ids are strings.
"""

from __future__ import annotations

from typing import Any

from connector.practice.hubspot.call import Call
from connector.practice.hubspot.errors import HubError
from connector.practice.wire import Response, empty_response, json_response

_BATCH = 1000
_WRITES = 2000


def read(call: Call, near: str, far: str) -> Response:
    """What up to 1,000 records are tied to; one that is tied to nothing is an error."""
    kind, other = call.kind(near), call.kind(far)
    results, errors = [], []
    for one in call.inputs(call.request.json(), _BATCH):
        id_ = str(one["id"])
        ties = call.portal.associated(kind, id_, other)
        if ties:
            page = _page(call, kind, id_, other, ties, int(one.get("after") or 0))
            results.append({"from": {"id": id_}, **page})
        else:
            errors.append(_untied(id_, kind, other))
    return call.settled(results, errors)


def of_one(call: Call, near: str, id_: str, far: str) -> Response:
    """What one record is tied to."""
    kind, other = call.kind(near), call.kind(far)
    ties = call.portal.associated(kind, call.portal.find(kind, id_).id, other)
    page = _page(call, kind, id_, other, ties, call.whole("after", 0))
    page["results"] = page.pop("to")
    return json_response(200, page)


def _page(
    call: Call, kind: str, id_: str, other: str, ties: list[str], start: int
) -> dict[str, Any]:
    end = start + call.portal.rules.ties_page
    page: dict[str, Any] = {
        "to": [
            {
                "toObjectId": tie if call.dated else int(tie),
                "associationTypes": call.portal.tie_types(kind, id_, other, tie),
            }
            for tie in ties[start:end]
        ]
    }
    if end < len(ties):
        page["paging"] = {"next": {"after": str(end)}}
    return page


def create(call: Call, near: str, far: str) -> Response:
    """Tie records of two types."""
    kind, other = call.kind(near, "write"), call.kind(far, "write")
    results: list[dict[str, Any]] = []
    for one in call.inputs(call.request.json(), _WRITES):
        id_, to = str(one["from"]["id"]), str(one["to"]["id"])
        call.portal.find(kind, id_)
        call.portal.find(other, to)
        call.portal.tie(kind, id_, other, to)
        results.append({"fromObjectTypeId": kind, "fromObjectId": _id(call, id_),
                        "toObjectTypeId": other, "toObjectId": _id(call, to),
                        "labels": []})  # fmt: skip
    return call.settled(results, status=201)


def default(call: Call, near: str, id_: str, far: str, to: str) -> Response:
    """Tie one record to one other."""
    kind, other = call.kind(near, "write"), call.kind(far, "write")
    call.portal.find(kind, id_)
    call.portal.find(other, to)
    call.portal.tie(kind, id_, other, to)
    return call.settled([{"from": {"id": id_}, "to": {"id": to}}])


def archive(call: Call, near: str, far: str) -> Response:
    """Undo ties."""
    kind, other = call.kind(near, "write"), call.kind(far, "write")
    for one in call.inputs(call.request.json(), _WRITES):
        tos = one["to"] if isinstance(one["to"], list) else [one["to"]]
        for to in tos:
            call.portal.untie(kind, str(one["from"]["id"]), other, str(to["id"]))
    return empty_response(204)


def labels(call: Call, near: str, far: str) -> Response:
    """The types ties of two types may have."""
    return json_response(200, {"results": call.portal.labels(call.kind(near), call.kind(far))})


def _id(call: Call, id_: str) -> str | int:
    return id_ if call.dated else int(id_)


def _untied(id_: str, kind: str, other: str) -> dict[str, Any]:
    message = f"No {other} is associated with {kind} {id_}."
    error = HubError(404, "OBJECT_NOT_FOUND", message, context={"fromObjectId": [id_]})
    return {**error.entry(), "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND"}
