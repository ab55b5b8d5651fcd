"""Resources that read: queries and their pages, describe, records, what changed and what went.

Source: REST API Developer Guide, "Query", "sObject Describe", "sObject Get Updated" and "Limits".
"""

from __future__ import annotations

import re
from datetime import UTC
from email.utils import format_datetime, parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from connector.domain.moment import (
    DAY,
    MINUTE,
    SECOND,
    Micros,
    parse_iso,
    to_datetime,
    to_micros,
)
from connector.practice.salesforce.cursors import Found
from connector.practice.salesforce.errors import ApiError
from connector.practice.salesforce.ids import canonical
from connector.practice.salesforce.moments import moment_text
from connector.practice.salesforce.rights import may_on
from connector.practice.salesforce.select import Selection
from connector.practice.salesforce.setup_objects import EITHER, SETUP, TOOLING
from connector.practice.salesforce.soql import Query, parse, refuse
from connector.practice.wire import Request, Response, json_response

if TYPE_CHECKING:
    from connector.practice.salesforce.fields import ObjectSpec
    from connector.practice.salesforce.rest import SalesforcePractice

_CHILD_PAGE = 200
_KEPT = 30 * DAY


def query(crm: SalesforcePractice, request: Request, user: str, verb: str) -> Response:
    """First page of a query."""
    text = request.argument("q")
    if not text:
        raise ApiError(400, "MALFORMED_QUERY", "SOQL statements cannot be empty or null")
    parsed = parse(text)
    _check_setup(crm, parsed, tooling=verb == "tooling/query")
    selection = Selection(crm.org, user, parsed, everything=verb == "queryAll")
    ids = selection.ids()
    if parsed.count == "":
        return json_response(200, {"totalSize": len(ids), "done": True, "records": []})
    if parsed.count:
        one = {"attributes": {"type": "AggregateResult"}, "expr0": len(ids)}
        return json_response(200, {"totalSize": 1, "done": True, "records": [one]})
    size = min(crm.page, _asked_size(request) or crm.page)
    return json_response(200, _page(crm, Found(selection, ids), 0, size))


def _check_setup(crm: SalesforcePractice, parsed: Query, *, tooling: bool) -> None:
    """Raises ApiError for an object that this query, or this user, knows nothing of."""
    spec = crm.org.spec(parsed.source)
    name = spec.name if spec else ""
    served = name in TOOLING | EITHER if tooling else name not in TOOLING
    if spec is not None and not (served and (crm.allowance.told or name not in SETUP)):
        why = f"sObject type '{parsed.source}' is not supported."
        raise refuse(parsed.text, parsed.source_at, "INVALID_TYPE", why)


def query_more(
    crm: SalesforcePractice, request: Request, user: str, verb: str, cursor: str, start: str
) -> Response:
    """A further page, of a query or of a block of child rows."""
    found = crm.cursors.find(cursor, crm.clock.now())
    size = min(crm.page, _asked_size(request) or crm.page)
    return json_response(200, _page(crm, found, int(start), size, cursor))


def _page(
    crm: SalesforcePractice, found: Found, start: int, size: int, cursor: str | None = None
) -> dict[str, Any]:
    (selection, ids), end = found, start + size
    answer: dict[str, Any] = {"totalSize": len(ids), "done": end >= len(ids)}
    if end < len(ids):
        cursor = cursor or crm.cursors.keep(found, crm.clock.now())
        # Salesforce says `query` here even to those who asked queryAll.
        answer["nextRecordsUrl"] = f"/services/data/v{crm.org.version}/query/{cursor}-{end}"

    def children(inner: Selection, theirs: list[str]) -> dict[str, Any]:
        return _page(crm, Found(inner, theirs), 0, min(size, _CHILD_PAGE))

    return {**answer, "records": selection.render(ids[start:end], children)}


def _asked_size(request: Request) -> int | None:
    match = re.search(r"batchSize=(\d+)", request.headers.get("sforce-query-options", ""))
    return min(2000, max(200, int(match.group(1)))) if match else None


def sobjects(crm: SalesforcePractice, request: Request, user: str) -> Response:
    """The global describe; 304 if unchanged."""
    stand = _stand(crm)
    if _unchanged(crm, request):
        return Response(304, stand, b"")
    known = [
        spec.summary(crm.org.version)
        for spec in crm.org.schema.values()
        if spec.name not in TOOLING
    ]
    told = {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": known}
    return json_response(200, told, **stand)


def basics(crm: SalesforcePractice, request: Request, user: str, name: str) -> Response:
    """What the global describe says of one object; nobody looked at records lately."""
    about = _known(crm, name).summary(crm.org.version)
    return json_response(200, {"objectDescribe": about, "recentItems": []})


def describe(crm: SalesforcePractice, request: Request, user: str, name: str) -> Response:
    """One object's describe, with the fields the asking user may see; 304 if unchanged."""
    spec, org = _known(crm, name), crm.org
    stand = _stand(crm)
    if _unchanged(crm, request):
        return Response(304, stand, b"")
    fields = []
    for one in spec.fields.values():
        if org.sees(user, spec, one):
            described = one.describe()
            described["updateable"] &= org.edits(user, spec, one)
            described["createable"] &= org.edits(user, spec, one)
            fields.append(described)
    told = {**spec.describe(org.version, [], org.schema), "fields": fields}
    told["createable"] &= may_on(org, user, spec.name, "Create")
    told["updateable"] &= may_on(org, user, spec.name, "Edit")
    return json_response(200, told, **stand)


def _unchanged(crm: SalesforcePractice, request: Request) -> bool:
    """Whether what the caller has of the schema is still so."""
    since = request.headers.get("if-modified-since")
    at = crm.org.schema_changed // SECOND * SECOND
    return bool(since) and to_micros(parsedate_to_datetime(str(since))) >= at


def _stand(crm: SalesforcePractice) -> dict[str, str]:
    """The headers that say as of when a describe is."""
    at = crm.org.schema_changed
    date = format_datetime(to_datetime(at).astimezone(UTC), usegmt=True)
    return {"Last-Modified": date, "ETag": f'"{at // SECOND & 0xFFFFFFFF:08x}"'}


def get(crm: SalesforcePractice, request: Request, user: str, name: str, id_: str) -> Response:
    """One record by its id."""
    spec = _known(crm, name)
    row = crm.org.shared(canonical(id_))
    if row is None or crm.org.type_of(row["Id"]) != spec.name:
        raise ApiError(
            404, "NOT_FOUND",
            f"Provided external ID field does not exist or is not accessible: {id_}",
        )  # fmt: skip
    if row.get("IsDeleted"):
        raise ApiError(404, "ENTITY_IS_DELETED", "entity is deleted")
    shown = _shown(crm, user, spec, request.arguments("fields"), [row["Id"]])
    return json_response(200, shown[0])


def get_by_key(
    crm: SalesforcePractice, request: Request, user: str, name: str, key: str, value: str
) -> Response:
    """One record by its external id; 300 where several have it."""
    spec = _known(crm, name)
    field = spec.find(key)
    found = crm.org.with_external(spec.name, field.name, value) if field and field.external else []
    if not found:
        raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")
    if len(found) > 1:
        base = f"/services/data/v{crm.org.version}/sobjects/{spec.name}/"
        return json_response(300, [base + one for one in found])
    return json_response(200, _shown(crm, user, spec, request.arguments("fields"), found)[0])


def retrieve(crm: SalesforcePractice, request: Request, user: str, name: str) -> Response:
    """Several records by their ids, in that order; null for one there is not."""
    spec = _known(crm, name)
    if request.method == "GET":
        body: dict[str, Any] = {key: request.arguments(key) for key in ("ids", "fields")}
    else:
        body = request.json()
    ids = [canonical(one) for one in body.get("ids", ())]
    there = [
        one if one and (row := crm.org.shared(one)) and not row.get("IsDeleted") else None
        for one in ids
    ]
    shown = _shown(crm, user, spec, body.get("fields") or ["Id"], [one for one in there if one])
    found = iter(shown)
    return json_response(200, [next(found) if one else None for one in there])


def _shown(
    crm: SalesforcePractice, user: str, spec: ObjectSpec, names: list[str], ids: list[str]
) -> list[dict[str, Any]]:
    named = names or [one.name for one in spec.fields.values() if crm.org.sees(user, spec, one)]
    parsed = parse(f"SELECT {', '.join(named)} FROM {spec.name}")
    return Selection(crm.org, user, parsed, everything=True).render(ids)


def updated(crm: SalesforcePractice, request: Request, user: str, name: str) -> Response:
    """Ids of records stamped within a span."""
    spec = _known(crm, name)
    low, high = _span(crm, request)
    first, last = moment_text(low), moment_text(high)
    ids = [
        row["Id"]
        for row in crm.org.tables[spec.name].values()
        if row["Id"] not in crm.org.rules.unshared
        and not row.get("IsDeleted")
        and first <= row.get("SystemModstamp", "") < last
    ]
    _check_count(crm, ids)
    covered = moment_text(min(high, crm.org.covered()))
    return json_response(200, {"ids": ids, "latestDateCovered": covered})


def deleted(crm: SalesforcePractice, request: Request, user: str, name: str) -> Response:
    """Ids of records that went within a span, hard-deleted ones too."""
    spec = _known(crm, name)
    low, high = _span(crm, request)
    gone = [
        {"id": id_, "deletedDate": moment_text(at)}
        for id_, at in crm.org.deletions[spec.name].items()
        if low <= at < high
    ]
    _check_count(crm, gone)
    return json_response(
        200,
        {
            "deletedRecords": gone,
            "earliestDateAvailable": moment_text(crm.clock.now() - _KEPT),
            "latestDateCovered": moment_text(min(high, crm.org.covered())),
        },
    )


def _check_count(crm: SalesforcePractice, changes: list[Any]) -> None:
    if len(changes) > crm.most_changes:
        raise ApiError(400, "EXCEEDED_ID_LIMIT", f"more than {crm.most_changes} ids in the span")


def _span(crm: SalesforcePractice, request: Request) -> tuple[Micros, Micros]:
    """The span asked for, seconds cut off as Salesforce does. Raises ApiError."""
    ends = []
    for name in ("start", "end"):
        try:
            at = parse_iso((request.argument(name) or "").replace(" ", "+"))
        except ValueError:
            raise ApiError(400, "INVALID_FIELD", f"{name}: not a date with its zone") from None
        ends.append(at // MINUTE * MINUTE)
    low, high = ends
    if high - low < MINUTE:
        raise ApiError(400, "INVALID_REPLICATION_DATE", "startDate must be at least one minute "
                       "earlier than the endDate")  # fmt: skip
    if low < crm.clock.now() - _KEPT - SECOND:
        raise ApiError(400, "INVALID_REPLICATION_DATE", "startDate cannot be more than 30 days "
                       "ago")  # fmt: skip
    return low, high


def limits(crm: SalesforcePractice, request: Request, user: str) -> Response:
    """What is left of the day."""
    calls = crm.allowance
    if not calls.told:
        raise ApiError(403, "INSUFFICIENT_ACCESS", "insufficient access rights on cross-reference "
                       "id")  # fmt: skip
    left: dict[str, Any] = {
        "Max": calls.most,
        "Remaining": max(0, calls.most - calls.used(crm.clock.now())),
    }
    if calls.app is not None:
        left[calls.app[0]] = {"Max": calls.app[1], "Remaining": calls.app[1] - calls.most
                              + left["Remaining"]}  # fmt: skip
    jobs = crm.jobs
    queries = {"Max": jobs.most_queries, "Remaining": max(0, jobs.most_queries - jobs.queries)}
    batches = {"Max": jobs.most_batches, "Remaining": max(0, jobs.most_batches - jobs.batches)}
    told = {"DailyApiRequests": left, "DailyBulkV2QueryJobs": queries}
    return json_response(200, told | {"DailyBulkApiBatches": batches})


def record_count(crm: SalesforcePractice, request: Request, user: str) -> Response:
    """About how many records objects have."""
    counts = []
    for name in request.arguments("sObjects"):
        rows = crm.org.tables.get(name, {}).values()
        counts.append({"count": sum(not r.get("IsDeleted") for r in rows), "name": name})
    return json_response(200, {"sObjects": counts})


def _known(crm: SalesforcePractice, name: str) -> ObjectSpec:
    spec = crm.org.spec(name)
    if spec is None or spec.name in TOOLING:
        raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")
    return spec
