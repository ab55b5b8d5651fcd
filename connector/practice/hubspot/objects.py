"""Records: listed, read, searched, written, merged, archived and erased.

Source: developers.hubspot.com, "CRM API: Objects", "Search the CRM" and "Batch".
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Any

from connector.practice.hubspot.call import Call
from connector.practice.hubspot.errors import HubError, not_found
from connector.practice.hubspot.portal import ASSOCIATION, Record
from connector.practice.hubspot.search import search as find
from connector.practice.wire import Response, empty_response, json_response

_BATCH = 100
_HISTORY_BATCH = 50


def listing(call: Call, name: str) -> Response:
    """A page of records in order of their ids, live ones or archived ones."""
    kind, portal = call.kind(name), call.portal
    limit, after = min(call.whole("limit", 10), 100), call.whole("after", 0)
    archived = call.request.flag("archived")
    histories = call.request.arguments("propertiesWithHistory")
    if histories and limit > _HISTORY_BATCH:
        raise HubError(
            400, "VALIDATION_ERROR", "The maximum number of inputs supported in a batch request "
            f"for property histories is {_HISTORY_BATCH}",
        )  # fmt: skip
    rows, order = portal.records[kind], portal.order[kind]
    page: list[Record] = []
    more = None
    for place in range(bisect_left(order, after, key=int), len(order)):
        record = rows[order[place]]
        if (record.archived is not None) is not archived:
            continue
        if len(page) == limit:
            more = record.id
            break
        page.append(record)
    names = call.names(kind, call.request.arguments("properties"))
    others = call.request.arguments("associations")
    answer: dict[str, Any] = {
        "results": [call.shown(kind, one, names, histories, others) for one in page]
    }
    if more is not None:
        link = f"https://api.hubapi.com{call.request.path}?after={more}"
        answer["paging"] = {"next": {"after": more, "link": link}}
    return json_response(200, answer)


def create(call: Call, name: str) -> Response:
    """Add one record, with associations if it brings them."""
    kind, body = call.kind(name, "write"), call.request.json()
    ties = body.get("associations") or []
    record = _created(call, kind, body, ties)
    shown = call.written(kind, record, list(body.get("properties", {})), record.updated)
    return json_response(201, shown, Location=f"{call.request.path}/{record.id}")


def _created(call: Call, kind: str, body: Any, ties: list[Any]) -> Record:
    others = [
        (_other_side(kind, int(one["associationTypeId"])), str(tie["to"]["id"]))
        for tie in ties
        for one in tie.get("types", [])
    ]
    if kind == "leads":
        if not body.get("properties", {}).get("hs_lead_name"):
            raise HubError(400, "VALIDATION_ERROR", "hs_lead_name is required")
        if not any(far == "contacts" for far, _ in others):
            raise HubError(400, "VALIDATION_ERROR", "A lead needs an association to a contact")
    for far, other in others:
        call.portal.find(far, other)
    record = call.portal.create(kind, body.get("properties", {}), call.by, dated=call.dated)
    for far, other in others:
        call.portal.tie(kind, record.id, far, other)
    return record


def get(call: Call, name: str, id_: str) -> Response:
    """One record, by its id or a unique property."""
    kind, request = call.kind(name), call.request
    record = _found(call, kind, id_, request.argument("idProperty"),
                    archived=request.flag("archived"))  # fmt: skip
    names = call.names(kind, request.arguments("properties"))
    histories = request.arguments("propertiesWithHistory")
    shown = call.shown(kind, record, names, histories, request.arguments("associations"))
    return json_response(200, shown)


def _found(call: Call, kind: str, id_: str, by: str | None, *, archived: bool = False) -> Record:
    if archived:
        found = call.portal.records[kind].get(id_)
        if found is None or found.archived is None:
            raise not_found(id_)
        return found
    return call.portal.find_by(kind, by, id_) if by else call.portal.find(kind, id_)


def patch(call: Call, name: str, id_: str) -> Response:
    """Change one record."""
    kind = call.kind(name, "write")
    given = call.request.json().get("properties", {})
    record = _found(call, kind, id_, call.request.argument("idProperty"))
    before = record.updated
    call.portal.update(kind, record, given, call.by, dated=call.dated)
    return json_response(200, call.written(kind, record, list(given), before))


def archive(call: Call, name: str, id_: str) -> Response:
    """Archive one record; one that is gone is archived already."""
    kind = call.kind(name, "write")
    try:
        call.portal.archive(kind, call.portal.find(kind, id_), call.by)
    except HubError:
        return empty_response(204)
    return empty_response(204)


def search(call: Call, name: str) -> Response:
    """A page of what the search index finds."""
    kind, portal, cap = call.kind(name), call.portal, call.portal.rules.search_body
    if cap is not None and len(call.request.body) > cap:
        raise HubError(400, "VALIDATION_ERROR", f"The request body is longer than {cap} characters")
    body = call.request.json()
    total, ids, after = find(portal, kind, body)
    names, index = call.names(kind, body.get("properties") or []), portal.index[kind]
    shown = [call.plain(kind, id_, *index[id_], names) for id_ in ids if id_ in index]
    answer: dict[str, Any] = {"total": total, "results": shown}
    if after < total:
        answer["paging"] = {"next": {"after": str(after)}}
    return json_response(200, answer)


# --- batches --------------------------------------------------------------------------------------


def batch_read(call: Call, name: str) -> Response:
    """Up to 100 records by id or unique property, 50 with history; 207 where some are missing."""
    kind, body = call.kind(name), call.request.json()
    histories = body.get("propertiesWithHistory") or []
    inputs = call.inputs(body, _HISTORY_BATCH if histories else _BATCH)
    archived = call.request.flag("archived")
    found: dict[str, Record] = {}
    errors = []
    for one in inputs:
        try:
            record = _found(call, kind, str(one["id"]), body.get("idProperty"), archived=archived)
        except HubError:
            errors.append(_missing(str(one["id"])))
        else:
            found[record.id] = record
    names = call.names(kind, body.get("properties") or [])
    shown = [call.shown(kind, one, names, histories) for one in found.values()]
    return call.settled(shown, errors)


def batch_update(call: Call, name: str) -> Response:
    """Change up to 100 records. A missing one fails alone, a value that cannot be fails all."""
    kind = call.kind(name, "write")
    inputs = call.inputs(call.request.json(), _BATCH)
    ids = [str(one["id"]) for one in inputs]
    if len(set(ids)) < len(ids):
        raise HubError(400, "VALIDATION_ERROR", "Duplicate IDs found in batch input")
    ready, errors = [], []
    for one in inputs:
        try:
            record = _found(call, kind, str(one["id"]), one.get("idProperty"))
        except HubError:
            errors.append(_missing(str(one["id"])))
        else:
            ready.append((record, one.get("properties", {})))
    for record, given in ready:
        call.portal.check(kind, record, given, dated=call.dated)
    shown = []
    for record, given in ready:
        before = record.updated
        call.portal.update(kind, record, given, call.by, dated=call.dated)
        shown.append(call.written(kind, record, list(given), before))
    return call.settled(shown, errors)


def batch_create(call: Call, name: str) -> Response:
    """Add up to 100 records; one that cannot be stops all."""
    kind = call.kind(name, "write")
    inputs = call.inputs(call.request.json(), _BATCH)
    for one in inputs:
        call.portal.check(kind, None, one.get("properties", {}), dated=call.dated)
    made = [_created(call, kind, one, one.get("associations") or []) for one in inputs]
    shown = [call.written(kind, one, list(one.values), one.updated) for one in made]
    return call.settled(shown, status=201)


def batch_upsert(call: Call, name: str) -> Response:
    """Change records found by a unique property, add the others; `new` says which."""
    kind = call.kind(name, "write")
    results = []
    for one in call.inputs(call.request.json(), _BATCH):
        given, by = one.get("properties", {}), str(one.get("idProperty") or "hs_object_id")
        try:
            record = call.portal.find_by(kind, by, str(one["id"]))
        except HubError:
            new, record = True, call.portal.create(
                kind, {by: str(one["id"]), **given}, call.by, dated=call.dated
            )  # fmt: skip
            before = record.updated
        else:
            new, before = False, record.updated
            call.portal.update(kind, record, given, call.by, dated=call.dated)
        results.append({**call.written(kind, record, list(given), before), "new": new})
    return call.settled(results)


def batch_archive(call: Call, name: str) -> Response:
    """Archive up to 100 records."""
    for one in call.inputs(call.request.json(), _BATCH):
        archive(call, name, str(one["id"]))
    return empty_response(204)


# --- the end of a record --------------------------------------------------------------------------


def merge(call: Call, name: str) -> Response:
    """Merge two records into a new one."""
    kind, body = call.kind(name, "write"), call.request.json()
    primary, other = str(body["primaryObjectId"]), str(body["objectIdToMerge"])
    record = call.portal.merge(kind, primary, other, call.by)
    return json_response(200, call.shown(kind, record, call.names(kind, [])))


def gdpr_delete(call: Call, name: str) -> Response:
    """Erase one record for good."""
    kind, body = call.kind(name, "write"), call.request.json()
    record = _found(call, kind, str(body["objectId"]), body.get("idProperty"))
    call.portal.erase(kind, record, call.by)
    return empty_response(204)


def _missing(id_: str) -> dict[str, Any]:
    error = not_found(id_)
    error.category, error.message = "OBJECT_NOT_FOUND", "Could not get some objects"
    error.context = {"ids": [id_]}
    return error.entry()


def _other_side(kind: str, type_id: int) -> str:
    for (near, far), known in ASSOCIATION.items():
        if near == kind and known == type_id:
            return far
    raise HubError(400, "VALIDATION_ERROR", f"Unknown association type {type_id} from {kind}")
