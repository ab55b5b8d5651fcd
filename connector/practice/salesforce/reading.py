"""Resources that read: queries and their pages, describe, records, what changed and what went.

Source: REST API Developer Guide, "Query", "sObject Describe", "sObject Get Updated" and "Limits".
"""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from connector.domain.moment import DAY, MINUTE, SECOND, Micros, parse_iso, to_micros
from connector.practice.salesforce.errors import ApiError
from connector.practice.salesforce.ids import canonical, make_id
from connector.practice.salesforce.moments import moment_text
from connector.practice.salesforce.select import Selection
from connector.practice.salesforce.soql import parse
from connector.practice.wire import Request, Response, empty_response, json_response

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
    selection = Selection(crm.org, user, parsed, everything=verb == "queryAll")
    ids = selection.ids()
    if parsed.count == "":
        return json_response(200, {"totalSize": len(ids), "done": True, "records": []})
    if parsed.count:
        one = {"attributes": {"type": "AggregateResult"}, "expr0": len(ids)}
        return json_response(200, {"totalSize": 1, "done": True, "records": [one]})
    size = min(crm.page, _asked_size(request) or crm.page)
    return json_response(200, _page(crm, selection, ids, 0, size))


def query_more(
    crm: SalesforcePractice, request: Request, user: str, verb: str, cursor: str, start: str
) -> Response:
    """A further page, of a query or of a block of child rows."""
    kept = crm.cursors.get(cursor)
    if kept is None:
        raise ApiError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
    size = min(crm.page, _asked_size(request) or crm.page)
    return json_response(200, _page(crm, *kept, int(start), size))


def _page(
    crm: SalesforcePractice, selection: Selection, ids: list[str], start: int, size: int
) -> dict[str, Any]:
    end = start + size
    answer: dict[str, Any] = {"totalSize": len(ids), "done": end >= len(ids)}
    if end < len(ids):
        cursor = make_id("0r8", len(crm.cursors) + 1)
        crm.cursors[cursor] = (selection, ids)
        # Salesforce says `query` here even to those who asked queryAll.
        answer["nextRecordsUrl"] = f"/services/data/v{crm.org.version}/query/{cursor}-{end}"

    def children(inner: Selection, theirs: list[str]) -> dict[str, Any]:
        return _page(crm, inner, theirs, 0, min(size, _CHILD_PAGE))

    return {**answer, "records": selection.render(ids[start:end], children)}


def _asked_size(request: Request) -> int | None:
    match = re.search(r"batchSize=(\d+)", request.headers.get("sforce-query-options", ""))
    return min(2000, max(200, int(match.group(1)))) if match else None


def sobjects(crm: SalesforcePractice, request: Request, user: str) -> Response:
    """The global describe."""
    known = [spec.summary(crm.org.version) for spec in crm.org.schema.values()]
    return json_response(200, {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": known})


def describe(crm: SalesforcePractice, request: Request, user: str, name: str) -> Response:
    """One object's describe, with the fields the asking user may see; 304 if unchanged."""
    spec, org = _known(crm, name), crm.org
    since = request.headers.get("if-modified-since")
    if since and to_micros(parsedate_to_datetime(since)) >= org.schema_changed:
        return empty_response(304)
    fields = []
    for one in spec.fields.values():
        if org.sees(user, spec, one):
            described = one.describe()
            described["updateable"] &= org.edits(user, spec, one)
            described["createable"] &= org.edits(user, spec, one)
            fields.append(described)
    return json_response(200, {**spec.describe(org.version, []), "fields": fields})


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


def retrieve(crm: SalesforcePractice, request: Request, user: str, name: str) -> Response:
    """Several records by their ids, in that order; null for one there is not."""
    body, spec = request.json(), _known(crm, name)
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
    return json_response(
        200,
        {
            "deletedRecords": gone,
            "earliestDateAvailable": moment_text(crm.clock.now() - _KEPT),
            "latestDateCovered": moment_text(min(high, crm.org.covered())),
        },
    )


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
    if not crm.limits_told:
        raise ApiError(403, "INSUFFICIENT_ACCESS", "insufficient access rights on cross-reference "
                       "id")  # fmt: skip
    left = {"Max": crm.quota, "Remaining": max(0, crm.quota - crm.used)}
    bulk = {"Max": 10_000, "Remaining": 10_000}
    return json_response(200, {"DailyApiRequests": left, "DailyBulkV2QueryJobs": bulk})


def record_count(crm: SalesforcePractice, request: Request, user: str) -> Response:
    """About how many records objects have."""
    counts = []
    for name in request.arguments("sObjects"):
        rows = crm.org.tables.get(name, {}).values()
        counts.append({"count": sum(not r.get("IsDeleted") for r in rows), "name": name})
    return json_response(200, {"sObjects": counts})


def _known(crm: SalesforcePractice, name: str) -> ObjectSpec:
    spec = crm.org.spec(name)
    if spec is None:
        raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")
    return spec
